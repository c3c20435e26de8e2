//! What was answered, as the consumer `operations` keeps it. Personal fields stay sealed in the row and are opened
//! when somebody is shown them, so that an erased key erases them here too (G1).
use events::personal::{Binding, ERASED_TEXT, open};
use events::record::{Undecodable, decode_json};
use events::{Personal, ReplyStatus};
use runtime::inbox::Opening;
use runtime::{Arm, Inbox, Incoming, Moment, View, any};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A reply, whatever record it is.
#[derive(Clone, Debug)]
pub struct Reply {
    status: ReplyStatus,
    body: Value,
    subject: Option<String>,
}
impl Reply {
    /// # Errors
    /// [`Undecodable`] if it does not say what it is.
    pub fn read(incoming: &Incoming<'_>) -> Result<Self, Undecodable> {
        let status = incoming.envelope.reply_status;
        Ok(Self {
            status: status.ok_or_else(|| Undecodable("a reply without reply-status".into()))?,
            body: decode_json(&incoming.datum)?,
            subject: incoming.envelope.subject_key.clone(),
        })
    }
}
impl Inbox for Reply {
    fn arms() -> Vec<Arm<Self>> {
        vec![any(Reply::read)]
    }
}

/// All that was answered so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The final answer's; none until there is one.
    pub status: Option<ReplyStatus>,
    /// The final answer, personal fields sealed.
    pub body: Value,
    /// Whom its personal fields are about.
    pub subject: Option<String>,
    /// The latest progress.
    pub progress: Option<Value>,
    /// When the latest of it came, in milliseconds since 1970.
    pub at_ms: i64,
}
impl Told {
    /// The first final answer wins (H1); progress after it means nothing.
    pub fn hear(&mut self, reply: Reply, at_ms: i64) {
        if self.status.is_some() {
            return;
        }
        self.at_ms = at_ms;
        if reply.status == ReplyStatus::Progress {
            self.progress = Some(reply.body);
        } else {
            (self.status, self.body, self.subject) =
                (Some(reply.status), reply.body, reply.subject);
        }
    }
    /// What is known from several partitions or from memory; the earlier final answer wins.
    pub fn merge(&mut self, other: Self) {
        let better = match (self.status, other.status) {
            (None, Some(_)) => true,
            (Some(_), Some(_)) => other.at_ms < self.at_ms,
            (None, None) => other.at_ms > self.at_ms,
            (Some(_), None) => false,
        };
        if better {
            *self = other;
        }
    }
    /// Opens the personal fields of the final answer.
    pub fn opened(mut self, tenant: &str, opening: &Opening) -> Self {
        let subject = self.subject.clone().unwrap_or_default();
        let mut at = Vec::new();
        open_all(
            &mut self.body,
            &mut at,
            &|sealed: &str, field: &str| match opening {
                Opening::Erased => Some(ERASED_TEXT.to_owned()),
                Opening::Nobody | Opening::Shut => None,
                Opening::Key(key) => match open(
                    sealed,
                    key,
                    Binding {
                        tenant,
                        subject: &subject,
                        field,
                    },
                ) {
                    Ok(Personal::Clear(text)) => Some(text),
                    _ => None,
                },
            },
        );
        self
    }
}

/// Opens every sealed text. A field's name is its path: `citations.0.quote`. What does not open stays as it is.
fn open_all(
    value: &mut Value,
    at: &mut Vec<String>,
    opened: &dyn Fn(&str, &str) -> Option<String>,
) {
    match value {
        Value::String(text) if text == "~0." => *text = ERASED_TEXT.to_owned(),
        Value::String(text) if text.starts_with("~1.") => {
            if let Some(clear) = opened(text, &at.join(".")) {
                *text = clear;
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                at.push(i.to_string());
                open_all(item, at, opened);
                at.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                at.push(name.clone());
                open_all(member, at, opened);
                at.pop();
            }
        }
        _ => {}
    }
}

/// How long an answer is kept, in milliseconds: two days, longer than its operation may wait for a reader.
const KEPT_MS: i64 = 2 * 86_400_000;

/// The consumer `operations`: completes operations from replies (H1). A reply's key is `<tenant>/<operation>`.
pub struct Replies;
impl View for Replies {
    type Event = Reply;
    type Row = Told;

    fn key(&self, _: &Reply, at: &Moment) -> String {
        at.id.to_string()
    }
    fn apply(&self, row: &mut Told, reply: Reply, at: &Moment) {
        row.hear(reply, at.now_ms);
    }
    fn merge(&self, into: &mut Told, other: Told) {
        into.merge(other);
    }
    fn expires_at_ms(&self, row: &Told) -> Option<i64> {
        Some(row.at_ms + KEPT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::{SubjectKey, seal};
    use serde_json::json;

    fn reply(status: ReplyStatus, body: Value) -> Reply {
        Reply {
            status,
            body,
            subject: Some("visitor-1".into()),
        }
    }
    #[test]
    fn the_first_final_answer_wins_and_progress_after_it_means_nothing() {
        let mut told = Told::default();
        told.hear(reply(ReplyStatus::Progress, json!({"done": 1})), 1);
        assert_eq!(
            (told.status, &told.progress),
            (None, &Some(json!({"done": 1})))
        );
        told.hear(reply(ReplyStatus::Done, json!({"n": 1})), 2);
        told.hear(reply(ReplyStatus::Failed, json!({"n": 2})), 3);
        told.hear(reply(ReplyStatus::Progress, json!({"done": 9})), 4);
        assert_eq!(
            (told.status, &told.body),
            (Some(ReplyStatus::Done), &json!({"n": 1}))
        );
        assert_eq!(told.progress, Some(json!({"done": 1})));
    }
    #[test]
    fn a_final_answer_beats_progress_from_elsewhere() {
        let at = |status, at_ms| Told {
            status,
            at_ms,
            ..Told::default()
        };
        let mut told = at(None, 9);
        told.merge(at(Some(ReplyStatus::Done), 5));
        told.merge(at(None, 20));
        told.merge(at(Some(ReplyStatus::Failed), 7));
        assert_eq!((told.status, told.at_ms), (Some(ReplyStatus::Done), 5));
    }
    #[test]
    fn sealed_texts_are_opened_by_their_path_and_erased_ones_say_so() {
        let key = SubjectKey([3; 32]);
        let sealed = |text, field| {
            let to = Binding {
                tenant: "acme",
                subject: "visitor-1",
                field,
            };
            let Ok(Personal::Sealed(text)) = seal(text, &key, to, "m1") else {
                panic!("not sealed")
            };
            text
        };
        let body = json!({
            "text": sealed("hello", "text"),
            "citations": [{"quote": sealed("a quote", "citations.0.quote"), "name": "a.md"}],
            "gone": "~0.",
            "known": true,
        });
        let told = Told {
            body,
            subject: Some("visitor-1".into()),
            ..Told::default()
        };
        let open = told.clone().opened("acme", &Opening::Key(key));
        let clear = json!({"text": "hello", "citations": [{"quote": "a quote", "name": "a.md"}], "gone": ERASED_TEXT, "known": true});
        assert_eq!(open.body, clear);
        let erased = told.opened("acme", &Opening::Erased);
        assert_eq!(erased.body["text"], json!(ERASED_TEXT));
    }
}
