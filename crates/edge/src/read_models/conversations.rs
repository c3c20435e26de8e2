//! Conversations, from the view `conversations.history`.
use super::{Page, Paging, one, page};
use crate::app::App;
use crate::problem::Problem;
use crate::tenant::Tenant;
use events::topic::consumer;
use runtime::rows::EntityRow;
use runtime::time::rfc3339;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct History {
    chatbot: String,
    visitor: String,
    entries: Vec<Value>,
}

/// What is read of a conversation's own row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    turns: Vec<IgnoredAny>,
    current: Option<IgnoredAny>,
    queue: Vec<IgnoredAny>,
}
impl Own {
    fn is_forgotten(&self) -> bool {
        self.turns.is_empty() && self.current.is_none() && self.queue.is_empty()
    }
}

/// An entry with its time as text.
fn turn(mut entry: Value) -> Value {
    if let Some(ms) = entry.get("answered_ms").and_then(Value::as_i64)
        && let Some(members) = entry.as_object_mut()
    {
        members.remove("answered_ms");
        members.insert("answered".into(), rfc3339(ms).into());
    }
    entry
}

/// A conversation, turn by turn.
///
/// # Errors
/// 404 if the tenant has no such conversation.
pub async fn find(app: &App, tenant: &Tenant, id: &str) -> Result<Value, Problem> {
    let key = tenant.key(id, "conversation")?;
    let history = one::<History>(&app.ports, consumer::CONVERSATIONS_HISTORY, &key).await?;
    let history = history.ok_or_else(|| Problem::nothing("conversation"))?;
    // The history is built from answers only; that a conversation was ended is known to itself.
    let own = app
        .ports
        .state
        .load(
            consumer::CONVERSATIONS_CONVERSATION,
            &[key.as_str().to_owned()],
        )
        .await?;
    if let Some(row) = own.into_iter().next().flatten()
        && let Ok(row) = serde_json::from_slice::<EntityRow>(&row.body)
        && let Some(state) = row.state
        && serde_json::from_str::<Own>(state.get()).is_ok_and(|own| own.is_forgotten())
    {
        return Err(Problem::nothing("conversation"));
    }
    let turns: Vec<Value> = history.entries.into_iter().map(turn).collect();
    Ok(json!({"id": id, "chatbot": history.chatbot, "visitor": history.visitor, "turns": turns}))
}

/// A page of a chatbot's conversations, of one visitor or of all.
///
/// # Errors
/// 422 for a page that is none.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    chatbot: &str,
    visitor: Option<&str>,
    paging: &Paging,
) -> Result<Page, Problem> {
    page(&app.ports, consumer::CONVERSATIONS_HISTORY, tenant, paging, |id, row: History| {
        let asked_for = row.chatbot == chatbot && visitor.is_none_or(|visitor| row.visitor == visitor);
        asked_for.then(|| {
            json!({"id": id, "chatbot": row.chatbot, "visitor": row.visitor, "questions": row.entries.len()})
        })
    })
    .await
}
