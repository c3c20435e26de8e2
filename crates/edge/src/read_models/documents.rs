//! Documents, from the views `documents.directory` and `knowledge.ledger`.
use super::{Page, Paging, one, page};
use crate::app::App;
use crate::problem::Problem;
use crate::tenant::Tenant;
use events::documents::DocumentState;
use events::topic::consumer;
use runtime::time::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    chatbot: String,
    name: String,
    state: DocumentState,
    reason: String,
    revision: String,
    passages: i64,
    size: i64,
    updated_ms: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Ledger {
    revision: String,
    version: i64,
    expected: i64,
    embedded: i64,
    stored: i64,
    retrievable: i64,
}

impl Listed {
    fn is_of(&self, chatbot: &str) -> bool {
        self.chatbot == chatbot && self.state != DocumentState::Deleted
    }
    /// Whether a search may find something of it. The ledger's own row stays for ever: it is built from successes only.
    fn may_be_found(&self) -> bool {
        match self.state {
            // Rejected: the directory lists what an older upload shows as ready.
            DocumentState::Rejected | DocumentState::Deleting | DocumentState::Deleted => false,
            DocumentState::Unknown
            | DocumentState::Parsing
            | DocumentState::Indexing
            | DocumentState::Ready => true,
        }
    }
    fn show(&self, id: &str) -> Value {
        json!({
            "id": id,
            "chatbot": self.chatbot,
            "name": self.name,
            "state": state(self.state),
            "reason": self.reason,
            "revision": self.revision,
            "passages": self.passages,
            "size": self.size,
            "updated": rfc3339(self.updated_ms),
        })
    }
}

fn state(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Unknown => "unknown",
        DocumentState::Parsing => "parsing",
        DocumentState::Indexing => "indexing",
        DocumentState::Ready => "ready",
        DocumentState::Rejected => "rejected",
        DocumentState::Deleting => "deleting",
        DocumentState::Deleted => "deleted",
    }
}

/// A document with its ledger: passages expected, embedded, stored, retrievable. One of which nothing can be found has
/// none.
///
/// # Errors
/// 404 if the chatbot has no such document.
pub async fn find(app: &App, tenant: &Tenant, chatbot: &str, id: &str) -> Result<Value, Problem> {
    let key = tenant.key(id, "document")?;
    let listed = one::<Listed>(&app.ports, consumer::DOCUMENTS_DIRECTORY, &key).await?;
    let listed = listed
        .filter(|listed| listed.is_of(chatbot))
        .ok_or_else(|| Problem::nothing("document"))?;
    let mut shown = listed.show(id);
    if !listed.may_be_found() {
        return Ok(shown);
    }
    if let Some(ledger) = one::<Ledger>(&app.ports, consumer::KNOWLEDGE_LEDGER, &key).await? {
        shown["ledger"] = json!({
            "revision": ledger.revision,
            "version": ledger.version,
            "expected": ledger.expected,
            "embedded": ledger.embedded,
            "stored": ledger.stored,
            "retrievable": ledger.retrievable,
        });
    }
    Ok(shown)
}

/// Whether the document is listed under another chatbot: such a one does not exist here.
///
/// # Errors
/// If State cannot be asked.
pub async fn is_elsewhere(
    app: &App,
    tenant: &Tenant,
    chatbot: &str,
    id: &str,
) -> Result<bool, Problem> {
    let key = tenant.key(id, "document")?;
    let listed = one::<Listed>(&app.ports, consumer::DOCUMENTS_DIRECTORY, &key).await?;
    Ok(listed.is_some_and(|listed| listed.chatbot != chatbot))
}

/// A page of a chatbot's documents.
///
/// # Errors
/// 422 for a page that is none.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    chatbot: &str,
    paging: &Paging,
) -> Result<Page, Problem> {
    page(
        &app.ports,
        consumer::DOCUMENTS_DIRECTORY,
        tenant,
        paging,
        |id, row: Listed| row.is_of(chatbot).then(|| row.show(id)),
    )
    .await
}
