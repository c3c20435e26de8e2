//! Rows of views for a handler that reads them: nothing else of State answers.
use super::nowhere::Nowhere;
use crate::ports::state::{Due, Row, Save, Saved, State};
use crate::rows::ViewRow;
use crate::{BoxFuture, PortError};
use serde::Serialize;
use std::collections::BTreeMap;

/// A State that holds rows of views.
#[derive(Debug, Default)]
pub struct ViewRows(BTreeMap<(String, String), Row>);

impl ViewRows {
    /// And this row of a view, under `key` of the tenant.
    ///
    /// # Panics
    /// If the row cannot be written as JSON: a fault of the test.
    pub fn with(mut self, tenant: &str, view: &str, key: &str, row: impl Serialize) -> Self {
        let row = ViewRow { applied: None, row };
        let body = serde_json::to_vec(&row).unwrap_or_else(|e| panic!("{view}: {e}"));
        let row = Row {
            version: 1,
            body,
            ..Row::default()
        };
        let id = format!("{tenant}/{key}/topic-0");
        self.0.insert((view.to_owned(), id), row);
        self
    }
}

impl State for ViewRows {
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        Nowhere.load(collection, ids)
    }
    fn save(&self, saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        Nowhere.save(saves)
    }
    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        let fits = |(view, id): &(String, String)| {
            view == collection && id.starts_with(prefix) && id.as_str() > after
        };
        let found = self.0.iter().filter(|(place, _)| fits(place));
        let found = found.map(|((_, id), row)| (id.clone(), row.clone()));
        let found: Vec<_> = found.take(limit).collect();
        Box::pin(async { Ok(found) })
    }
    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        Nowhere.due(collection, partition, limit)
    }
    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        Nowhere.sweep(collection, now_ms, limit)
    }
}
