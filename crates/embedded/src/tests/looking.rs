//! Looking at the log, the schemas, and what search makes of words.
use super::support::{Place, join, message, placed};
use events::TenantId;
use runtime::ports::log::{Checkpoint, Publication};
use runtime::ports::search::{IndexedPassage, Query, Revision};

#[tokio::test]
async fn all_that_one_request_caused_is_found() {
    let place = Place::new();
    let file = place.open();
    for n in 0..5u8 {
        for correlation in ["one", "two"] {
            let mut sent = message(
                if n % 2 == 0 { "input" } else { "output" },
                "acme/1",
                vec![n],
            );
            sent.headers.set("ce_correlationid", correlation);
            file.log().append(vec![sent]).await.unwrap();
        }
    }
    file.log()
        .append(vec![placed("input", 0, "without")])
        .await
        .unwrap();
    let found = file.by_correlation("one").await.unwrap();
    let mut payloads: Vec<_> = found.iter().map(|message| message.payload[0]).collect();
    payloads.sort_unstable();
    assert_eq!(payloads, [0, 1, 2, 3, 4]);
    assert!(
        found
            .iter()
            .all(|message| message.headers.text("ce_correlationid") == Some("one"))
    );
    assert!(
        found.is_sorted_by_key(|message| message.timestamp_ms),
        "the oldest first"
    );
    assert_eq!(file.by_correlation("' OR 1=1").await, Ok(vec![]));
}

#[tokio::test]
async fn checkpoints_can_be_looked_at() {
    let place = Place::new();
    let file = place.open();
    let (member, leases) = join(&file.log(), "c").await;
    let checkpoint = Checkpoint {
        watermark: 7,
        text: "t".into(),
    };
    let checkpoints = vec![(leases[2], checkpoint.clone())];
    member
        .publish(Publication {
            outgoing: vec![],
            checkpoints,
        })
        .await
        .unwrap();
    let all = file.checkpoints().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].consumer.as_str(), &*all[0].topic, all[0].partition),
        ("c", "input", 2)
    );
    assert_eq!(all[0].checkpoint, checkpoint);
}

#[tokio::test]
async fn a_schema_keeps_its_id() {
    let place = Place::new();
    let file = place.open();
    let first = file.schemas().id_of("a.B", "{1}").await.unwrap();
    let second = file.schemas().id_of("a.B", "{2}").await.unwrap();
    assert_ne!(first, second);
    drop(file);
    let schemas = place.open().schemas();
    assert_eq!(schemas.id_of("a.B", "{1}").await, Ok(first));
    assert_eq!(schemas.text_of(second).await, Ok(Some("{2}".into())));
    assert_eq!(schemas.text_of(4_000_000_000).await, Ok(None));
}

#[tokio::test]
async fn accents_and_case_do_not_matter_and_a_passage_taken_by_hand_is_missed() {
    let place = Place::new();
    let file = place.open();
    let (search, acme) = (file.search(), TenantId::new("acme").unwrap());
    let revision = Revision {
        chatbot: "bot".into(),
        document: "doc".into(),
        name: "doc".into(),
        revision: "r".into(),
    };
    let texts = ["Das Café in der Straße", "Überall Äpfel", "пример текста"];
    let passage = |(text, ordinal): (&&str, u32)| IndexedPassage {
        ordinal,
        text: (*text).into(),
        heading: "Öffnungszeiten".into(),
        page: None,
        vector: vec![1.0, ordinal as f32],
    };
    search
        .stage(
            &acme,
            &revision,
            texts.iter().zip(0..).map(passage).collect(),
        )
        .await
        .unwrap();
    search.publish(&acme, &revision, 1).await.unwrap();
    let query = async |text: &str| {
        let query = Query {
            chatbot: "bot".into(),
            text: text.into(),
            vector: vec![],
            limit: 10,
        };
        search.query(&acme, &query).await.unwrap().len()
    };
    for (text, hits) in [
        ("CAFE", 1),
        ("apfel", 1),
        ("ÜBERALL", 1),
        ("ПРИМЕР", 1),
        ("offnungszeiten", 3),
    ] {
        assert_eq!(query(text).await, hits, "{text}");
    }
    // Whoever counts sees what is there, not what should be.
    place
        .sql()
        .execute("DELETE FROM search_passages WHERE text LIKE '%Caf%'", [])
        .unwrap();
    assert_eq!(query("cafe").await, 0);
    let counts = search.count(&acme, "doc", "r").await.unwrap();
    assert_eq!((counts.stored, counts.retrievable), (2, 2));
    assert_eq!(search.count_chatbot(&acme, "bot").await, Ok(2));
}

#[tokio::test]
async fn common_words_only_add_to_what_rare_words_find() {
    let place = Place::new();
    let file = place.open();
    let (search, acme) = (file.search(), TenantId::new("acme").unwrap());
    let revision = Revision {
        chatbot: "bot".into(),
        document: "doc".into(),
        name: "doc".into(),
        revision: "r".into(),
    };
    let text = |n: u32| match n {
        7 => "a zebra without an article and with many more words than the other".to_owned(),
        8 => "the zebra".to_owned(),
        n if n % 2 == 0 => format!("the number of {n}"),
        n => format!("the number {n}"),
    };
    let passage = |ordinal| IndexedPassage {
        ordinal,
        text: text(ordinal),
        heading: String::new(),
        page: None,
        vector: vec![],
    };
    search
        .stage(&acme, &revision, (0..1_000).map(passage).collect())
        .await
        .unwrap();
    search.publish(&acme, &revision, 1).await.unwrap();
    let query = async |text: &str| {
        let query = Query {
            chatbot: "bot".into(),
            text: text.into(),
            vector: vec![],
            limit: 20,
        };
        let hits = search.query(&acme, &query).await.unwrap();
        hits.into_iter().map(|hit| hit.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(query("the zebra unheard-of").await[..2], [8, 7]);
    assert_eq!(
        query("the zebra").await.len(),
        2,
        "a common word finds nothing beside a rare one"
    );
    let common = query("the number of").await;
    assert!(
        common.len() == 20 && common.iter().all(|n| n % 2 == 0),
        "the rarest of them counts: {common:?}"
    );
    assert_eq!(query("the").await.len(), 20);
    assert!(query("unheard never").await.is_empty());
}

#[tokio::test]
async fn the_full_text_of_an_older_file_is_built_anew() {
    let place = Place::new();
    let acme = TenantId::new("acme").unwrap();
    let of = |chatbot: &str| Revision {
        chatbot: chatbot.into(),
        document: format!("doc of {chatbot}"),
        name: "doc".into(),
        revision: "r".into(),
    };
    let file = place.open();
    for (chatbot, text) in [("one", "a zebra"), ("two", "a horse")] {
        let passage = IndexedPassage {
            ordinal: 0,
            text: text.into(),
            heading: "Animals".into(),
            page: None,
            vector: vec![],
        };
        let (search, revision) = (file.search(), of(chatbot));
        search.stage(&acme, &revision, vec![passage]).await.unwrap();
        search.publish(&acme, &revision, 1).await.unwrap();
    }
    file.closed().await;
    // As version 1 had it: words without their scope.
    place
        .sql()
        .execute_batch(
            "INSERT INTO search_text(search_text) VALUES ('delete-all');
             INSERT INTO search_text(rowid, scope, heading, text)
               SELECT p.id, 's' || r.scope, p.heading, p.text
               FROM search_passages p JOIN search_revisions r ON r.no = p.id >> 20;
             PRAGMA user_version = 1",
        )
        .unwrap();
    assert!(matches!(
        crate::Embedded::open_readonly(place.path(), super::support::options()),
        Err(crate::OpenError::Older { found: 1, .. })
    ));
    let file = place.open();
    for (chatbot, word, hits) in [
        ("one", "zebra", 1),
        ("one", "horse", 0),
        ("two", "horse", 1),
        ("two", "animals", 1),
    ] {
        let query = Query {
            chatbot: chatbot.into(),
            text: word.into(),
            vector: vec![],
            limit: 10,
        };
        let found = file.search().query(&acme, &query).await.unwrap();
        assert_eq!(found.len(), hits, "{chatbot}: {word}");
    }
}
