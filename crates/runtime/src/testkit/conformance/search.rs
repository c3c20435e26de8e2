//! The laws of the search index.
use super::{Keep, within};
use crate::ports::clock::Clock;
use crate::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use events::TenantId;
use futures::future::{join, join_all};
use std::sync::Arc;

/// A new, empty world.
pub struct Searches {
    /// A process.
    pub one: Arc<dyn Search>,
    /// Another process of the same world, or the same.
    pub other: Arc<dyn Search>,
    /// The clock that says when passages were staged.
    pub clock: Arc<dyn Clock>,
    /// As long as the law runs.
    pub keep: Keep,
}

/// Every law. `make` gives a new world each time.
///
/// # Panics
/// If a law is broken.
pub async fn all(make: impl AsyncFn() -> Searches) {
    what_is_staged_is_not_found(make().await).await;
    what_is_published_is_found_whole(make().await).await;
    staging_the_same_again_changes_nothing(make().await).await;
    publishing_switches_in_one_step(make().await).await;
    a_version_that_is_not_above_does_nothing(make().await).await;
    who_comes_late_changes_nothing(make().await).await;
    what_is_retired_is_not_found(make().await).await;
    a_retired_document_can_come_back(make().await).await;
    no_tenant_and_no_chatbot_finds_anothers_passages(make().await).await;
    vectors_are_found_by_cosine(make().await).await;
    both_lists_are_fused_by_reciprocal_rank(make().await).await;
    no_text_is_syntax(make().await).await;
    a_query_keeps_its_limit(make().await).await;
    a_sweep_takes_only_orphans(make().await).await;
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a tenant")
}

fn revision(document: &str, revision: &str) -> Revision {
    Revision {
        chatbot: "bot".into(),
        document: document.into(),
        name: format!("{document}.pdf"),
        revision: revision.into(),
    }
}

/// Passages with these texts; each is a direction of its own.
fn passages(texts: &[&str]) -> Vec<IndexedPassage> {
    let passage = |(n, text): (usize, &&str)| {
        let mut vector = vec![0.0; 8];
        vector[n % 8] = 1.0;
        let page = (n % 2 == 0).then_some(n as u32 + 1);
        IndexedPassage {
            ordinal: n as u32,
            text: (*text).to_owned(),
            heading: format!("Chapter {n}"),
            page,
            vector,
        }
    };
    texts.iter().enumerate().map(passage).collect()
}

fn words(text: &str) -> Query {
    Query {
        chatbot: "bot".into(),
        text: text.into(),
        vector: vec![],
        limit: 10,
    }
}

async fn stage(search: &Arc<dyn Search>, wanted: &Revision, texts: &[&str]) {
    search
        .stage(&tenant("acme"), wanted, passages(texts))
        .await
        .expect("stages");
}

async fn publish(search: &Arc<dyn Search>, wanted: &Revision, version: i64) -> bool {
    search
        .publish(&tenant("acme"), wanted, version)
        .await
        .expect("publishes")
}

async fn retire(search: &Arc<dyn Search>, document: &str, version: i64) -> bool {
    search
        .retire(&tenant("acme"), document, version)
        .await
        .expect("retires")
}

async fn hits(search: &Arc<dyn Search>, query: &Query) -> Vec<Hit> {
    search
        .query(&tenant("acme"), query)
        .await
        .expect("searches")
}

async fn counts(search: &Arc<dyn Search>, wanted: &Revision) -> (u64, u64) {
    let counted = search
        .count(&tenant("acme"), &wanted.document, &wanted.revision)
        .await;
    let Counts {
        stored,
        retrievable,
    } = counted.expect("counts");
    (stored, retrievable)
}

async fn of_chatbot(search: &Arc<dyn Search>) -> u64 {
    search
        .count_chatbot(&tenant("acme"), "bot")
        .await
        .expect("counts")
}

/// # Panics
/// If the law is broken.
pub async fn what_is_staged_is_not_found(world: Searches) {
    let first = revision("doc", "r1");
    assert_eq!(counts(&world.one, &first).await, (0, 0), "nothing is there");
    assert_eq!(
        hits(&world.one, &words("zebra")).await,
        [],
        "nothing is found"
    );
    stage(&world.one, &first, &["a zebra", "a horse"]).await;
    assert_eq!(hits(&world.other, &words("zebra")).await, []);
    let by_vector = Query {
        vector: passages(&["x"])[0].vector.clone(),
        ..words("")
    };
    assert_eq!(hits(&world.other, &by_vector).await, []);
    assert_eq!(counts(&world.other, &first).await, (2, 0));
    assert_eq!(of_chatbot(&world.other).await, 0);
}

/// # Panics
/// If the law is broken.
pub async fn what_is_published_is_found_whole(world: Searches) {
    let first = revision("doc", "r1");
    stage(
        &world.one,
        &first,
        &["a zebra in the sun", "a horse in the rain"],
    )
    .await;
    assert!(publish(&world.one, &first, 1).await);
    let found = hits(&world.other, &words("Which HORSE?")).await;
    let [hit] = found.as_slice() else {
        panic!("one passage has the word: {found:?}")
    };
    assert_eq!(
        (hit.document.as_str(), hit.name.as_str()),
        ("doc", "doc.pdf")
    );
    assert_eq!((hit.revision.as_str(), hit.ordinal), ("r1", 1));
    assert_eq!(
        (hit.text.as_str(), hit.heading.as_str()),
        ("a horse in the rain", "Chapter 1")
    );
    assert_eq!(
        (hit.page, hit.text_rank, hit.similarity),
        (None, Some(1), 0.0)
    );
    assert!(
        (hit.score - 1.0 / 61.0).abs() < 1e-9,
        "the first of one list: {}",
        hit.score
    );
    let zebra = hits(&world.one, &words("zebra")).await;
    assert_eq!(zebra[0].page, Some(1));
    assert_eq!(hits(&world.one, &words("giraffe")).await, []);
    assert_eq!(counts(&world.one, &first).await, (2, 2));
    assert_eq!(of_chatbot(&world.other).await, 2);
}

/// # Panics
/// If the law is broken.
pub async fn staging_the_same_again_changes_nothing(world: Searches) {
    let first = revision("doc", "r1");
    for _ in 0..3 {
        stage(&world.one, &first, &["a zebra", "a horse"]).await;
        assert_eq!(counts(&world.one, &first).await, (2, 0));
    }
    // In parts, by two that do not know of each other.
    let second = revision("doc", "r2");
    let many: Vec<_> = (0..200).map(|n| format!("zebra number {n}")).collect();
    let many = passages(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let acme = tenant("acme");
    let (early, late) = (
        world.one.stage(&acme, &second, many[..150].to_vec()),
        world.other.stage(&acme, &second, many[50..].to_vec()),
    );
    let (early, late) = within("both", join(early, late)).await;
    assert!(early.is_ok() && late.is_ok());
    assert!(publish(&world.one, &second, 1).await);
    stage(&world.one, &second, &["something else"]).await;
    assert_eq!(
        counts(&world.one, &second).await,
        (200, 200),
        "published, it stays as it is"
    );
    assert_eq!(hits(&world.one, &words("else")).await, []);
}

/// # Panics
/// If the law is broken.
pub async fn publishing_switches_in_one_step(world: Searches) {
    let texts: Vec<_> = (0..20).map(|n| format!("zebra {n}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    stage(&world.one, &revision("doc", "r0"), &texts).await;
    assert!(publish(&world.one, &revision("doc", "r0"), 1).await);
    for n in 1..8i64 {
        let next = revision("doc", &format!("r{n}"));
        stage(&world.one, &next, &texts).await;
        let searching = (0..10).map(|_| {
            let search = Arc::clone(&world.other);
            async move {
                hits(
                    &search,
                    &Query {
                        limit: 100,
                        ..words("zebra")
                    },
                )
                .await
            }
        });
        let publishing = publish(&world.one, &next, n + 1);
        let (published, answers) = within("both", join(publishing, join_all(searching))).await;
        assert!(published);
        for found in answers {
            assert_eq!(found.len(), 20, "never more, never less");
            let one = &found[0].revision;
            assert!(
                found.iter().all(|hit| hit.revision == *one),
                "never of two revisions"
            );
        }
        let found = hits(
            &world.other,
            &Query {
                limit: 100,
                ..words("zebra")
            },
        )
        .await;
        assert!(found.len() == 20 && found.iter().all(|hit| hit.revision == next.revision));
        assert_eq!(of_chatbot(&world.one).await, 20);
        assert_eq!(counts(&world.one, &next).await, (20, 20));
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_version_that_is_not_above_does_nothing(world: Searches) {
    let (first, second) = (revision("doc", "r1"), revision("doc", "r2"));
    stage(&world.one, &first, &["a zebra"]).await;
    stage(&world.one, &second, &["a horse"]).await;
    assert!(publish(&world.one, &first, 5).await);
    for version in [5, 4, 0] {
        assert!(
            !publish(&world.other, &second, version).await,
            "version {version}"
        );
        assert!(
            !publish(&world.other, &first, version).await,
            "version {version} again"
        );
        assert!(
            !retire(&world.other, "doc", version).await,
            "version {version}"
        );
        assert_eq!(hits(&world.one, &words("zebra horse")).await.len(), 1);
    }
    assert!(publish(&world.other, &second, 6).await);
    assert_eq!(
        hits(&world.one, &words("zebra horse")).await[0].text,
        "a horse"
    );
}

/// The story of O2: A was stopped while it indexed v1; B indexed v1 and v2; A wakes and finishes.
///
/// # Panics
/// If the law is broken.
pub async fn who_comes_late_changes_nothing(world: Searches) {
    let (first, second) = (revision("doc", "r1"), revision("doc", "r2"));
    stage(&world.one, &first, &["a zebra"]).await;
    stage(&world.other, &first, &["a zebra", "an old horse"]).await;
    assert!(publish(&world.other, &first, 1).await);
    stage(&world.other, &second, &["a new horse"]).await;
    assert!(publish(&world.other, &second, 2).await);
    stage(&world.one, &first, &["a zebra", "an old horse"]).await;
    assert!(!publish(&world.one, &first, 1).await);
    let found = hits(&world.one, &words("horse zebra")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "a new horse");
    assert_eq!(counts(&world.one, &second).await, (1, 1));
}

/// # Panics
/// If the law is broken.
pub async fn what_is_retired_is_not_found(world: Searches) {
    let (first, staged) = (revision("doc", "r1"), revision("doc", "r2"));
    stage(&world.one, &first, &["a zebra"; 30]).await;
    assert!(publish(&world.one, &first, 1).await);
    stage(&world.one, &staged, &["a horse"]).await;
    stage(&world.one, &revision("kept", "k1"), &["another zebra"]).await;
    assert!(publish(&world.one, &revision("kept", "k1"), 1).await);
    assert!(retire(&world.other, "doc", 2).await);
    let found = hits(&world.one, &words("zebra horse")).await;
    assert_eq!(
        found
            .iter()
            .map(|hit| hit.document.as_str())
            .collect::<Vec<_>>(),
        ["kept"]
    );
    assert_eq!(counts(&world.one, &first).await, (0, 0), "nothing is left");
    assert_eq!(
        counts(&world.one, &staged).await,
        (0, 0),
        "nor of what was staged"
    );
    assert_eq!(of_chatbot(&world.one).await, 1);
    assert!(
        retire(&world.one, "never-seen", 1).await,
        "what never was can be retired"
    );
    assert!(
        !publish(&world.one, &revision("never-seen", "r1"), 1).await,
        "and stays so"
    );
}

/// # Panics
/// If the law is broken.
pub async fn a_retired_document_can_come_back(world: Searches) {
    let first = revision("doc", "r1");
    stage(&world.one, &first, &["a zebra"]).await;
    assert!(publish(&world.one, &first, 1).await);
    assert!(retire(&world.one, "doc", 2).await);
    stage(&world.one, &first, &["a zebra"]).await;
    assert_eq!(
        hits(&world.one, &words("zebra")).await,
        [],
        "staged is not published"
    );
    assert!(publish(&world.one, &first, 3).await);
    assert_eq!(hits(&world.one, &words("zebra")).await.len(), 1);
    assert_eq!(counts(&world.one, &first).await, (1, 1));
}

/// # Panics
/// If the law is broken.
pub async fn no_tenant_and_no_chatbot_finds_anothers_passages(world: Searches) {
    let (acme, rival) = (tenant("acme"), tenant("rival"));
    let first = revision("doc", "r1");
    stage(&world.one, &first, &["a zebra"]).await;
    assert!(publish(&world.one, &first, 1).await);
    let elsewhere = Revision {
        chatbot: "bot-2".into(),
        ..revision("doc-2", "r1")
    };
    stage(&world.one, &elsewhere, &["a zebra elsewhere"]).await;
    assert!(publish(&world.one, &elsewhere, 1).await);
    let vector = passages(&["x"])[0].vector.clone();
    let query = Query {
        vector,
        ..words("zebra")
    };
    assert_eq!(world.one.query(&rival, &query).await, Ok(vec![]));
    assert_eq!(
        world.one.count(&rival, "doc", "r1").await,
        Ok(Counts::default())
    );
    assert_eq!(world.one.count_chatbot(&rival, "bot").await, Ok(0));
    let found = hits(&world.one, &query).await;
    assert_eq!(
        found
            .iter()
            .map(|hit| hit.text.as_str())
            .collect::<Vec<_>>(),
        ["a zebra"]
    );
    // The same names, another tenant: nothing is shared.
    world
        .one
        .stage(&rival, &first, passages(&["a horse"]))
        .await
        .expect("stages");
    assert_eq!(world.one.publish(&rival, &first, 1).await, Ok(true));
    assert_eq!(world.one.retire(&rival, "doc", 2).await, Ok(true));
    assert_eq!(
        world
            .one
            .query(&acme, &query)
            .await
            .expect("searches")
            .len(),
        1
    );
}

/// # Panics
/// If the law is broken.
pub async fn vectors_are_found_by_cosine(world: Searches) {
    let first = revision("doc", "r1");
    let mut near = passages(&["north", "east", "north-east"]);
    near[2].vector = vec![0.6, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    world
        .one
        .stage(&tenant("acme"), &first, near)
        .await
        .expect("stages");
    assert!(publish(&world.one, &first, 1).await);
    let mut vector = vec![0.0; 8];
    vector[0] = 1.0;
    let found = hits(
        &world.other,
        &Query {
            vector,
            ..words("")
        },
    )
    .await;
    assert_eq!(
        (found[0].text.as_str(), found[1].text.as_str()),
        ("north", "north-east")
    );
    assert!((found[0].similarity - 1.0).abs() < 1e-4 && (found[1].similarity - 0.6).abs() < 1e-4);
    assert_eq!(
        found[0].text_rank, None,
        "it is not in the full text's list"
    );
    assert!(
        (found[0].score - 1.0 / 61.0).abs() < 1e-9 && (found[1].score - 1.0 / 62.0).abs() < 1e-9
    );
}

/// # Panics
/// If the law is broken.
pub async fn both_lists_are_fused_by_reciprocal_rank(world: Searches) {
    let first = revision("doc", "r1");
    let mut texts = vec![
        "zebra zebra zebra",
        "nothing of it",
        "one zebra among many other words here",
    ];
    texts.extend(["filler"; 3]);
    stage(&world.one, &first, &texts).await;
    assert!(publish(&world.one, &first, 1).await);
    // By words: 0, then 2. By vector: 2, then 1.
    let mut vector = vec![0.0; 8];
    (vector[2], vector[1]) = (0.8, 0.6);
    let found = hits(
        &world.one,
        &Query {
            vector,
            ..words("zebra")
        },
    )
    .await;
    let order: Vec<_> = found.iter().take(3).map(|hit| hit.ordinal).collect();
    assert_eq!(order, [2, 0, 1], "in both lists is best");
    assert!(
        (found[0].score - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-9,
        "{}",
        found[0].score
    );
    assert_eq!(found[0].text_rank, Some(2));
    assert!((found[0].similarity - 0.8).abs() < 1e-4);
    assert!(
        found[1].similarity.abs() < 1e-4,
        "a hit by words has its similarity too"
    );
}

/// # Panics
/// If the law is broken.
pub async fn no_text_is_syntax(world: Searches) {
    let first = revision("doc", "r1");
    stage(
        &world.one,
        &first,
        &["a zebra and a horse", "AND OR NOT NEAR"],
    )
    .await;
    assert!(publish(&world.one, &first, 1).await);
    let texts = [
        "zebra\"",
        "\"zebra",
        "zebra*",
        "zebra AND (",
        "NEAR(zebra, 5)",
        "text:zebra",
        "-zebra",
        "^zebra",
        "{zebra}",
        "zebra' OR '1'='1",
        "zebra; DROP TABLE x",
        "+zebra",
        "zebra\u{0}",
        "🦓 zebra",
        "$where zebra",
        "zebra \\",
    ];
    for text in texts {
        let found = hits(&world.one, &words(text)).await;
        assert!(
            found.iter().any(|hit| hit.ordinal == 0),
            "{text:?} finds the zebra: {found:?}"
        );
    }
    for nothing in ["", " ", "?!", "\"\"", "*", "🦓"] {
        assert_eq!(
            hits(&world.one, &words(nothing)).await,
            [],
            "{nothing:?} finds nothing"
        );
    }
    let long = "zebra ".repeat(20_000);
    assert_eq!(
        hits(&world.one, &words(&long)).await.len(),
        1,
        "however long"
    );
}

/// # Panics
/// If the law is broken.
pub async fn a_query_keeps_its_limit(world: Searches) {
    let first = revision("doc", "r1");
    stage(&world.one, &first, &["zebra"; 30]).await;
    assert!(publish(&world.one, &first, 1).await);
    let mut vector = vec![0.0; 8];
    vector[0] = 1.0;
    for limit in [1, 5, 29] {
        let found = hits(
            &world.one,
            &Query {
                limit,
                ..words("zebra")
            },
        )
        .await;
        assert_eq!(found.len(), limit);
        let ranks: Vec<_> = found.iter().filter_map(|hit| hit.text_rank).collect();
        assert_eq!(
            ranks,
            (1..=limit as u32).collect::<Vec<_>>(),
            "ranks count from 1"
        );
        let found = hits(
            &world.one,
            &Query {
                limit,
                vector: vector.clone(),
                ..words("zebra")
            },
        )
        .await;
        assert_eq!(found.len(), limit);
        assert!(found.is_sorted_by(|a, b| a.score >= b.score), "best first");
    }
    assert_eq!(
        hits(
            &world.one,
            &Query {
                limit: 0,
                ..words("zebra")
            }
        )
        .await,
        []
    );
}

/// # Panics
/// If the law is broken.
pub async fn a_sweep_takes_only_orphans(world: Searches) {
    let (published, orphan) = (revision("doc", "r1"), revision("orphan", "r1"));
    stage(&world.one, &published, &["a zebra"; 3]).await;
    assert!(publish(&world.one, &published, 1).await);
    stage(&world.one, &orphan, &["a horse"; 10]).await;
    let (before, after) = (
        world.clock.now_ms() - 3_600_000,
        world.clock.now_ms() + 3_600_000,
    );
    assert_eq!(
        world.one.sweep(before, 100).await,
        Ok(0),
        "it was staged since"
    );
    assert_eq!(counts(&world.one, &orphan).await, (10, 0));
    assert_eq!(world.one.sweep(after, 4).await, Ok(4), "at most so many");
    assert_eq!(world.one.sweep(after, 100).await, Ok(6), "the rest");
    assert_eq!(world.one.sweep(after, 100).await, Ok(0), "nothing is left");
    assert_eq!(counts(&world.one, &orphan).await, (0, 0));
    assert_eq!(
        counts(&world.one, &published).await,
        (3, 3),
        "what is published stays"
    );
    assert_eq!(hits(&world.one, &words("zebra")).await.len(), 3);
}
