//! What stands in a row's body: the state, and what the protocol needs to know beside it.
use crate::ports::log::Outgoing;
use events::map::{ConsumerKind, TopicMap};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The last message applied, on which life of the topic (E2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Names the topic's life.
    pub topic_id: String,
    /// At or below: a repeat, for ever.
    pub offset: i64,
}

/// What one message emitted, until the checkpoint that covers it has committed (E3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The message's offset.
    pub offset: i64,
    /// The very same messages, should it come again.
    pub outgoing: Vec<Arc<Outgoing>>,
}

/// The answer to an edge's command, until its deadline and for some time after it (E2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The command's id.
    pub id: String,
    /// Its deadline, in milliseconds since 1970; forgotten some time after it.
    pub until_ms: i64,
    /// The answer, if it was given at once.
    pub outgoing: Vec<Arc<Outgoing>>,
}

/// An entity's row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EntityRow {
    /// E2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// E3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Edge commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered: Vec<Answered>,
    /// The latest wake that may have been sent: a new one is later (E7).
    #[serde(default)]
    pub last_wake_at_ms: i64,
    /// The author's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<RawValue>>,
}

/// A view's row for one key and partition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ViewRow<R> {
    /// The last event built in.
    pub applied: Option<Applied>,
    /// The author's row.
    pub row: R,
}

/// A dead letter that holds its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The id of the message.
    pub id: String,
    /// Who made that id (I1).
    #[serde(default)]
    pub source: String,
    /// Its idempotency key: an undo of it cancels it (S4).
    pub idempotency_key: String,
    /// Its record (`ce_type`): with the key it names the effect, so that another try of it is known (S4).
    #[serde(default)]
    pub record: String,
    /// It, or what it waits behind, is only parked (C2): when it comes back by itself, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_at_ms: Option<i64>,
}

impl Held {
    /// Whether it is this message.
    pub fn is(&self, message: &events::MessageId) -> bool {
        self.id == message.id && self.source == message.source
    }
}

/// A key that waits behind dead letters (D3). It exists only while something is held. Where order does not matter it
/// names what is parked (C2), and nothing waits behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// The dead letters, the head first.
    pub held: Vec<Held>,
    /// The last message that changed it.
    pub applied: Option<Applied>,
    /// What the latest messages emitted as dead letters, as in E3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
}

impl HoldRow {
    /// When what is parked comes back next, in milliseconds since 1970 (C2). Where order matters the head must be:
    /// what a person has to decide holds back all behind it.
    pub fn returns_at_ms(&self, ordered: bool) -> Option<i64> {
        let of_head = || self.held.first()?.returns_at_ms;
        let earliest = || self.held.iter().filter_map(|held| held.returns_at_ms).min();
        if ordered { of_head() } else { earliest() }
    }
}

/// The collections of holds are `holds.<consumer>`; ids are keys, of views `<tenant>/<view key>/<partition>`.
pub const HOLDS: &str = "holds";

/// The collections of what became of dead letters are `letters.<consumer>`; ids are `<key>/<partition>-<offset>`, without the
/// key where it is none.
pub const LETTERS: &str = "letters";

/// The collection of identities (I3); ids are `<tenant>/<consumer>/<hash of source and id>`, and for the copies
/// of a redriven letter (D4) `<tenant>/<consumer>/redriven/<letter>`.
pub const IDENTITIES: &str = "identities";

/// The collections whose rows may expire: those of entities, sagas and views, of what became of dead letters, and
/// identities.
pub fn expiring(map: &TopicMap) -> Vec<String> {
    let keeps_rows = |kind| {
        matches!(
            kind,
            ConsumerKind::Entity | ConsumerKind::Saga | ConsumerKind::View
        )
    };
    let consumers = map.consumers().filter(|(_, spec)| keeps_rows(spec.kind));
    let names = consumers.map(|(_, spec)| spec.name.clone());
    let letters = map
        .consumers()
        .map(|(_, spec)| format!("{LETTERS}.{}", spec.name));
    names
        .chain(letters)
        .chain([IDENTITIES.to_owned()])
        .collect()
}

/// Every collection that the runtime and the workers of a map keep, sorted: what a store must have before they run.
pub fn collections(map: &TopicMap) -> Vec<String> {
    // Also where order does not matter: what is parked stands there (C2).
    let holds = map
        .consumers()
        .map(|(_, spec)| format!("{HOLDS}.{}", spec.name));
    let mut all = expiring(map);
    all.extend(holds);
    all.push(crate::keys::COLLECTION.to_owned());
    all.sort();
    all
}

/// Where an identity was seen first (I3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The topic's life.
    pub topic_id: String,
    /// Of that topic.
    pub partition: i32,
    /// Of that partition.
    pub offset: i64,
}
