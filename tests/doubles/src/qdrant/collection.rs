//! A collection: its points, its indexes, and what a write does to them, point by point.
use super::config::Shape;
use super::filter::passes;
use super::id::Id;
use super::payload::Payload;
use super::point::Point;
use super::refusal::wrong_input;
use super::write::Write;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{
    CreateCollection, CreateFieldIndexCollection, Filter, PointStruct, PointsSelector, UpdateMode,
    Value,
};
use std::collections::{BTreeMap, HashMap};
use tonic::Status;

pub(super) struct Collection {
    pub(super) created: CreateCollection,
    pub(super) shape: Shape,
    pub(super) indexes: BTreeMap<String, CreateFieldIndexCollection>,
    pub(super) points: BTreeMap<Id, Point>,
    /// How many writes have been applied.
    pub(super) version: u64,
}

/// What a write does to one point, or to the indexes.
pub(super) enum Step {
    Put(Id, Point),
    Remove(Id),
    Merge(Id, Payload),
    Replace(Id, Payload),
    Without(Id, Vec<String>),
    Index(CreateFieldIndexCollection),
    DropIndex(String),
    /// The end of a write that named a point which is not there: the others were done.
    Missing(Id),
}

impl Collection {
    pub(super) fn new(created: CreateCollection) -> Result<Self, Status> {
        Ok(Self {
            shape: Shape::of(&created)?,
            created,
            indexes: BTreeMap::new(),
            points: BTreeMap::new(),
            version: 0,
        })
    }

    /// The points that a filter lets through, in the order of their ids.
    pub(super) fn filtered<'a>(
        &'a self,
        filter: Option<&'a Filter>,
    ) -> impl Iterator<Item = (Id, &'a Point)> {
        let passing = self.points.iter().map(|(id, point)| (*id, point));
        passing.filter(move |(id, point)| {
            filter.is_none_or(|filter| passes(filter, *id, &point.payload))
        })
    }

    /// The steps of a write. Points that a filter means are those that it lets through now.
    pub(super) fn plan(&self, write: &Write) -> Result<Vec<Step>, Status> {
        match write {
            Write::Upsert(upsert) => {
                let sent = upsert.points.iter();
                let steps = sent
                    .map(|sent| self.put(sent, upsert.update_mode, upsert.update_filter.as_ref()));
                let steps: Result<Vec<Option<Step>>, Status> = steps.collect();
                Ok(steps?.into_iter().flatten().collect())
            }
            Write::Delete(delete) => self.each(delete.points.as_ref(), false, Step::Remove),
            Write::SetPayload(set) => {
                let payload = owned(&set.payload);
                self.each(set.points_selector.as_ref(), true, |id| {
                    Step::Merge(id, payload.clone())
                })
            }
            Write::OverwritePayload(set) => {
                let payload = owned(&set.payload);
                self.each(set.points_selector.as_ref(), true, |id| {
                    Step::Replace(id, payload.clone())
                })
            }
            Write::DeletePayload(delete) => {
                self.each(delete.points_selector.as_ref(), true, |id| {
                    Step::Without(id, delete.keys.clone())
                })
            }
            Write::ClearPayload(clear) => self.each(clear.points.as_ref(), true, |id| {
                Step::Replace(id, Payload::new())
            }),
            Write::Index(index) => Ok(vec![Step::Index(index.clone())]),
            Write::DropIndex(index) => Ok(vec![Step::DropIndex(index.field_name.clone())]),
        }
    }

    fn put(
        &self,
        sent: &PointStruct,
        mode: Option<i32>,
        filter: Option<&Filter>,
    ) -> Result<Option<Step>, Status> {
        let (id, point) = (Id::of(sent.id.as_ref())?, Point::of(sent, &self.shape)?);
        let there = self.points.get(&id);
        let mode = mode
            .and_then(|mode| UpdateMode::try_from(mode).ok())
            .unwrap_or_default();
        let wanted = match (there, mode) {
            (None, UpdateMode::UpdateOnly) | (Some(_), UpdateMode::InsertOnly) => false,
            (None, _) => true,
            (Some(there), _) => filter.is_none_or(|filter| passes(filter, id, &there.payload)),
        };
        Ok(wanted.then_some(Step::Put(id, point)))
    }

    fn each(
        &self,
        points: Option<&PointsSelector>,
        all_must_be_there: bool,
        step: impl Fn(Id) -> Step,
    ) -> Result<Vec<Step>, Status> {
        let chosen = points.and_then(|points| points.points_selector_one_of.as_ref());
        match chosen.ok_or_else(|| wrong_input("no points are named"))? {
            PointsSelectorOneOf::Filter(filter) => Ok(self
                .filtered(Some(filter))
                .map(|(id, _)| step(id))
                .collect()),
            PointsSelectorOneOf::Points(list) => {
                let ids: Result<Vec<Id>, Status> =
                    list.ids.iter().map(|id| Id::of(Some(id))).collect();
                let (there, missing): (Vec<Id>, Vec<Id>) = ids?
                    .into_iter()
                    .partition(|id| self.points.contains_key(id));
                let mut steps: Vec<Step> = there.into_iter().map(step).collect();
                let missing = missing.first().filter(|_| all_must_be_there);
                steps.extend(missing.map(|id| Step::Missing(*id)));
                Ok(steps)
            }
        }
    }

    /// One step of the write with this number; only a step is atomic.
    pub(super) fn take(&mut self, step: Step, version: u64) -> Result<(), Status> {
        let mut edit = |id: Id, change: &dyn Fn(&mut Payload)| {
            if let Some(point) = self.points.get_mut(&id) {
                change(&mut point.payload);
                point.version = version;
            }
        };
        match step {
            Step::Put(id, point) => {
                self.points.insert(id, Point { version, ..point });
            }
            Step::Remove(id) => {
                self.points.remove(&id);
            }
            Step::Merge(id, payload) => edit(id, &|stored| stored.extend(payload.clone())),
            Step::Replace(id, payload) => edit(id, &|stored| *stored = payload.clone()),
            Step::Without(id, keys) => {
                edit(id, &|stored| stored.retain(|key, _| !keys.contains(key)))
            }
            Step::Index(index) => {
                self.indexes.insert(index.field_name.clone(), index);
            }
            Step::DropIndex(field) => {
                self.indexes.remove(&field);
            }
            Step::Missing(id) => {
                let id = match id {
                    Id::Number(number) => number.to_string(),
                    Id::Uuid(uuid) => uuid.to_string(),
                };
                return Err(Status::not_found(format!(
                    "Not found: No point with id {id} found"
                )));
            }
        }
        Ok(())
    }
}

fn owned(sent: &HashMap<String, Value>) -> Payload {
    sent.iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
