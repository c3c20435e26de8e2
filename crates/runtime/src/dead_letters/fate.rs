//! What became of a letter: a row under a check of its version, so that it is redriven or discarded, not both.
use super::letter::Brief;
use super::{DeadLetters, Place};
use crate::PortError;
use crate::ports::state::{Row, Save, Saved};
use crate::rows::{HOLDS, HoldRow, LETTERS};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of a dead letter. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Fate {
    /// Nobody has decided yet.
    #[default]
    Waiting,
    /// Somebody is about to redrive it, or was interrupted: redriving it again goes on.
    Redriving {
        /// Who.
        by: String,
        /// The reason given.
        #[serde(default)]
        why: String,
        /// When.
        at_ms: i64,
    },
    /// It was appended to its input once more. If it died again, that is another letter.
    Redriven {
        /// Who.
        by: String,
        /// The reason given.
        #[serde(default)]
        why: String,
        /// When.
        at_ms: i64,
        /// Where it stands now: `<topic>/<partition>/<offset>`.
        to: String,
    },
    /// Somebody is about to discard it, or was interrupted: discarding it again goes on.
    Discarding {
        /// Who.
        by: String,
        /// The reason given.
        why: String,
        /// When.
        at_ms: i64,
    },
    /// It will not be handled.
    Discarded {
        /// Who.
        by: String,
        /// The reason given.
        why: String,
        /// When.
        at_ms: i64,
    },
}

impl Fate {
    /// Whether it may still be redriven.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Redriving { .. })
    }
}
impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::Redriving { by, .. } => write!(f, "being redriven by {by}"),
            Self::Redriven { by, .. } => write!(f, "redriven by {by}"),
            Self::Discarding { by, .. } => write!(f, "being discarded by {by}"),
            Self::Discarded { by, .. } => write!(f, "discarded by {by}"),
        }
    }
}

/// The row of a letter.
fn row_id(brief: &Brief) -> String {
    let Place {
        partition, offset, ..
    } = brief.place;
    match brief.key() {
        Some(key) => format!("{key}/{partition}-{offset}"),
        None => format!("{partition}-{offset}"),
    }
}
fn collection(place: &Place) -> String {
    format!("{LETTERS}.{}", place.consumer())
}
pub(super) fn corrupt(what: &str, why: &dyn fmt::Display) -> PortError {
    PortError::Corrupt {
        port: "state",
        why: format!("{what}: {why}"),
    }
}

impl DeadLetters {
    pub(super) async fn fate(&self, brief: &Brief) -> Result<Fate, PortError> {
        Ok(self.fate_row(brief).await?.1)
    }

    /// Version and fate.
    pub(super) async fn fate_row(&self, brief: &Brief) -> Result<(u64, Fate), PortError> {
        let rows = self.fate_rows(std::slice::from_ref(brief)).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The fates of letters of one partition, in their order.
    pub(super) async fn fates(&self, briefs: &[Brief]) -> Result<Vec<Fate>, PortError> {
        let mut fates = Vec::with_capacity(briefs.len());
        for some in briefs.chunks(super::PAGE) {
            let rows = self.fate_rows(some).await?.into_iter();
            fates.extend(rows.map(|(_, fate)| fate));
        }
        Ok(fates)
    }

    /// Version and fate of some letters of one partition, in their order.
    pub(super) async fn fate_rows(&self, briefs: &[Brief]) -> Result<Vec<(u64, Fate)>, PortError> {
        let Some(first) = briefs.first() else {
            return Ok(vec![]);
        };
        let ids: Vec<String> = briefs.iter().map(row_id).collect();
        let of = collection(&first.place);
        let rows = self.ports.state.load(&of, &ids).await?.into_iter();
        rows.map(|row| match row {
            None => Ok((0, Fate::Waiting)),
            Some(row) => {
                let fate = serde_json::from_slice(&row.body);
                let fate = fate.map_err(|e| corrupt("a dead letter's fate", &e))?;
                Ok((row.version, fate))
            }
        })
        .collect()
    }

    /// What puts a fate in place of the one with this version.
    pub(super) fn fate_save(
        &self,
        brief: &Brief,
        version: u64,
        fate: &Fate,
    ) -> Result<Save, PortError> {
        let body = serde_json::to_vec(fate).map_err(|e| corrupt("a dead letter's fate", &e))?;
        let kept = self
            .map
            .consumer(brief.place.consumer())
            .map_or(0, |(_, c)| c.dead_retention.as_millis());
        let kept = i64::try_from(kept).unwrap_or(i64::MAX / 4);
        let row = Row {
            version: version + 1,
            partition: -1,
            // As long as the letter itself may be there.
            expires_at_ms: Some(self.ports.clock.now_ms().saturating_add(kept)),
            body,
            ..Row::default()
        };
        Ok(Save {
            collection: collection(&brief.place),
            id: row_id(brief),
            expected: version,
            row: Some(row),
        })
    }

    /// Writes a fate in place of the one with this version; says whether it was that one.
    pub(super) async fn decide(
        &self,
        brief: &Brief,
        version: u64,
        fate: &Fate,
    ) -> Result<bool, PortError> {
        self.save(self.fate_save(brief, version, fate)?).await
    }

    /// A hold with its row, if something is held.
    pub(super) async fn hold(
        &self,
        consumer: &str,
        id: &str,
    ) -> Result<Option<(Row, HoldRow)>, PortError> {
        let rows = self
            .ports
            .state
            .load(&format!("{HOLDS}.{consumer}"), &[id.to_owned()])
            .await?;
        let Some(row) = rows.into_iter().next().flatten() else {
            return Ok(None);
        };
        let hold = serde_json::from_slice(&row.body).map_err(|e| corrupt("a hold", &e))?;
        Ok(Some((row, hold)))
    }

    /// Writes a hold in place of the one that was read; one that holds nothing is removed.
    pub(super) async fn save_hold(
        &self,
        consumer: &str,
        id: &str,
        was: Row,
        hold: &HoldRow,
    ) -> Result<bool, PortError> {
        let expected = was.version;
        let row = if hold.held.is_empty() {
            None
        } else {
            let body = serde_json::to_vec(hold).map_err(|e| corrupt("a hold", &e))?;
            Some(Row {
                version: expected + 1,
                body,
                ..was
            })
        };
        self.save(Save {
            collection: format!("{HOLDS}.{consumer}"),
            id: id.to_owned(),
            expected,
            row,
        })
        .await
    }

    async fn save(&self, save: Save) -> Result<bool, PortError> {
        let saved = self.ports.state.save(vec![save]).await?;
        Ok(saved.first() == Some(&Saved::Done))
    }
}
