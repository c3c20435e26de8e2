//! Chatbots, from the view `chatbots.directory`.
use super::{Page, Paging, entity, one, page};
use crate::app::App;
use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use events::chatbots::{ChatbotState, Settings};
use events::topic::consumer;
use runtime::PortError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How often the directory is asked for a chatbot that exists and is not listed yet.
const TRIES: usize = 50;
/// How long between.
const PAUSE: Duration = Duration::from_millis(20);

/// What is read of a row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chatbot {
    /// Where it is in its life.
    pub state: ChatbotState,
    name: String,
    settings: Settings,
    version: i64,
}
impl Chatbot {
    fn is_there(&self) -> bool {
        self.state != ChatbotState::Removed
    }
    /// As a client sees it.
    pub fn show(&self, id: &str) -> Value {
        json!({
            "id": id,
            "name": self.name,
            "state": state(self.state),
            "version": self.version,
            "settings": self.settings,
        })
    }
}

fn state(state: ChatbotState) -> &'static str {
    match state {
        ChatbotState::Unknown => "unknown",
        ChatbotState::Registered => "registered",
        ChatbotState::Active => "active",
        ChatbotState::Paused => "paused",
        ChatbotState::Retiring => "retiring",
        ChatbotState::Removed => "removed",
    }
}

/// The chatbot, unless there is none. One that was just created is waited for: the directory follows the chatbot
/// itself by some milliseconds, and whoever created it may use it at once.
///
/// # Errors
/// 404 if the tenant has no such chatbot.
pub async fn find(app: &App, tenant: &Tenant, id: &str) -> Result<Chatbot, Problem> {
    let key = tenant.key(id, "chatbot")?;
    for _ in 0..TRIES {
        if let Some(row) = one::<Chatbot>(&app.ports, consumer::CHATBOTS_DIRECTORY, &key).await? {
            return if row.is_there() {
                Ok(row)
            } else {
                Err(Problem::nothing("chatbot"))
            };
        }
        if !registered(app, &key).await? {
            break;
        }
        app.ports.clock.sleep(PAUSE).await;
    }
    Err(Problem::nothing("chatbot"))
}

/// Whether the chatbot has a row of its own.
async fn registered(app: &App, key: &events::Key) -> Result<bool, PortError> {
    let rows = app
        .ports
        .state
        .load(consumer::CHATBOTS_CHATBOT, &[key.as_str().to_owned()])
        .await?;
    Ok(rows.into_iter().any(|row| row.is_some()))
}

/// What is read of a chatbot's own row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    /// A word, or an object with the word as its only member.
    life: Value,
}

/// Whether the chatbot is being deleted or gone: then nothing that was said with it is shown any more. Its own row is
/// asked first, since whoever deleted it need not wait for the directory.
///
/// # Errors
/// If State cannot be asked.
pub async fn is_leaving(app: &App, tenant: &Tenant, id: &str) -> Result<bool, Problem> {
    let key = tenant.key(id, "chatbot")?;
    let own = entity::<Own>(&app.ports, consumer::CHATBOTS_CHATBOT, &key).await?;
    let leaves = |own: Own| own.life == "removed" || own.life.get("retiring").is_some();
    if own.is_some_and(leaves) {
        return Ok(true);
    }
    let row = one::<Chatbot>(&app.ports, consumer::CHATBOTS_DIRECTORY, &key).await?;
    let leaving =
        |row: Chatbot| matches!(row.state, ChatbotState::Retiring | ChatbotState::Removed);
    Ok(row.is_some_and(leaving))
}

/// The chatbot, if it may be given work now.
///
/// # Errors
/// 404 if there is none; 409 if it is being deleted.
pub async fn usable(app: &App, tenant: &Tenant, id: &str) -> Result<Chatbot, Problem> {
    let chatbot = find(app, tenant, id).await?;
    if chatbot.state == ChatbotState::Retiring {
        return Err(Problem::new(Code::Conflict, "the chatbot is being deleted"));
    }
    Ok(chatbot)
}

/// A page of the tenant's chatbots.
///
/// # Errors
/// 422 for a page that is none.
pub async fn list(app: &App, tenant: &Tenant, paging: &Paging) -> Result<Page, Problem> {
    page(
        &app.ports,
        consumer::CHATBOTS_DIRECTORY,
        tenant,
        paging,
        |id, row: Chatbot| row.is_there().then(|| row.show(id)),
    )
    .await
}
