//! The laws that hold after any storm: nothing lost, nothing twice, order per key, every command answered.
mod border;
mod effects;
mod rows;
mod stores;

use super::business::{DOCUMENT, Document, EFFECTS};
use super::load::Command;
use super::run::Ended;
use super::seen::{Seen, seen};
use events::MessageId;
use runtime::rows::EntityRow;
use std::collections::{BTreeMap, BTreeSet};

/// Every law that the run broke, in words.
pub fn broken(ended: &Ended) -> Vec<String> {
    let case = Case::read(ended);
    let mut broken = ended.faults.clone();
    broken.extend(ended.outside.faults());
    for law in [
        border::border,
        border::foreign,
        rows::rows,
        rows::said_once,
        effects::effects,
        effects::answers,
        stores::views,
        stores::checkpoints,
        stores::holds,
        stores::tenants,
    ] {
        broken.extend(law(&case));
    }
    broken
}

struct Case<'a> {
    ended: &'a Ended,
    inputs: Vec<Seen>,
    effects: Vec<Seen>,
    changes: Vec<Seen>,
    replies: Vec<Seen>,
    documents: BTreeMap<String, Document>,
}

impl<'a> Case<'a> {
    fn read(ended: &'a Ended) -> Self {
        let sim = &ended.sim;
        let documents = sim.rows(DOCUMENT).into_iter().map(|(id, row)| {
            let row: EntityRow = serde_json::from_slice(&row.body).expect("a row of ours");
            let state = row
                .state
                .map(|state| serde_json::from_str(state.get()).expect("a document"));
            (id, state.unwrap_or_default())
        });
        Self {
            documents: documents.collect(),
            inputs: seen(sim, DOCUMENT),
            effects: seen(sim, EFFECTS),
            changes: seen(sim, "document.changed"),
            replies: seen(sim, "replies"),
            ended,
        }
    }
    /// The first final answer to a command, and how many different ones there are.
    fn answer(&self, command: &Command) -> (Option<&Seen>, usize) {
        let to = |reply: &&Seen| {
            reply.is_final()
                && reply.envelope.tenant.as_deref() == Some(&command.identity.tenant)
                && reply.envelope.request.as_deref() == Some(&command.request)
        };
        let answers: Vec<&Seen> = self.replies.iter().filter(to).collect();
        let different: BTreeSet<&str> = answers.iter().map(|answer| answer.id.as_str()).collect();
        (
            answers
                .into_iter()
                .min_by_key(|answer| answer.message.at.offset),
            different.len(),
        )
    }
    fn code_of_answer(&self, command: &Command) -> Option<String> {
        self.answer(command).0.and_then(Seen::code)
    }
}

fn derived(cause: &MessageId, consumer: &str, part: &str) -> String {
    cause.derive(consumer, part).to_string()
}
