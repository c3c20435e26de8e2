//! What is found when: staging, publishing, retiring, sweeping.
use super::*;

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
