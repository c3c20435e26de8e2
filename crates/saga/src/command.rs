//! A command of a saga that runs on the log: a record whose type is forgotten.
use events::Addressed;
use runtime::emits::{AnyRecord, Out, To};

/// What a step asks, or what takes it back: any command of the vocabulary.
#[derive(Debug)]
pub struct SagaCommand {
    topic: &'static str,
    id: String,
    body: Box<dyn AnyRecord>,
}

impl SagaCommand {
    /// This command, to its own topic, under the key of the id that it is about.
    pub fn of<A: Addressed>(record: A) -> Self {
        Self {
            topic: A::TOPIC,
            id: record.id().to_owned(),
            body: Box::new(record),
        }
    }
    /// Where it goes, `<topic>/<id>`: a step and its undo must have the same (O3).
    pub fn address(&self) -> String {
        format!("{}/{}", self.topic, self.id)
    }
    /// On its way out: the answer comes back to the saga and carries `request`.
    pub(crate) fn out(self, request: String, idempotency_key: String) -> Out {
        Out {
            to: To::Topic(self.topic, self.id),
            body: self.body,
            request: Some(request),
            idempotency_key: Some(idempotency_key),
            deadline_ms: None,
            undoes: None,
        }
    }
}

impl PartialEq for SagaCommand {
    fn eq(&self, other: &Self) -> bool {
        (self.topic, &self.id) == (other.topic, &other.id) && self.body.same(&*other.body)
    }
}
