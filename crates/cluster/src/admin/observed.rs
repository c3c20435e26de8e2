//! What the cluster is, as far as it matters to a plan.
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The broker setting that names who decides about access; empty: nobody does.
pub const AUTHORIZER: &str = "authorizer.class.name";

/// What the cluster is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Of Kafka.
    pub cluster_id: String,
    /// Settings of each broker, of those that matter.
    pub brokers: BTreeMap<i32, BTreeMap<String, String>>,
    /// The topics that should be there and are.
    pub topics: BTreeMap<String, ObservedTopic>,
    /// Our consumers, with the partitions that have a checkpoint; where it stands does not matter.
    pub groups: BTreeMap<String, BTreeSet<i32>>,
    /// The subjects that should be there, whether they are or not.
    pub subjects: BTreeMap<String, ObservedSubject>,
    /// Topics that the map does not have. Others come and go: a plan does not depend on them.
    #[serde(skip)]
    pub other_topics: BTreeSet<String>,
    /// Groups that no consumer of the map owns.
    #[serde(skip)]
    pub other_groups: BTreeSet<String>,
}

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObservedTopic {
    /// How many there are.
    pub partitions: i32,
    /// The fewest copies that any of them has.
    pub replication: i32,
    /// What holds, of the settings that a plan may change.
    pub config: BTreeMap<String, String>,
    /// All that was set for this topic itself: what is left out of a change is reset by the broker.
    pub own: BTreeMap<String, String>,
}

/// One subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObservedSubject {
    /// Whether our schema is registered there.
    pub registered: bool,
    /// Whether it may follow what is registered there.
    pub compatible: bool,
    /// The level; `None` if it has none of its own.
    pub level: Option<String>,
}

impl Observed {
    /// Names this state of the world: equal if and only if nothing that matters has changed.
    pub fn fingerprint(&self) -> String {
        fingerprint(self)
    }
}

/// SHA-256 of the JSON, in hexadecimal; maps are ordered.
pub(super) fn fingerprint(of: &impl Serialize) -> String {
    let json = serde_json::to_vec(of).unwrap_or_default();
    let hash = Sha256::digest(json);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
