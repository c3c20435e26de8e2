//! Named points at which a test lets the process die, as by SIGKILL.
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A place on the way of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// A transaction has begun; nothing is written yet.
    AfterBegin,
    /// Before the first message of a job is written.
    BeforeAppend,
    /// State is written, outputs are not.
    BetweenStateAndLog,
    /// Outputs are written, the checkpoint is not.
    BeforeCheckpoint,
    /// All is written, nothing committed.
    BeforeCommit,
    /// Committed; nobody knows.
    AfterCommitBeforeAnswer,
    /// A chunk of a blob is committed, more follow.
    MidBlob,
    /// All chunks are committed, the blob is not visible.
    BeforeBlobWhole,
    /// Some passages of a revision are committed; more follow, in this call or in the next.
    MidStage,
    /// Before a revision is switched to.
    BeforeSwitch,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AfterBegin,
        Self::BeforeAppend,
        Self::BetweenStateAndLog,
        Self::BeforeCheckpoint,
        Self::BeforeCommit,
        Self::AfterCommitBeforeAnswer,
        Self::MidBlob,
        Self::BeforeBlobWhole,
        Self::MidStage,
        Self::BeforeSwitch,
    ];

    /// Its name, as [`CrashAt`] is parsed from.
    pub fn name(self) -> &'static str {
        match self {
            Self::AfterBegin => "after-begin",
            Self::BeforeAppend => "before-append",
            Self::BetweenStateAndLog => "between-state-and-log",
            Self::BeforeCheckpoint => "before-checkpoint",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommitBeforeAnswer => "after-commit-before-answer",
            Self::MidBlob => "mid-blob",
            Self::BeforeBlobWhole => "before-blob-whole",
            Self::MidStage => "mid-stage",
            Self::BeforeSwitch => "before-switch",
        }
    }
}

/// Where a test lets the process die: `before-commit:3` is the third passage of that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// Where.
    pub point: CrashPoint,
    /// At which passage, from 1.
    pub passage: u32,
}

impl FromStr for CrashAt {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, passage) = text.split_once(':').unwrap_or((text, "1"));
        let point = CrashPoint::ALL
            .into_iter()
            .find(|point| point.name() == name);
        let point = point.ok_or_else(|| format!("there is no crash point {name:?}"))?;
        let passage = passage
            .parse()
            .map_err(|e| format!("passage {passage:?}: {e}"))?;
        Ok(Self { point, passage })
    }
}

/// Counts the passages.
#[derive(Debug, Default)]
pub(crate) struct Crash {
    at: Option<CrashPoint>,
    left: AtomicU32,
}

impl Crash {
    pub(crate) fn new(at: Option<CrashAt>) -> Self {
        Self {
            at: at.map(|at| at.point),
            left: AtomicU32::new(at.map_or(0, |at| at.passage)),
        }
    }
    /// Dies here if a test wants it: no destructor runs, nothing is flushed.
    pub(crate) fn pass(&self, point: CrashPoint) {
        if self.at == Some(point) && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            std::process::abort();
        }
    }
}
