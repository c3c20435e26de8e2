//! The laws of the state.
use super::{Keep, within};
use crate::ports::state::{Due, Row, Save, Saved, State};
use futures::future::join_all;
use std::sync::Arc;

/// A new, empty world.
pub struct States {
    /// A process.
    pub one: Arc<dyn State>,
    /// Another process of the same world, or the same.
    pub other: Arc<dyn State>,
    /// As long as the law runs.
    pub keep: Keep,
}

/// Every law. `make` gives a new world each time.
///
/// # Panics
/// If a law is broken.
pub async fn all(make: impl AsyncFn() -> States) {
    a_row_comes_back_as_it_was_saved(make().await).await;
    rows_are_loaded_in_the_order_asked_for(make().await).await;
    what_was_saved_last_is_read(make().await).await;
    a_save_needs_the_version_it_expects(make().await).await;
    a_row_is_deleted_only_under_its_version(make().await).await;
    each_save_stands_by_itself(make().await).await;
    of_twenty_that_race_one_wins(make().await).await;
    no_increment_is_lost(make().await).await;
    collections_are_apart(make().await).await;
    a_scan_goes_through_all_pages_in_order(make().await).await;
    a_prefix_is_no_pattern(make().await).await;
    the_earliest_is_due_first(make().await).await;
    waking_follows_the_row(make().await).await;
    only_what_expired_is_swept(make().await).await;
}

fn row(version: u64, body: &str) -> Row {
    Row {
        version,
        partition: -1,
        wake_at_ms: None,
        expires_at_ms: None,
        body: body.into(),
    }
}

fn save(id: &str, expected: u64, body: &str) -> Save {
    save_row(id, expected, row(expected + 1, body))
}

fn save_row(id: &str, expected: u64, row: Row) -> Save {
    Save {
        collection: "c".into(),
        id: id.into(),
        expected,
        row: Some(row),
    }
}

fn delete(id: &str, expected: u64) -> Save {
    Save {
        collection: "c".into(),
        id: id.into(),
        expected,
        row: None,
    }
}

async fn saved(state: &Arc<dyn State>, saves: Vec<Save>) -> Vec<Saved> {
    state.save(saves).await.expect("saves")
}

async fn load(state: &Arc<dyn State>, id: &str) -> Option<Row> {
    state
        .load("c", &[id.to_owned()])
        .await
        .expect("loads")
        .remove(0)
}

async fn ids(state: &Arc<dyn State>, prefix: &str, after: &str, limit: usize) -> Vec<String> {
    let rows = state.scan("c", prefix, after, limit).await.expect("scans");
    rows.into_iter().map(|(id, _)| id).collect()
}

/// # Panics
/// If the law is broken.
pub async fn a_row_comes_back_as_it_was_saved(world: States) {
    let rows = [
        row(1, ""),
        Row {
            partition: 3,
            wake_at_ms: Some(-5),
            expires_at_ms: Some(i64::MAX),
            ..row(1, "{}")
        },
        Row {
            wake_at_ms: Some(1_700_000_000_123),
            body: vec![0, 255, 1],
            ..row(1, "")
        },
        Row {
            body: vec![b'x'; 1 << 20],
            ..row(1, "")
        },
    ];
    for (n, row) in rows.iter().enumerate() {
        let id = format!("acme/ü-{n}");
        assert_eq!(
            saved(&world.one, vec![save_row(&id, 0, row.clone())]).await,
            [Saved::Done]
        );
        assert_eq!(load(&world.other, &id).await.as_ref(), Some(row), "{id}");
    }
}

/// # Panics
/// If the law is broken.
pub async fn rows_are_loaded_in_the_order_asked_for(world: States) {
    saved(
        &world.one,
        (0..100)
            .map(|n| save(&format!("acme/{n}"), 0, &n.to_string()))
            .collect(),
    )
    .await;
    let wanted: Vec<_> = ["acme/7", "acme/x", "acme/3", "acme/99", "acme/7"]
        .map(str::to_owned)
        .into();
    let found = world.one.load("c", &wanted).await.expect("loads");
    let bodies: Vec<_> = found
        .into_iter()
        .map(|row| row.map(|row| row.body))
        .collect();
    let body = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(bodies, [body("7"), None, body("3"), body("99"), body("7")]);
    assert_eq!(world.one.load("c", &[]).await, Ok(vec![]));
    let many: Vec<_> = (0..100).rev().map(|n| format!("acme/{n}")).collect();
    let found = world.one.load("c", &many).await.expect("loads");
    let bodies: Vec<_> = found.into_iter().flatten().map(|row| row.body).collect();
    assert_eq!(
        bodies,
        (0..100)
            .rev()
            .map(|n| n.to_string().into_bytes())
            .collect::<Vec<_>>()
    );
}

/// # Panics
/// If the law is broken.
pub async fn what_was_saved_last_is_read(world: States) {
    for version in 0..50 {
        assert_eq!(
            saved(&world.one, vec![save("acme/1", version, "x")]).await,
            [Saved::Done]
        );
        let found = load(&world.other, "acme/1").await.map(|row| row.version);
        assert_eq!(found, Some(version + 1));
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_save_needs_the_version_it_expects(world: States) {
    assert_eq!(
        saved(&world.one, vec![save("acme/1", 3, "none")]).await,
        [Saved::Lost],
        "it is not there"
    );
    assert_eq!(load(&world.one, "acme/1").await, None);
    saved(&world.one, vec![save("acme/1", 0, "first")]).await;
    saved(&world.one, vec![save("acme/1", 1, "second")]).await;
    for expected in [0, 1, 3] {
        let lost = saved(&world.other, vec![save("acme/1", expected, "lost")]).await;
        assert_eq!(lost, [Saved::Lost], "expected {expected}");
        assert_eq!(
            load(&world.one, "acme/1").await,
            Some(row(2, "second")),
            "nothing changed"
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_row_is_deleted_only_under_its_version(world: States) {
    assert_eq!(
        saved(&world.one, vec![delete("acme/1", 0)]).await,
        [Saved::Done],
        "it is not there"
    );
    assert_eq!(
        saved(&world.one, vec![delete("acme/1", 1)]).await,
        [Saved::Lost],
        "it is not there"
    );
    saved(&world.one, vec![save("acme/1", 0, "x")]).await;
    for expected in [0, 2] {
        assert_eq!(
            saved(&world.one, vec![delete("acme/1", expected)]).await,
            [Saved::Lost]
        );
    }
    assert_eq!(
        load(&world.one, "acme/1").await,
        Some(row(1, "x")),
        "it is still there"
    );
    assert_eq!(
        saved(&world.one, vec![delete("acme/1", 1)]).await,
        [Saved::Done]
    );
    assert_eq!(load(&world.one, "acme/1").await, None);
    assert_eq!(
        saved(&world.one, vec![save("acme/1", 0, "again")]).await,
        [Saved::Done],
        "it begins anew"
    );
}

/// # Panics
/// If the law is broken.
pub async fn each_save_stands_by_itself(world: States) {
    saved(&world.one, vec![save("acme/taken", 0, "x")]).await;
    let saves = vec![
        save("acme/1", 0, "1"),
        save("acme/taken", 0, "lost"),
        save("acme/2", 0, "2"),
    ];
    assert_eq!(
        saved(&world.one, saves).await,
        [Saved::Done, Saved::Lost, Saved::Done]
    );
    assert_eq!(load(&world.one, "acme/2").await, Some(row(1, "2")));
    assert_eq!(load(&world.one, "acme/taken").await, Some(row(1, "x")));
    assert_eq!(saved(&world.one, vec![]).await, []);
}

/// # Panics
/// If the law is broken.
pub async fn of_twenty_that_race_one_wins(world: States) {
    for expected in 0..5 {
        let racers = (0..20).map(|n| {
            let state = Arc::clone(if n % 2 == 0 { &world.one } else { &world.other });
            async move { saved(&state, vec![save("acme/1", expected, &n.to_string())]).await[0] }
        });
        let outcomes = within("all racers", join_all(racers)).await;
        let winners: Vec<_> = (0..20).filter(|n| outcomes[*n] == Saved::Done).collect();
        assert_eq!(
            winners.len(),
            1,
            "one wins version {}: {winners:?}",
            expected + 1
        );
        let found = load(&world.one, "acme/1").await;
        assert_eq!(
            found,
            Some(row(expected + 1, &winners[0].to_string())),
            "the winner's row"
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn no_increment_is_lost(world: States) {
    let adders = (0..8).map(|n| {
        let state = Arc::clone(if n % 2 == 0 { &world.one } else { &world.other });
        async move {
            for _ in 0..10 {
                loop {
                    let found = load(&state, "acme/sum").await.unwrap_or_default();
                    let sum = String::from_utf8_lossy(&found.body).parse().unwrap_or(0) + 1;
                    let next = save("acme/sum", found.version, &sum.to_string());
                    if saved(&state, vec![next]).await == [Saved::Done] {
                        break;
                    }
                }
            }
        }
    });
    within("all adders", join_all(adders)).await;
    assert_eq!(load(&world.one, "acme/sum").await, Some(row(80, "80")));
}

/// # Panics
/// If the law is broken.
pub async fn collections_are_apart(world: States) {
    let mine = save("acme/1", 0, "mine");
    let theirs = Save {
        collection: "d".into(),
        ..save("acme/1", 0, "theirs")
    };
    assert_eq!(
        saved(&world.one, vec![mine, theirs]).await,
        [Saved::Done, Saved::Done]
    );
    assert_eq!(load(&world.one, "acme/1").await, Some(row(1, "mine")));
    let found = world.one.scan("d", "", "", 10).await.expect("scans");
    assert_eq!(found, [("acme/1".to_owned(), row(1, "theirs"))]);
}

/// # Panics
/// If the law is broken.
pub async fn a_scan_goes_through_all_pages_in_order(world: States) {
    let mut wanted: Vec<_> = (0..250).map(|n| format!("acme/{n}")).collect();
    saved(
        &world.one,
        wanted.iter().map(|id| save(id, 0, id)).collect(),
    )
    .await;
    let others = ["acm/1", "acme-/1", "acme", "acme0", "b/1"];
    saved(
        &world.one,
        others.iter().map(|id| save(id, 0, "other")).collect(),
    )
    .await;
    wanted.sort_unstable();
    let mut found: Vec<String> = vec![];
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let page = ids(&world.other, "acme/", &after, 40).await;
        assert!(page.len() <= 40);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, wanted, "all of the prefix, by the bytes of the id");
    assert_eq!(
        ids(&world.one, "", "acme/99", 3).await,
        ["acme0", "b/1"],
        "without a prefix"
    );
    assert_eq!(ids(&world.one, "none/", "", 3).await, Vec::<String>::new());
}

/// # Panics
/// If the law is broken.
pub async fn a_prefix_is_no_pattern(world: States) {
    let all = [
        "a%/1", "a_/1", "ab/1", "a*/1", "a.b/1", "a(/1", "axb/1", "aü/1",
    ];
    saved(&world.one, all.iter().map(|id| save(id, 0, "x")).collect()).await;
    for prefix in ["a%", "a_", "a*", "a.", "a(", "aü"] {
        let found = ids(&world.one, prefix, "", 10).await;
        assert_eq!(found.len(), 1, "{prefix}: {found:?}");
        assert!(found[0].starts_with(prefix));
    }
}

/// # Panics
/// If the law is broken.
pub async fn the_earliest_is_due_first(world: States) {
    let wakes = |partition, at| Row {
        partition,
        wake_at_ms: Some(at),
        ..row(1, "x")
    };
    let mut saves: Vec<_> = (0..30i64)
        .map(|n| save_row(&format!("acme/{n}"), 0, wakes(1, (n * 7) % 30)))
        .collect();
    saves.push(save_row("acme/elsewhere", 0, wakes(2, -1)));
    saves.push(save_row(
        "acme/never",
        0,
        Row {
            partition: 1,
            ..row(1, "x")
        },
    ));
    saves.push(Save {
        collection: "d".into(),
        ..save_row("acme/other", 0, wakes(1, -1))
    });
    saved(&world.one, saves).await;
    let due = world.other.due("c", 1, 10).await.expect("says");
    assert_eq!(
        due.iter().map(|due| due.at_ms).collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    assert_eq!(due[1].id, "acme/13", "13 * 7 = 91 = 1 modulo 30");
    assert_eq!(
        world.one.due("c", 1, 100).await.expect("says").len(),
        30,
        "only of the partition"
    );
    assert_eq!(world.one.due("c", 0, 100).await, Ok(vec![]));
}

/// # Panics
/// If the law is broken.
pub async fn waking_follows_the_row(world: States) {
    let at = |version, at| Row {
        partition: 0,
        wake_at_ms: at,
        ..row(version, "x")
    };
    let due = async || world.one.due("c", 0, 10).await.expect("says");
    saved(&world.one, vec![save_row("acme/1", 0, at(1, Some(100)))]).await;
    assert_eq!(
        due().await,
        [Due {
            id: "acme/1".into(),
            at_ms: 100
        }]
    );
    saved(&world.one, vec![save_row("acme/1", 1, at(2, Some(50)))]).await;
    assert_eq!(
        due().await,
        [Due {
            id: "acme/1".into(),
            at_ms: 50
        }]
    );
    saved(&world.one, vec![save_row("acme/1", 2, at(3, None))]).await;
    assert_eq!(due().await, []);
    saved(&world.one, vec![save_row("acme/1", 3, at(4, Some(7)))]).await;
    saved(&world.one, vec![delete("acme/1", 4)]).await;
    assert_eq!(due().await, []);
}

/// # Panics
/// If the law is broken.
pub async fn only_what_expired_is_swept(world: States) {
    let expires = |at| Row {
        expires_at_ms: Some(at),
        ..row(1, "x")
    };
    let mut saves: Vec<_> = (0..20)
        .map(|n| save_row(&format!("acme/{n:02}"), 0, expires(n)))
        .collect();
    saves.push(save("acme/for-ever", 0, "x"));
    saves.push(Save {
        collection: "d".into(),
        ..save_row("acme/00", 0, expires(0))
    });
    saved(&world.one, saves).await;
    assert_eq!(
        world.one.sweep("c", 0, 100).await,
        Ok(0),
        "what expires now is not over yet"
    );
    assert_eq!(world.one.sweep("c", 10, 4).await, Ok(4), "at most so many");
    assert_eq!(world.one.sweep("c", 10, 100).await, Ok(6), "the rest");
    assert_eq!(
        world.one.sweep("c", 10, 100).await,
        Ok(0),
        "nothing is left"
    );
    let left = ids(&world.other, "", "", 100).await;
    let mut wanted: Vec<_> = (10..20).map(|n| format!("acme/{n}")).collect();
    wanted.push("acme/for-ever".into());
    assert_eq!(left, wanted);
    assert_eq!(
        world.one.scan("d", "", "", 10).await.expect("scans").len(),
        1,
        "other collections stay"
    );
}
