//! What is found how: words, vectors, both; and by whom.
use super::*;

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
