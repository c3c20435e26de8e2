//! What must be there when all is over: everything that was acknowledged, once.
use super::caller::Caller;
use super::lives::{Life, Lives};
use super::load::Acknowledged;
use super::{marker, until};
use app::demo::evidence::{Document, Evidence};
use app::demo::found::Stores;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Holds what clients were told against what the process says, then stops it and looks into its file.
pub(super) async fn check(lives: &Lives, life: Life, caller: &Caller, told: &Acknowledged) {
    let database = lives.place.path("troupe.db");
    until("every message is handled", || async {
        Stores::File(database.clone())
            .unread(&Evidence::default())
            .await
            .expect("readable")
            .is_empty()
            .then_some(())
    })
    .await;
    check_documents(caller, told).await;
    check_conversations(caller, told).await;
    lives.stop(life).await;
    check_tables(&database, told).await;
}

async fn check_documents(caller: &Caller, told: &Acknowledged) {
    let listed = caller.documents("bot").await;
    let text =
        |listed: &serde_json::Value, name: &str| listed[name].as_str().expect(name).to_owned();
    let states: BTreeMap<String, (String, String)> = listed
        .iter()
        .map(|listed| {
            (
                text(listed, "id"),
                (text(listed, "name"), text(listed, "state")),
            )
        })
        .collect();
    assert_eq!(states.len(), listed.len(), "each is listed once");
    let expected = told.documents.iter();
    let expected =
        expected.map(|(id, uploaded)| (id.clone(), (uploaded.name.clone(), "ready".to_owned())));
    assert_eq!(
        states,
        expected.collect(),
        "all that was acknowledged, and nothing else"
    );
    for (id, uploaded) in &told.documents {
        let document = caller.document("bot", id).await.expect(200).body;
        for field in ["expected", "embedded", "stored", "retrievable"] {
            assert_eq!(
                document["ledger"][field], uploaded.passages,
                "{field}: {document}"
            );
        }
    }
}

async fn check_conversations(caller: &Caller, told: &Acknowledged) {
    for (conversation, asked) in &told.conversations {
        let history = caller.conversation(conversation, asked.len()).await;
        let turns = history["turns"].as_array().expect("turns").iter();
        let of = |turn: &serde_json::Value| {
            ["question", "asked", "text"].map(|name| turn[name].as_str().expect(name).to_owned())
        };
        let expected = asked
            .iter()
            .map(|a| [a.question.clone(), a.text.clone(), a.answer.clone()]);
        let (turns, expected): (Vec<_>, Vec<_>) = (turns.map(of).collect(), expected.collect());
        assert_eq!(
            turns, expected,
            "{conversation}: each question answered once, in order"
        );
    }
}

async fn check_tables(database: &Path, told: &Acknowledged) {
    let document = |id: &String| Document {
        id: id.clone(),
        ..Document::default()
    };
    let evidence = Evidence {
        tenant: "acme".into(),
        documents: told.documents.keys().map(document).collect(),
        ..Evidence::default()
    };
    let found = Stores::File(database.to_owned())
        .look(&evidence)
        .await
        .expect("readable");
    assert_eq!(found.log.dead_letters, 0, "{:?}", found.log);
    assert_eq!(
        found.log.repeated, [""; 0],
        "no message of a worker is there twice"
    );
    assert_eq!(found.log.behind, [""; 0]);
    for (id, uploaded) in &told.documents {
        let shelf = &found.documents[id];
        let (passages, editions) = (uploaded.passages, u64::from(uploaded.editions));
        assert_eq!(
            (shelf.passages.len(), shelf.findable, shelf.revisions),
            (passages, passages as u64, 1),
            "{uploaded:?}"
        );
        assert_eq!(
            (shelf.parsed_events, shelf.ready_events),
            (editions, editions),
            "{uploaded:?}"
        );
        let latest = marker(uploaded.number, uploaded.editions);
        assert!(
            shelf
                .passages
                .iter()
                .all(|(text, _)| text.contains(&latest)),
            "{uploaded:?}"
        );
        let texts: BTreeSet<_> = shelf.passages.iter().collect();
        assert!(texts.len() <= passages);
    }
    let sum: usize = told
        .documents
        .values()
        .map(|uploaded| uploaded.passages)
        .sum();
    let all = usize::try_from(found.full_text).expect("a count");
    assert_eq!(all, sum, "nothing else is found by full text");

    let sql = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("a database");
    let intact: String = sql
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("SQL");
    assert_eq!(intact, "ok");
    let query = "SELECT key, count(*) FROM log WHERE topic = (SELECT no FROM topics WHERE name = 'question.answered') GROUP BY key";
    let mut query = sql.prepare(query).expect("SQL");
    let rows = query.query_map([], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
    });
    let answered: BTreeMap<Vec<u8>, i64> =
        rows.expect("rows").map(|row| row.expect("a row")).collect();
    let expected = told.conversations.iter();
    let expected =
        expected.map(|(id, asked)| (format!("acme/{id}").into_bytes(), asked.len() as i64));
    assert_eq!(answered, expected.collect(), "answers, by conversation");
}
