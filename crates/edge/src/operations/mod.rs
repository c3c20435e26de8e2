//! Operations: what clients asked for, as rows that any edge can answer from (H1, H2).
//!
//! - [`row`]: what the edge writes before it sends the command, and when it has sent it;
//! - [`told`]: what the consumer `operations` builds from replies, in rows of its own: no row has two writers;
//! - [`begin`]: from requests to rows and commands; [`resend`]: commands that were never sent;
//! - [`listen`]: an edge reads one partition of the replies by hand, only to wake who waits ([`waiters`]), and to know what is
//!   under way still ([`under_way`]);
//! - [`operation`]: both together, and what a client is shown of them.

pub mod begin;
pub mod listen;
pub mod operation;
pub mod resend;
pub mod row;
pub mod told;
pub(crate) mod under_way;
pub mod wait;
pub mod waiters;

use crate::operations::row::OperationRow;
use events::{ReplyAddress, topic};
use runtime::Ports;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

pub use begin::{Begin, Begun};
pub use operation::Operation;
pub use row::{Kind, Subject};

/// An operation whose command was sent, to be marked so.
pub struct Sent {
    id: String,
    row: OperationRow,
}

/// Marks that wait; beyond it an operation stays unmarked, and its command is sent again, which is recognised (E2).
const MARKS: usize = 10_000;

/// All that has to do with operations.
pub struct Operations {
    ports: Ports,
    waiters: Arc<waiters::Waiters>,
    under_way: under_way::UnderWay,
    partition: i32,
    sent: mpsc::Sender<Sent>,
    stopping: watch::Receiver<bool>,
}

/// What a new edge hands to its background work.
pub struct Marks(mpsc::Receiver<Sent>);

impl Operations {
    /// `partition` is the partition of `replies` that this edge hears.
    pub fn new(ports: Ports, partition: i32, stopping: watch::Receiver<bool>) -> (Self, Marks) {
        let (sent, marks) = mpsc::channel(MARKS);
        (
            Self {
                ports,
                waiters: Arc::default(),
                under_way: under_way::UnderWay::new(crate::Limits::default().documents_per_tenant),
                partition,
                sent,
                stopping,
            },
            Marks(marks),
        )
    }
    /// With so many documents of each tenant under way at once.
    pub(crate) fn with_documents(self, per_tenant: usize) -> Self {
        Self {
            under_way: under_way::UnderWay::new(per_tenant),
            ..self
        }
    }
    /// Where the answer of an operation goes: to this edge, under the operation's key.
    pub fn reply_address(&self, key: &events::Key) -> ReplyAddress {
        ReplyAddress {
            topic: topic::REPLIES.into(),
            key: key.as_str().into(),
            partition: Some(self.partition),
            request: key.id().into(),
            from_outside: false,
        }
    }
    /// How many requests and streams wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }
}
