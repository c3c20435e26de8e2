//! The collections and their indexes. Nobody needs them to be right, only to be quick: a worker never makes them.
use super::MongoState;
use super::fault::NAMESPACE_NOT_FOUND;
use futures::stream::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::IndexOptions;
use runtime::PortError;
use std::collections::BTreeSet;

/// What a state collection's name in the database begins with.
pub(super) const PREFIX: &str = "state.";

/// Rows of a partition that want to be woken.
const DUE: &str = "troupe_due";

/// Rows that may be swept.
const EXPIRING: &str = "troupe_expiring";

/// The name in the database: ASCII letters, digits, `.`, `_` and `-` stand for themselves, other bytes are written
/// `%xx`; two names never become one.
pub(super) fn name(collection: &str) -> String {
    let mut name = PREFIX.to_owned();
    for byte in collection.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                name.push(char::from(byte));
            }
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name
}

/// The indexes: only rows that want to be woken are in the one, only rows that expire in the other.
fn indexes() -> [IndexModel; 2] {
    let index = |name: &str, keys: Document, field: &str| {
        let options = IndexOptions::builder()
            .name(name.to_owned())
            .partial_filter_expression(doc! { field: { "$exists": true } })
            .build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    [
        index(
            DUE,
            doc! { "partition": 1, "wake_at": 1, "_id": 1 },
            "wake_at",
        ),
        index(EXPIRING, doc! { "expires_at": 1 }, "expires_at"),
    ]
}

impl MongoState {
    /// Makes the collections and indexes that are not there. The same again changes nothing; rows stay as they are.
    ///
    /// # Errors
    /// If a server could not; what was made until then stays, and it can be called again.
    pub async fn prepare(&self, collections: &[String]) -> Result<(), PortError> {
        for collection in collections {
            let rows = self.rows(collection);
            self.within(async { rows.create_indexes(indexes()).await })
                .await?;
        }
        Ok(())
    }

    /// What `prepare` would make: `collection: index`, in order.
    ///
    /// # Errors
    /// If a server cannot be asked.
    pub async fn unprepared(&self, collections: &[String]) -> Result<Vec<String>, PortError> {
        let mut missing = vec![];
        for collection in collections {
            let found = self.index_names(collection).await?;
            let absent = [DUE, EXPIRING]
                .into_iter()
                .filter(|index| !found.contains(*index));
            missing.extend(absent.map(|index| format!("{}: {index}", name(collection))));
        }
        Ok(missing)
    }

    async fn index_names(&self, collection: &str) -> Result<BTreeSet<String>, PortError> {
        let rows = self.rows(collection);
        let listed = async {
            let indexes = async { rows.list_indexes().await?.try_collect::<Vec<_>>().await };
            match indexes.await {
                Err(error) if absent(&error) => Ok(vec![]),
                other => other,
            }
        };
        let indexes = self.within(listed).await?;
        let names = indexes
            .into_iter()
            .filter_map(|index| index.options.and_then(|options| options.name));
        Ok(names.collect())
    }

    /// Asks the primary for a sign of life.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn ping(&self) -> Result<(), PortError> {
        let asked = async { self.database.run_command(doc! { "ping": 1 }).await };
        self.within(asked).await.map(|_| ())
    }

    /// Removes the whole database. For tests.
    ///
    /// # Errors
    /// If a server could not.
    #[cfg(all(test, feature = "servers"))]
    pub(super) async fn drop_database(&self) -> Result<(), PortError> {
        self.within(async { self.database.drop().await }).await
    }
}

/// Whether the collection is not there at all.
fn absent(error: &mongodb::error::Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == NAMESPACE_NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_collections_never_have_one_name() {
        let names = [
            ("documents.extract", "state.documents.extract"),
            ("holds", "state.holds"),
            ("a$b", "state.a%24b"),
            ("a%24b", "state.a%2524b"),
            ("system.users", "state.system.users"),
            ("ü", "state.%c3%bc"),
            ("", "state."),
        ];
        for (collection, wanted) in names {
            assert_eq!(name(collection), wanted);
        }
    }
}
