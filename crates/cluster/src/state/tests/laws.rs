//! The port's laws, and what of them only many rows in one call can break.
use super::*;
use futures::future::join_all;
use runtime::ports::state::{Saved, State};
use runtime::testkit::conformance::state;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_keeps_its_laws_on_mongodb() {
    let worlds: Mutex<Vec<Arc<MongoState>>> = Mutex::default();
    state::all(async || {
        let database = database();
        let one = Arc::new(open(&server(), &database, PATIENT).await);
        let other = Arc::new(open(&server(), &database, PATIENT).await);
        one.prepare(&["c".into(), "d".into()])
            .await
            .expect("prepares");
        worlds.lock().unwrap().push(Arc::clone(&one));
        state::States {
            one,
            other,
            keep: Box::new(()),
        }
    })
    .await;
    for world in worlds.into_inner().unwrap() {
        world.drop_database().await.expect("drops");
    }
}

/// Each of twenty changes the same fifty rows in one call; half of the rows are new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_batches_that_race_one_wins_each_row() {
    let database = database();
    let one = Arc::new(open(&server(), &database, PATIENT).await);
    let ids: Vec<String> = (0..50).map(|n| format!("acme/{n:02}")).collect();
    let there: Vec<Save> = ids[25..].iter().map(|id| save(id, 0, "old")).collect();
    assert_eq!(one.save(there).await, Ok(vec![Saved::Done; 25]));
    let racers = (0..20).map(|n: usize| {
        let (state, ids) = (Arc::clone(&one), ids.clone());
        async move {
            let mut saves: Vec<Save> = ids
                .iter()
                .enumerate()
                .map(|(place, id)| save(id, u64::from(place >= 25), &n.to_string()))
                .collect();
            saves.rotate_left(n);
            let said = state.save(saves.clone()).await.expect("saves");
            let done = saves.into_iter().zip(said);
            let done = done.filter(|(_, saved)| *saved == Saved::Done);
            (n, done.map(|(save, _)| save.id).collect::<Vec<_>>())
        }
    });
    let mut winners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (n, done) in join_all(racers).await {
        for id in done {
            winners.entry(id).or_default().push(n);
        }
    }
    let rows = one.load("c", &ids).await.expect("loads");
    for (id, row) in ids.iter().zip(rows) {
        let row = row.expect("it is there");
        let of_row = winners.remove(id).unwrap_or_default();
        assert_eq!(of_row.len(), 1, "one wins {id}: {of_row:?}");
        assert_eq!(row.body, of_row[0].to_string().into_bytes(), "{id}");
    }
    one.drop_database().await.expect("drops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_may_change_twice_in_one_call() {
    let state = open(&server(), &database(), PATIENT).await;
    let gone = Save {
        row: None,
        ..save("acme/2", 1, "")
    };
    let saves = vec![
        save("acme/1", 0, "first"),
        save("acme/2", 0, "x"),
        save("acme/1", 1, "second"),
        gone,
        save("acme/1", 1, "late"),
        save("acme/2", 0, "again"),
    ];
    let mut wanted = vec![Saved::Done; 6];
    wanted[4] = Saved::Lost;
    assert_eq!(state.save(saves).await, Ok(wanted));
    let rows = state.load("c", &["acme/1".into(), "acme/2".into()]).await;
    let rows: Vec<_> = rows
        .expect("loads")
        .into_iter()
        .flatten()
        .map(|row| (row.version, row.body))
        .collect();
    assert_eq!(rows, [(2, b"second".to_vec()), (1, b"again".to_vec())]);
    state.drop_database().await.expect("drops");
}

/// Many rows at once: more than one command, in order, none forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rows_are_saved_and_read_by_one_call() {
    let state = open(&server(), &database(), PATIENT).await;
    let ids: Vec<String> = (0..1_000).map(|n| format!("acme/{n}")).collect();
    for version in 0..3 {
        let saves: Vec<_> = ids.iter().map(|id| save(id, version, id)).collect();
        assert_eq!(state.save(saves).await, Ok(vec![Saved::Done; 1_000]));
    }
    let rows = state.load("c", &ids).await.expect("loads");
    for (id, row) in ids.iter().zip(rows) {
        assert_eq!(
            row.map(|row| (row.version, row.body)),
            Some((3, id.clone().into_bytes()))
        );
    }
    state.drop_database().await.expect("drops");
}

#[tokio::test]
async fn what_is_prepared_is_not_prepared_again() {
    let state = open(&server(), &database(), PATIENT).await;
    let collections = ["holds".to_owned(), "strange $name".to_owned()];
    let missing = state.unprepared(&collections).await.expect("lists");
    assert_eq!(
        missing,
        [
            "state.holds: troupe_due",
            "state.holds: troupe_expiring",
            "state.strange%20%24name: troupe_due",
            "state.strange%20%24name: troupe_expiring",
        ]
    );
    state.prepare(&collections).await.expect("prepares");
    assert_eq!(state.unprepared(&collections).await, Ok(vec![]));
    state.prepare(&collections).await.expect("once more");
    assert_eq!(state.ping().await, Ok(()));
    state.drop_database().await.expect("drops");
}
