//! A chatbot's conversations end with it: told to end, and looked for.
use crate::endings::Ended;
use crate::history::{Conversed, Entry};
use crate::list_of_chatbot::{AT_ONCE, ListOfChatbot};
use crate::roster::{SHELVES, Shelf, shelf};
use crate::verify_ended::{LOOKS, VerifyEnded};
use events::consumer;
use events::conversations::{self, ConversationsListed, ListConversations};
use events::id::partition_of;
use runtime::ports::state::State;
use runtime::testkit::handlers::{Given, given};
use runtime::testkit::views::ViewRows;
use runtime::{Handler, Retry, Verdict, reply};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const TENANT: &str = "acme";

/// Conversations of a chatbot that were asked something.
fn asked(rows: ViewRows, chatbot: &str, conversations: &[&str]) -> ViewRows {
    let mut shelves: BTreeMap<i32, Shelf> = BTreeMap::new();
    for &conversation in conversations {
        let number = partition_of(conversation.as_bytes(), SHELVES);
        let row = shelves.entry(number).or_default();
        row.conversations.insert(conversation.to_owned(), 1);
    }
    let view = consumer::CONVERSATIONS_ROSTER;
    shelves.into_iter().fold(rows, |rows, (number, row)| {
        rows.with(TENANT, view, &shelf(chatbot, number), row)
    })
}
fn history(rows: ViewRows, conversation: &str, entries: Vec<Entry>) -> ViewRows {
    let row = Conversed {
        entries,
        ..Conversed::default()
    };
    rows.with(TENANT, consumer::CONVERSATIONS_HISTORY, conversation, row)
}

async fn knowing<H: Handler>(handler: H, rows: ViewRows) -> Given<H> {
    let state: Arc<dyn State> = Arc::new(rows);
    let given = given(handler).await.with_ports(|ports| ports.state = state);
    given.at(|at| at.tenant = TENANT.into())
}
fn list(shelf: i64) -> ListConversations {
    ListConversations {
        chatbot: "bot".into(),
        shelf,
    }
}
fn verify() -> conversations::VerifyEnded {
    conversations::VerifyEnded {
        chatbot: "bot".into(),
    }
}

#[tokio::test]
async fn every_conversation_of_the_chatbot_is_listed_and_no_other() {
    let rows = asked(ViewRows::default(), "bot", &["c1", "c2"]);
    let rows = asked(rows, "bot2", &["c3"]);
    let then = knowing(ListOfChatbot, rows).await.when(list(0)).await;
    let mut conversations = vec!["c1".to_owned(), "c2".to_owned()];
    conversations.sort_by_key(|name| partition_of(name.as_bytes(), SHELVES));
    then.emits(reply(ConversationsListed {
        chatbot: "bot".into(),
        conversations,
        next: None,
    }));
}
#[tokio::test]
async fn very_many_conversations_are_listed_some_at_a_time() {
    let names: Vec<String> = (0..3 * AT_ONCE).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let roster = asked(ViewRows::default(), "bot", &names);
    let cx = knowing(ListOfChatbot, roster).await;
    let then = cx.when(list(0)).await;
    let said = then.outcome.expect("it can be read");
    let last = i64::from(SHELVES) - 1;
    let page = (1..last).find(|next| {
        let part = ConversationsListed {
            chatbot: "bot".into(),
            conversations: listed(&names, 0, *next),
            next: Some(*next),
        };
        said.same(&reply(part))
    });
    let next = page.expect("it ends before the last shelf");
    assert!((AT_ONCE..2 * AT_ONCE).contains(&listed(&names, 0, next).len()));
    let rows = asked(ViewRows::default(), "bot", &names);
    let then = knowing(ListOfChatbot, rows).await.when(list(last)).await;
    then.emits(reply(ConversationsListed {
        chatbot: "bot".into(),
        conversations: listed(&names, last, last + 1),
        next: None,
    }));
}
/// What stands on these shelves, in order.
fn listed(names: &[&str], from: i64, to: i64) -> Vec<String> {
    let on = |name: &&str| i64::from(partition_of(name.as_bytes(), SHELVES));
    let mut found: Vec<&str> = names.to_vec();
    found.retain(|name| (from..to).contains(&on(name)));
    found.sort_by_key(|name| (on(name), *name));
    found.into_iter().map(str::to_owned).collect()
}
#[tokio::test]
async fn what_is_still_shown_is_looked_for_again_but_not_for_ever() {
    for (attempt, verdict) in [
        (0, Verdict::Retry(Retry::After(Duration::from_secs(1)))),
        (3, Verdict::Retry(Retry::After(Duration::from_secs(64)))),
        (LOOKS - 1, Verdict::DeadLetter("conversations.still_shown")),
    ] {
        let rows = asked(ViewRows::default(), "bot", &["c1"]);
        let rows = history(rows, "c1", vec![Entry::default()]);
        let handler = knowing(VerifyEnded, rows).await;
        let then = handler.at(|at| at.attempt = attempt).when(verify()).await;
        then.fails(verdict);
    }
}
#[tokio::test]
async fn conversations_of_which_nothing_is_shown_have_ended() {
    let rows = asked(ViewRows::default(), "bot", &["c1", "c2", "c3"]);
    let rows = history(rows, "c1", vec![]);
    let ended = Ended {
        ended_at_ms: 1,
        endings: 1,
    };
    let rows = history(rows, "c2", vec![Entry::default()]);
    let rows = rows.with(TENANT, consumer::CONVERSATIONS_ENDINGS, "c2", ended);
    let then = knowing(VerifyEnded, rows).await.when(verify()).await;
    then.emits(reply(events::reply::Ok { id: "bot".into() }));
}
#[tokio::test]
async fn views_that_cannot_be_read_prove_nothing() {
    let then = given(VerifyEnded).await.when(verify()).await;
    then.fails(Verdict::Retry(Retry::WhenUp("state".into())));
}
