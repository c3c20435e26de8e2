//! Schema ids, given in the order in which they are asked for.
use super::wire::Wire;
use crate::ports::schemas::SchemaRegistry;
use crate::ports::{BoxFuture, PortError};

pub(super) struct SimSchemas(pub Wire);

impl SchemaRegistry for SimSchemas {
    fn id_of<'a>(
        &'a self,
        _record: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<u32, PortError>> {
        Box::pin(self.0.read("schemas.id_of", move |world| {
            let known = world.schemas.iter().position(|schema| schema == text);
            let index = known.unwrap_or_else(|| {
                world.schemas.push(text.to_owned());
                world.schemas.len() - 1
            });
            index as u32 + 1
        }))
    }

    fn text_of(&self, id: u32) -> BoxFuture<'_, Result<Option<String>, PortError>> {
        Box::pin(self.0.read("schemas.text_of", move |world| {
            let index = (id as usize).checked_sub(1)?;
            world.schemas.get(index).cloned()
        }))
    }
}
