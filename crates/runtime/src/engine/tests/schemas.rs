//! A registry that is away stops nothing that is known, and condemns nothing that is not.
use super::fixtures::*;
use crate::codec::Schemas;
use crate::engine::{self, Options};
use crate::ports::schemas::SchemaRegistry;
use crate::{BoxFuture, PortError, Ports};
use events::Record;
use events::documents::ParseUpload;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A registry that can be taken away.
struct Taken {
    registry: Arc<dyn SchemaRegistry>,
    away: AtomicBool,
}

impl Taken {
    fn there(&self) -> Result<&dyn SchemaRegistry, PortError> {
        if self.away.load(Ordering::Relaxed) {
            let (port, why) = ("schemas", "it is away".to_owned());
            return Err(PortError::Unreachable { port, why });
        }
        Ok(&*self.registry)
    }
}
impl SchemaRegistry for Taken {
    fn id_of<'a>(
        &'a self,
        record: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<u32, PortError>> {
        Box::pin(async move { self.there()?.id_of(record, text).await })
    }
    fn text_of(&self, id: u32) -> BoxFuture<'_, Result<Option<String>, PortError>> {
        Box::pin(async move { self.there()?.text_of(id).await })
    }
}

/// The schema of a later version, which this process has not met: it says more of itself.
fn later() -> String {
    let text = ParseUpload::schema().text;
    let mut schema: serde_json::Value = serde_json::from_str(text).expect("JSON");
    schema["doc"] = "of a later version".into();
    schema.to_string()
}

#[test]
fn what_only_the_registry_can_tell_waits_until_it_is_back_and_the_outage_is_told() {
    simulate(async |mut world| {
        let process = world.sim.process("a");
        let registry = Arc::new(Taken {
            registry: process.schemas(),
            away: AtomicBool::new(false),
        });
        let schemas = Schemas::start(registry.clone(), &events::all_records()).await;
        let id = registry.id_of(ParseUpload::NAME, &later()).await;
        let ports = Ports::new(
            process.stores(),
            schemas.expect("resolved"),
            process.clock(),
        );
        registry.away.store(true, Ordering::Relaxed);
        let options = Options::new(world.map.clone());
        let running = engine::start(&ports, world.consumers(), &options);
        let running = running.expect("the wiring is right");
        let mut unknown = world.work("d1", "unknown");
        let id = id.expect("registered").to_be_bytes();
        unknown.payload = [&[0], &id[..], &unknown.payload[5..]].concat().into();
        world.send(unknown).await;
        world.send_work("d1", &["behind"]).await;
        world.send_work("d2", &["known"]).await;
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert_eq!(world.script.done(), ["known"]);
        assert_eq!(world.dead(EFFECTS).await, [], "nobody's fault");
        let outages = ports.breakers.outages();
        let told: Vec<&str> = outages.iter().map(|o| o.dependency.as_str()).collect();
        assert_eq!(told, ["schemas"], "health says so");
        registry.away.store(false, Ordering::Relaxed);
        world.settle().await;
        assert_eq!(world.script.done(), ["known", "unknown", "behind"]);
        assert_eq!(ports.breakers.outages(), []);
        running.abort();
    });
}
