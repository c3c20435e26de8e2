//! Dead letters, looked at while another process may own the file.
use super::{Look, LookError};
use edge::Operator;
use events::map::TopicMap;
use runtime::dead_letters::Place;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Look {
    /// What an operator may look at; what changes something goes to the owner of the file.
    pub fn operator(&self) -> Operator {
        Operator::new(&self.ports, Arc::new(TopicMap::embedded().clone()))
    }

    /// The headers of the message at a place, those of its failure among them; what is not text, escaped.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn headers(&self, place: &Place) -> Result<BTreeMap<String, String>, LookError> {
        let log = &self.ports.log;
        let found = log
            .read(&place.topic, place.partition, place.offset, 1)
            .await?;
        let message = found
            .into_iter()
            .find(|message| message.at.offset == place.offset);
        let headers = message.map_or_else(Vec::new, |message| message.headers.0);
        let readable = |(name, value): (String, Vec<u8>)| (name, readable(&value));
        Ok(headers.into_iter().map(readable).collect())
    }
}

fn readable(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), str::to_owned)
}
