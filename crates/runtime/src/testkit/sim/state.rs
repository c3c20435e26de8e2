//! Rows, each saved by itself under a check of its version.
use super::history::What;
use super::wire::{Fate, Wire};
use super::world::World;
use crate::ports::state::{Due, Row, Save, Saved, State};
use crate::ports::{BoxFuture, PortError};
use std::ops::Bound;
use std::sync::Arc;

pub(super) struct SimState(pub Wire);

impl State for SimState {
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        Box::pin(self.0.read("state.load", move |world| {
            let rows = world.rows.get(collection);
            ids.iter()
                .map(|id| {
                    rows.and_then(|rows| rows.get(id))
                        .map(|row| (**row).clone())
                })
                .collect()
        }))
    }

    fn save(&self, saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        let name = self.0.name();
        Box::pin(self.0.write("state.save", move |world, fate| {
            if fate == Fate::Twice {
                let again = saves.clone();
                let first = apply_all(world, &name, saves);
                let second = apply_all(world, &name, again);
                return if world.random.chance(500) {
                    first
                } else {
                    second
                };
            }
            // Unanswered, any of them may have been done: each is an update of its own.
            let done: Vec<bool> = saves
                .iter()
                .map(|_| fate == Fate::Fine || world.random.chance(700))
                .collect();
            let saves = saves.into_iter().zip(done).filter(|(_, done)| *done);
            saves.map(|(save, _)| apply(world, &name, save)).collect()
        }))
    }

    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        Box::pin(self.0.read("state.scan", move |world| {
            let Some(rows) = world.rows.get(collection) else {
                return Vec::new();
            };
            let from = if after < prefix {
                Bound::Included(prefix)
            } else {
                Bound::Excluded(after)
            };
            rows.range::<str, _>((from, Bound::Unbounded))
                .take_while(|(id, _)| id.starts_with(prefix))
                .take(limit)
                .map(|(id, row)| (id.clone(), (**row).clone()))
                .collect()
        }))
    }

    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        Box::pin(self.0.read("state.due", move |world| {
            let rows = world.rows.get(collection).into_iter().flatten();
            let mut due: Vec<Due> = rows
                .filter(|(_, row)| row.partition == partition)
                .filter_map(|(id, row)| {
                    Some(Due {
                        id: id.clone(),
                        at_ms: row.wake_at_ms?,
                    })
                })
                .collect();
            due.sort_by(|a, b| (a.at_ms, &a.id).cmp(&(b.at_ms, &b.id)));
            due.truncate(limit);
            due
        }))
    }

    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        let (name, collection) = (self.0.name(), collection.to_owned());
        Box::pin(self.0.write("state.sweep", move |world, _| {
            let Some(rows) = world.rows.get_mut(&collection) else {
                return Ok(0);
            };
            let expired = rows
                .iter()
                .filter(|(_, row)| row.expires_at_ms.is_some_and(|at| at < now_ms));
            let expired: Vec<String> = expired.map(|(id, _)| id.clone()).take(limit).collect();
            for id in &expired {
                rows.remove(id);
            }
            if !expired.is_empty() {
                world.tell(name, format!("swept {collection} {expired:?}"));
            }
            Ok(expired.len())
        }))
    }
}

fn apply_all(
    world: &mut World,
    process: &Arc<str>,
    saves: Vec<Save>,
) -> Result<Vec<Saved>, PortError> {
    let saves = saves.into_iter();
    saves.map(|save| apply(world, process, save)).collect()
}

fn apply(world: &mut World, process: &Arc<str>, save: Save) -> Result<Saved, PortError> {
    let Save {
        collection,
        id,
        expected,
        row,
    } = save;
    if row.as_ref().is_some_and(|row| row.version != expected + 1) {
        return Err(PortError::Corrupt {
            port: "state",
            why: format!("{collection} {id}: a save does not raise the version by one"),
        });
    }
    let row = row.map(Arc::new);
    let rows = world.rows.entry(collection.clone()).or_default();
    let saved = if rows.get(&id).map_or(0, |row| row.version) == expected {
        Saved::Done
    } else {
        Saved::Lost
    };
    if saved == Saved::Done {
        match &row {
            Some(row) => rows.insert(id.clone(), row.clone()),
            None => rows.remove(&id),
        };
    }
    world.note(
        process.clone(),
        What::Saved {
            collection,
            id,
            expected,
            row,
            saved,
        },
    );
    Ok(saved)
}
