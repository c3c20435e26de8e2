//! Conversations, from the views `conversations.history` and `conversations.endings`.
use super::{Page, Paging, chatbots, entity, one, page_beside};
use crate::app::App;
use crate::problem::Problem;
use crate::tenant::Tenant;
use events::topic::consumer;
use runtime::time::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct History {
    chatbot: String,
    visitor: String,
    entries: Vec<Value>,
    /// How often the conversation had been ended before these entries.
    endings: i64,
}

/// How often a conversation was ended, as the view `conversations.endings` says, and its own row.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Ended {
    endings: i64,
}

impl History {
    /// Whether all that stood here is forgotten, or is to be: it was ended since.
    fn is_over(&self, ended: Option<Ended>) -> bool {
        self.entries.is_empty() || ended.is_some_and(|ended| ended.endings > self.endings)
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
    // The view follows the conversation itself by some milliseconds; who ended it need not see it any more at once.
    let noted = one::<Ended>(&app.ports, consumer::CONVERSATIONS_ENDINGS, &key).await?;
    let own = entity::<Ended>(&app.ports, consumer::CONVERSATIONS_CONVERSATION, &key).await?;
    if history.is_over(noted) || history.is_over(own) {
        return Err(Problem::nothing("conversation"));
    }
    // Its conversations end with a chatbot, one after the other; nobody sees any of them meanwhile.
    if chatbots::is_leaving(app, tenant, &history.chatbot).await? {
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
    let views = (
        consumer::CONVERSATIONS_HISTORY,
        Some(consumer::CONVERSATIONS_ENDINGS),
    );
    let leaving = chatbots::is_leaving(app, tenant, chatbot).await?;
    let show = |id: &str, row: History, ended: Option<Ended>| {
        let asked_for = row.chatbot == chatbot
            && !leaving
            && visitor.is_none_or(|visitor| row.visitor == visitor)
            && !row.is_over(ended);
        asked_for.then(|| {
            json!({"id": id, "chatbot": row.chatbot, "visitor": row.visitor, "questions": row.entries.len()})
        })
    };
    page_beside(&app.ports, views, tenant, paging, show).await
}
