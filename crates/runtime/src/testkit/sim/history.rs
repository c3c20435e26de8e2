//! What happened in a simulated world, in order: for checkers, and for the person who reads a failing seed.
use crate::ports::log::{Checkpoint, Message, Position};
use crate::ports::state::{Row, Saved};
use events::Headers;
use events::envelope::name;
use std::fmt;
use std::sync::Arc;

/// Characters of a row that the history shows; its events have all of it.
const SHOWN: usize = 300;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Virtual milliseconds since the world began.
    pub at_ms: u64,
    /// Which process did it or suffered it, with the number of its start: `a#2`.
    pub process: Arc<str>,
    /// What it was.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A message was appended; by a publication, if it says which.
    Appended {
        /// As it stands on the log.
        message: Arc<Message>,
        /// The transaction's number.
        publication: Option<u64>,
    },
    /// A publication was decided.
    Published {
        /// The transaction's number.
        publication: u64,
        /// The consumer.
        consumer: String,
        /// Whether it took place.
        committed: bool,
        /// Partition and checkpoint.
        checkpoints: Vec<(i32, Checkpoint)>,
    },
    /// A publication was refused, since its leases were over.
    Fenced {
        /// The consumer.
        consumer: String,
        /// The partitions.
        partitions: Vec<i32>,
    },
    /// A row was saved (or not).
    Saved {
        /// Where.
        collection: String,
        /// Which.
        id: String,
        /// The version it should have had.
        expected: u64,
        /// What it should become.
        row: Option<Arc<Row>>,
        /// What became of it.
        saved: Saved,
    },
    /// A member was given a partition.
    Assigned {
        /// The consumer.
        consumer: String,
        /// The partition.
        partition: i32,
        /// Where it goes on.
        watermark: i64,
    },
    /// A member's right to a partition ended.
    Revoked {
        /// The consumer.
        consumer: String,
        /// The partition.
        partition: i32,
    },
    /// Anything else, in words: faults, crashes, what became of the index.
    Note(String),
}

/// What happened, in order.
#[derive(Debug, Default)]
pub struct History(pub Vec<Event>);

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} {:<10} ", self.at_ms, self.process)?;
        match &self.what {
            What::Appended {
                message,
                publication,
            } => {
                write!(f, "appended {}", Place(&message.at))?;
                if let Some(publication) = publication {
                    write!(f, " in {publication}")?;
                }
                write!(
                    f,
                    " {}",
                    Brief {
                        key: &message.key,
                        headers: &message.headers,
                        payload: &message.payload
                    }
                )
            }
            What::Published {
                publication,
                consumer,
                committed,
                checkpoints,
            } => {
                let outcome = if *committed { "committed" } else { "aborted" };
                write!(f, "{outcome} {publication} of {consumer}")?;
                for (partition, checkpoint) in checkpoints {
                    write!(
                        f,
                        " {partition}:{} {:?}",
                        checkpoint.watermark, checkpoint.text
                    )?;
                }
                Ok(())
            }
            What::Fenced {
                consumer,
                partitions,
            } => write!(f, "fenced a publication of {consumer}: {partitions:?}"),
            What::Saved {
                collection,
                id,
                expected,
                row,
                saved,
            } => {
                write!(f, "saved {collection} {id} {expected}->")?;
                match row {
                    Some(row) => write!(f, "{}", row.version)?,
                    None => f.write_str("gone")?,
                }
                if let Some(at) = row.as_ref().and_then(|row| row.wake_at_ms) {
                    write!(f, " wakes {at}")?;
                }
                if *saved == Saved::Lost {
                    f.write_str(" LOST")?;
                }
                if let Some(row) = row {
                    let body = String::from_utf8_lossy(&row.body);
                    write!(f, " {}", body.chars().take(SHOWN).collect::<String>())?;
                }
                Ok(())
            }
            What::Assigned {
                consumer,
                partition,
                watermark,
            } => {
                write!(f, "assigned {consumer} {partition} from {watermark}")
            }
            What::Revoked {
                consumer,
                partition,
            } => write!(f, "revoked {consumer} {partition}"),
            What::Note(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

struct Place<'a>(&'a Position);
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.0.topic, self.0.partition, self.0.offset)
    }
}

/// A message in a line: its key and what its headers say; the payload by length and a sum that tells two apart.
struct Brief<'a> {
    key: &'a [u8],
    headers: &'a Headers,
    payload: &'a [u8],
}
impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(self.key))?;
        for header in [
            name::TYPE,
            name::ID,
            name::REPLY_STATUS,
            name::REQUEST,
            "dlq-code",
            "dlq-behind",
            name::REDRIVEN,
        ] {
            if let Some(value) = self.headers.text(header) {
                write!(f, " {header}={value}")?;
            }
        }
        let sum = self
            .payload
            .iter()
            .fold(0u32, |sum, b| sum.rotate_left(5) ^ u32::from(*b));
        write!(f, " {} bytes {sum:08x}", self.payload.len())
    }
}

/// `<name>#<start>`.
pub(super) fn process_name(process: &Arc<str>, start: u32) -> Arc<str> {
    format!("{process}#{start}").into()
}
