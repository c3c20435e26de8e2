//! A plan: what would make the cluster what it should be. Made by [`diff`](super::diff::plan), printed, kept in a file, and
//! applied as it stands there or not at all.
use events::map::From;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the file.
const VERSION: u32 = 1;

/// What is to be done, and what is wrong besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Of this file's form.
    pub version: u32,
    /// Where it may be applied.
    pub cluster_id: String,
    /// The world that it was made for.
    pub observed: String,
    /// In this order.
    pub actions: Vec<Action>,
    /// What no action makes right.
    pub findings: Vec<Finding>,
    /// Commands for whoever decides about access: Kafka's own tool does what our client cannot.
    pub access: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A topic that is not there.
    CreateTopic {
        /// Its name.
        topic: String,
        /// It never changes afterwards (I5).
        partitions: i32,
        /// Copies.
        replication: i32,
        /// By Kafka's names.
        config: BTreeMap<String, String>,
    },
    /// A topic whose settings are others.
    ConfigureTopic {
        /// Its name.
        topic: String,
        /// What changes: was, becomes.
        changes: BTreeMap<String, (String, String)>,
        /// All that is then set for the topic itself: the broker resets what is left out.
        config: BTreeMap<String, String>,
    },
    /// A subject whose new versions must keep something else.
    SetLevel {
        /// Its name.
        subject: String,
        /// The level that it has, if it has one of its own.
        was: Option<String>,
        /// What it becomes.
        level: String,
    },
    /// A schema that the registry does not have.
    RegisterSchema {
        /// Where.
        subject: String,
        /// The record's full name.
        record: String,
        /// The schema.
        text: String,
    },
    /// A consumer that never read: it begins where the map says (K1).
    FirstCheckpoints {
        /// The consumer, which is its group.
        group: String,
        /// What it reads.
        topic: String,
        /// All of them.
        partitions: i32,
        /// At the first message, or after the last.
        from: From,
    },
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The map wants what must never be done; nothing is applied.
    Refused,
    /// It is not as it should be, and nothing here can change it.
    Wrong,
    /// Worth knowing.
    Note,
}

/// What no action makes right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The topic, group, subject or broker.
    pub about: String,
    /// What it is, and what to do.
    pub what: String,
}

/// Why a file is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not JSON, or not of this form.
    #[error("this is not a plan: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It was written by another version.
    #[error("the plan has the form {0}, and this version reads {VERSION}: plan again")]
    Version(u32),
}

impl Plan {
    pub(super) fn new(cluster_id: String, observed: String) -> Self {
        Self {
            version: VERSION,
            cluster_id,
            observed,
            actions: vec![],
            findings: vec![],
            access: vec![],
        }
    }
    /// Whether the cluster is not what it should be.
    pub fn is_drift(&self) -> bool {
        let bad = |finding: &Finding| finding.severity != Severity::Note;
        !self.actions.is_empty() || self.findings.iter().any(bad)
    }
    /// What must never be done.
    pub fn refused(&self) -> impl Iterator<Item = &Finding> {
        self.with(Severity::Refused)
    }
    fn with(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.severity == severity)
    }
    pub(super) fn find(&mut self, severity: Severity, about: &str, what: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            about: about.to_owned(),
            what: what.into(),
        });
    }
    /// As a file.
    ///
    /// # Errors
    /// None that a plan can cause.
    pub fn to_json(&self) -> Result<String, PlanError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
    /// From a file.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(text)?;
        if plan.version != VERSION {
            return Err(PlanError::Version(plan.version));
        }
        Ok(plan)
    }
}

impl Action {
    /// What comes after what: topics before their checkpoints, levels before what they guard.
    pub(super) fn stage(&self) -> u8 {
        match self {
            Self::CreateTopic { .. } => 0,
            Self::ConfigureTopic { .. } => 1,
            Self::SetLevel { .. } => 2,
            Self::RegisterSchema { .. } => 3,
            Self::FirstCheckpoints { .. } => 4,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTopic {
                topic,
                partitions,
                replication,
                config,
            } => {
                let copies = if *replication == 1 { "copy" } else { "copies" };
                write!(
                    f,
                    "+ topic {topic}: {partitions} partitions, {replication} {copies}"
                )?;
                config
                    .iter()
                    .try_for_each(|(key, value)| write!(f, ", {key}={value}"))
            }
            Self::ConfigureTopic { topic, changes, .. } => {
                write!(f, "~ topic {topic}:")?;
                let mut changes = changes.iter();
                changes.try_for_each(|(key, (was, becomes))| write!(f, " {key} {was} -> {becomes}"))
            }
            Self::SetLevel {
                subject,
                was,
                level,
            } => {
                let was = was.as_deref().unwrap_or("none of its own");
                write!(f, "~ subject {subject}: level {was} -> {level}")
            }
            Self::RegisterSchema {
                subject, record, ..
            } => write!(f, "+ subject {subject}: {record}"),
            Self::FirstCheckpoints {
                group,
                topic,
                partitions,
                from,
            } => {
                let place = match from {
                    From::First => "at the first message",
                    From::New => "after the last message there is now",
                };
                write!(
                    f,
                    "+ group {group}: begins {place} of the {partitions} partitions of {topic}"
                )
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cluster {}", self.cluster_id)?;
        for action in &self.actions {
            writeln!(f, "  {action}")?;
        }
        let parts = [
            (Severity::Refused, "refused: nothing will be applied"),
            (Severity::Wrong, "wrong, and not to be changed from here"),
            (Severity::Note, "to be known"),
        ];
        for (severity, head) in parts {
            let mut found = self.with(severity).peekable();
            if found.peek().is_some() {
                writeln!(f, "{head}")?;
            }
            for finding in found {
                writeln!(f, "  ! {}: {}", finding.about, finding.what)?;
            }
        }
        if !self.access.is_empty() {
            writeln!(
                f,
                "access: not changed from here; whoever decides about it runs (as often as wanted)"
            )?;
        }
        for command in &self.access {
            writeln!(f, "  {command}")?;
        }
        match self.actions.len() {
            0 => write!(f, "nothing to be done"),
            1 => write!(f, "1 change"),
            n => write!(f, "{n} changes"),
        }
    }
}
