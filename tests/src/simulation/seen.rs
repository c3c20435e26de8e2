//! Messages as a checker sees them.
use events::envelope::{Envelope, name};
use events::record::{Datum, decode};
use events::reply::{Failed, Refused};
use events::{MessageId, Record, ReplyStatus};
use runtime::engine::header;
use runtime::ports::log::Message;
use runtime::testkit::sim::Sim;

/// A message, understood.
pub struct Seen {
    pub message: Message,
    pub key: String,
    pub id: String,
    pub record: String,
    pub envelope: Envelope,
}

impl Seen {
    fn of(message: Message) -> Self {
        let envelope = Envelope::read(&message.headers);
        let text = |header: &str| message.headers.text(header).unwrap_or_default().to_owned();
        Self {
            key: String::from_utf8_lossy(&message.key).into_owned(),
            id: text(name::ID),
            record: text(name::TYPE),
            envelope,
            message,
        }
    }
    pub fn is<R: Record>(&self) -> bool {
        self.record == R::NAME
    }
    pub fn read<R: Record>(&self) -> R {
        let bytes = self.message.payload.get(5..).unwrap_or_default();
        let datum = Datum {
            record: R::NAME,
            writer: R::schema().schema,
            bytes,
        };
        decode(&datum).expect("what troupe wrote can be read")
    }
    /// Who it is, as its receiver sees it.
    pub fn identity(&self) -> MessageId {
        self.envelope
            .identity()
            .expect("troupe's messages say who they are")
    }
    pub fn place(&self) -> String {
        let at = &self.message.at;
        format!("{}/{}/{}", at.topic, at.partition, at.offset)
    }
    /// A final answer's code; none for `Done`.
    pub fn code(&self) -> Option<String> {
        match self.envelope.reply_status {
            Some(ReplyStatus::Refused) => Some(self.read::<Refused>().code),
            Some(ReplyStatus::Failed) => Some(self.read::<Failed>().code),
            _ => None,
        }
    }
    pub fn is_final(&self) -> bool {
        self.envelope
            .reply_status
            .is_some_and(|status| status != ReplyStatus::Progress)
    }
    /// Of a dead letter: where the message was.
    pub fn was_at(&self) -> String {
        let text = |header: &str| {
            self.message
                .headers
                .text(header)
                .unwrap_or_default()
                .to_owned()
        };
        format!(
            "{}/{}/{}",
            text(header::TOPIC),
            text(header::PARTITION),
            text(header::OFFSET)
        )
    }
    pub fn dead_code(&self) -> String {
        self.message
            .headers
            .text(header::CODE)
            .unwrap_or_default()
            .to_owned()
    }
}

/// All messages of a topic, partition by partition, in order.
pub fn seen(sim: &Sim, topic: &str) -> Vec<Seen> {
    sim.messages(topic).into_iter().map(Seen::of).collect()
}
