//! All that one request caused: a family tree by `ce_causationid`.
use super::{Kept, Look, LookError, key_of};
use events::Envelope;
use events::envelope::name;
use runtime::engine::header;
use runtime::ports::log::Message;
use runtime::time::rfc3339;
use serde::Serialize;
use std::collections::BTreeMap;

/// Messages read at most; a request that caused more is shown in part.
pub const MOST: usize = 10_000;

/// All that one request caused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// What all of it carries.
    pub correlation: String,
    /// From the first message to the last, in milliseconds.
    pub took_ms: i64,
    /// Whether there is more than is shown.
    pub cut: bool,
    /// Why.
    #[serde(skip)]
    pub why_cut: Option<Cut>,
    /// In the order of the tree: each message before what it caused, siblings by time.
    pub messages: Vec<Traced>,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Traced {
    /// How many causes it has above it, among what is shown.
    pub depth: usize,
    /// When it was appended.
    pub at: String,
    /// After the first message, in milliseconds.
    pub after_ms: i64,
    /// Where it stands.
    pub topic: String,
    /// Where it stands.
    pub partition: i32,
    /// Where it stands.
    pub offset: i64,
    /// `<tenant>/<id>`.
    pub key: String,
    /// The record's full name, from its schema.
    pub record: String,
    /// `ce_id`.
    pub id: String,
    /// `ce_causationid`.
    pub cause: Option<String>,
    /// Who said it.
    pub source: String,
    /// Of an answer: `done`, `refused`, `failed`, `progress`.
    pub reply: Option<String>,
    /// Of an answer that is no success: its code.
    pub code: Option<String>,
    /// Of a dead letter: why it is one.
    pub dead: Option<Dead>,
    /// Whether it is a dead letter sent on again.
    pub redriven: bool,
}

/// Why a message is a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dead {
    /// Stable; a page each under docs/errors/.
    pub code: String,
    /// For a person.
    pub message: String,
    /// The message that it waits behind, if it is dead only for that.
    pub behind: Option<String>,
}

/// Why a trace is shown in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// There are more than [`MOST`].
    Many,
    /// It took too long to look on.
    Late,
    /// Somebody said that it is enough.
    Stopped,
}

/// How far looking has got, in offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Behind it.
    pub looked_at: u64,
    /// All there are; 0 until that is known.
    pub of: u64,
    /// Messages that belong to the trace.
    pub found: usize,
}

impl Look {
    /// All that carries this correlation id. On a cluster: since `since_ms` (milliseconds since 1970), looking `until` then,
    /// and saying now and then how far it has got; a file has an index.
    ///
    /// # Errors
    /// [`LookError::NotFound`] if nothing does.
    pub async fn trace(
        &self,
        correlation: &str,
        since_ms: i64,
        until: impl Future<Output = Cut>,
        tell: impl Fn(Looked),
    ) -> Result<Trace, LookError> {
        let (traced, cut, hint) = match &self.kept {
            Kept::File(embedded) => {
                let messages = embedded.by_correlation(correlation).await?;
                let first_ms = messages.first().map_or(0, |first| first.timestamp_ms);
                let mut traced = Vec::with_capacity(messages.len());
                for message in &messages {
                    traced.push(self.traced(message, first_ms).await?);
                }
                let cut = (messages.len() == MOST).then_some(Cut::Many);
                (traced, cut, String::new())
            }
            Kept::Servers(cluster) => {
                let scanned = self.scan_for(cluster, correlation, since_ms, until, tell);
                let (traced, cut) = scanned.await?;
                let since = rfc3339(since_ms);
                (
                    traced,
                    cut,
                    format!(" since {since} (--since looks further back)"),
                )
            }
        };
        if traced.is_empty() {
            let why = match cut {
                Some(_) => format!("what was looked at carries no correlation id {correlation:?}"),
                None => format!(
                    "nothing on the log{hint} carries the correlation id {correlation:?}. It is the id of the operation \
                     that a request began (`Location: /v1/operations/ID`); commands and replies are kept for some days only"
                ),
            };
            return Err(LookError::NotFound(why));
        }
        let took_ms = traced
            .iter()
            .map(|message| message.after_ms)
            .max()
            .unwrap_or_default();
        Ok(Trace {
            correlation: correlation.to_owned(),
            took_ms,
            cut: cut.is_some(),
            why_cut: cut,
            messages: in_order(traced),
        })
    }

    pub(super) async fn traced(
        &self,
        message: &Message,
        first_ms: i64,
    ) -> Result<Traced, LookError> {
        let envelope = Envelope::read(&message.headers);
        let text = |name: &str| message.headers.text(name).map(str::to_owned);
        let payload = self.payload(&message.payload).await?;
        let code = payload
            .body
            .as_ref()
            .filter(|_| envelope.reply_status.is_some());
        let code = code.and_then(|body| body.get("code")?.as_str().map(str::to_owned));
        let dead = text(header::CODE).map(|code| Dead {
            code,
            message: text(header::MESSAGE).unwrap_or_default(),
            behind: text(header::BEHIND),
        });
        Ok(Traced {
            depth: 0,
            at: rfc3339(message.timestamp_ms),
            after_ms: message.timestamp_ms - first_ms,
            topic: message.at.topic.to_string(),
            partition: message.at.partition,
            offset: message.at.offset,
            key: key_of(message),
            record: payload
                .record
                .or_else(|| text(name::TYPE))
                .unwrap_or_else(|| "?".into()),
            id: envelope.id.unwrap_or_default(),
            cause: envelope.causation,
            source: envelope.source.unwrap_or_default(),
            reply: envelope
                .reply_status
                .map(|status| status.as_str().to_owned()),
            code,
            dead,
            redriven: envelope.redriven.is_some(),
        })
    }
}

/// Each message before what it caused. A dead letter, and what is redriven, has the id of what it was: it stands under
/// the first of that id.
fn in_order(messages: Vec<Traced>) -> Vec<Traced> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        first.entry(&message.id).or_insert(place);
    }
    let parent = |place: usize| {
        let message = &messages[place];
        let same = first
            .get(message.id.as_str())
            .copied()
            .filter(|&same| same != place && !message.id.is_empty());
        let cause = || {
            first
                .get(message.cause.as_deref()?)
                .copied()
                .filter(|&cause| cause != place)
        };
        same.or_else(cause)
    };
    let (mut children, mut roots): (BTreeMap<usize, Vec<usize>>, Vec<usize>) =
        (BTreeMap::new(), vec![]);
    for place in 0..messages.len() {
        match parent(place) {
            Some(above) => children.entry(above).or_default().push(place),
            None => roots.push(place),
        }
    }
    let (mut order, mut seen) = (
        Vec::with_capacity(messages.len()),
        vec![false; messages.len()],
    );
    let mut open: Vec<(usize, usize)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
    // Headers from outside may form a ring, which no root reaches: whatever is left begins a tree of its own.
    let mut left = 0..messages.len();
    loop {
        while let Some((place, depth)) = open.pop() {
            if std::mem::replace(&mut seen[place], true) {
                continue;
            }
            order.push(Traced {
                depth,
                ..messages[place].clone()
            });
            let below = children.get(&place).into_iter().flatten().rev();
            open.extend(below.map(|&child| (child, depth + 1)));
        }
        match left.find(|&place| !seen[place]) {
            Some(place) => open.push((place, 0)),
            None => return order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, cause: Option<&str>, topic: &str) -> Traced {
        let (id, cause, topic) = (id.to_owned(), cause.map(str::to_owned), topic.to_owned());
        Traced {
            id,
            cause,
            topic,
            ..Traced::default()
        }
    }
    fn tree(messages: Vec<Traced>) -> Vec<(usize, String)> {
        in_order(messages)
            .into_iter()
            .map(|m| (m.depth, format!("{} {}", m.id, m.topic)))
            .collect()
    }

    #[test]
    fn each_message_stands_under_its_cause_and_a_dead_letter_under_what_it_was() {
        let shown = tree(vec![
            message("a", None, "in"),
            message("b", Some("a"), "effects"),
            message("c", Some("a"), "event"),
            message("b", Some("a"), "effects.dead"),
            message("d", Some("b"), "in"),
        ]);
        let wanted = [
            (0, "a in"),
            (1, "b effects"),
            (2, "b effects.dead"),
            (2, "d in"),
            (1, "c event"),
        ];
        assert_eq!(shown, wanted.map(|(depth, text)| (depth, text.to_owned())));
    }
    #[test]
    fn a_ring_and_a_cause_that_is_gone_are_shown_all_the_same() {
        let ring = vec![
            message("a", Some("b"), "x"),
            message("b", Some("a"), "y"),
            message("c", Some("gone"), "z"),
        ];
        let mut shown = tree(ring);
        shown.sort();
        let wanted = [(0, "a x"), (0, "c z"), (1, "b y")];
        assert_eq!(shown, wanted.map(|(depth, text)| (depth, text.to_owned())));
    }
}
