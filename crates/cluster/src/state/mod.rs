//! The state on MongoDB: a collection per state collection, a document per row, each saved under a check of its
//! version (E4). No transactions of several documents: what belongs together is in one row.
//!
//! Rows are read from the primary, as a majority has them: what is read is never taken back, and whoever read
//! something old (a primary that does not know yet that it is none any more) loses at the save.
mod document;
mod fault;
mod plan;
mod prepare;
mod read;
mod save;
mod sweep;
#[cfg(all(test, feature = "servers"))]
mod tests;

use crate::secret::Secret;
use futures::stream::{self, StreamExt, TryStreamExt};
use mongodb::bson::RawDocumentBuf;
use mongodb::options::{
    ClientOptions, CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria,
};
use mongodb::{Client, Collection, Database};
use runtime::ports::state::{Due, Row, Save, Saved, State};
use runtime::{BoxFuture, PortError};
use std::time::Duration;

/// So many rows are asked for, or saved, by one command at most.
const ROWS: usize = 128;

/// So many commands of one call are under way at a time.
const COMMANDS: usize = 8;

/// Where the state is, and how long it may take.
#[derive(Clone, Debug)]
pub struct MongoOptions {
    /// `mongodb://…`, with credentials, TLS and the replica set as the address says; `mongodb+srv` is not spoken.
    pub url: Secret,
    /// The database; every collection of it that begins with `state.` is ours.
    pub database: String,
    /// How long one command may take, and the search for a primary before it.
    pub timeout: Duration,
    /// Connections to one server at most.
    pub connections: u32,
}

impl MongoOptions {
    /// With the defaults: 10 seconds, 32 connections.
    pub fn new(url: impl Into<Secret>, database: &str) -> Self {
        Self {
            url: url.into(),
            database: database.to_owned(),
            timeout: Duration::from_secs(10),
            connections: 32,
        }
    }
}

/// The port on MongoDB 4.4 or newer.
pub struct MongoState {
    database: Database,
    timeout: Duration,
}

impl MongoState {
    /// Reads the address; the servers are looked for when they are needed first.
    ///
    /// # Errors
    /// If the address cannot be read. What is wrong with it is not said: the driver quotes from it.
    pub async fn open(options: &MongoOptions) -> Result<Self, PortError> {
        let unreadable = |_| PortError::Corrupt {
            port: "state",
            why: "the address of the state is no mongodb:// address that can be read".into(),
        };
        let mut client = ClientOptions::parse(options.url.expose())
            .await
            .map_err(unreadable)?;
        client.app_name.get_or_insert_with(|| "troupe".into());
        client.server_selection_timeout = Some(options.timeout);
        client.connect_timeout = Some(options.timeout);
        client.max_pool_size = Some(options.connections.max(1));
        let client = Client::with_options(client).map_err(unreadable)?;
        Ok(Self {
            database: client.database(&options.database),
            timeout: options.timeout,
        })
    }

    /// The rows of a collection.
    fn rows(&self, collection: &str) -> Collection<RawDocumentBuf> {
        let options = CollectionOptions::builder()
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .read_concern(ReadConcern::majority())
            .build();
        self.database
            .collection_with_options(&prepare::name(collection), options)
    }

    /// What the driver is asked for, in time.
    async fn within<T>(
        &self,
        asked: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, PortError> {
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answered) => answered.map_err(|error| fault::of(&error)),
            Err(_) => Err(fault::unreachable(format!(
                "no answer within {} ms",
                self.timeout.as_millis()
            ))),
        }
    }
}

impl State for MongoState {
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        Box::pin(async move {
            let rows = self.rows(collection);
            // Boxed: a stream of plain futures that borrow is not seen to be `Send`.
            let asked: Vec<BoxFuture<'_, _>> = ids
                .chunks(ROWS)
                .map(|ids| Box::pin(read::load(self, &rows, ids)) as BoxFuture<'_, _>)
                .collect();
            let parts: Vec<Vec<Option<Row>>> =
                stream::iter(asked).buffered(COMMANDS).try_collect().await?;
            Ok(parts.into_iter().flatten().collect())
        })
    }

    fn save(&self, saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        Box::pin(async move { save::save(self, &saves).await })
    }

    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        Box::pin(
            async move { read::scan(self, &self.rows(collection), prefix, after, limit).await },
        )
    }

    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        Box::pin(async move { read::due(self, &self.rows(collection), partition, limit).await })
    }

    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        Box::pin(async move { sweep::sweep(self, collection, now_ms, limit).await })
    }
}
