//! Two owners of the same entities, as during a rebalance.
use super::*;
use runtime::ports::state::{Saved, State};
use std::sync::Arc;

/// Both count in the same rows, many by one call. Who loses loads and starts again; no count is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_of_the_same_rows_do_no_harm() {
    let database = database();
    let timeout = Duration::from_secs(20);
    let ids: Vec<String> = (0..20).map(|n| format!("acme/{n:02}")).collect();
    let owners = (0..2).map(|_| {
        let (database, ids) = (database.clone(), ids.clone());
        tokio::spawn(async move {
            let state = Arc::new(open(&server(), &database, timeout).await);
            let mut errors = 0;
            for _ in 0..15 {
                count_once(&state, &ids, &mut errors).await;
            }
            errors
        })
    });
    let mut errors = 0;
    for owner in owners {
        errors += owner.await.expect("counts");
    }
    let state = open(&server(), &database, timeout).await;
    for row in state.load("c", &ids).await.expect("loads") {
        let row = row.expect("it is there");
        let count: u64 = String::from_utf8_lossy(&row.body).parse().expect("a count");
        assert_eq!(row.version, count, "each save counted once");
        // An outcome that could not be told is tried again, and may then be counted once more.
        assert!((30..=30 + errors).contains(&count), "{count}, {errors}");
    }
    state.drop_database().await.expect("drops");
}

/// Adds one to each of the rows.
async fn count_once(state: &MongoState, ids: &[String], errors: &mut u64) {
    let mut left: Vec<String> = ids.to_vec();
    while !left.is_empty() {
        let rows = state.load("c", &left).await.expect("loads");
        let saves: Vec<Save> = left
            .iter()
            .zip(rows)
            .map(|(id, row)| {
                let row = row.unwrap_or_default();
                let count = String::from_utf8_lossy(&row.body).parse().unwrap_or(0u64) + 1;
                save(id, row.version, &count.to_string())
            })
            .collect();
        match state.save(saves).await {
            Ok(saved) => {
                let lost = left
                    .into_iter()
                    .zip(saved)
                    .filter(|(_, saved)| *saved == Saved::Lost);
                left = lost.map(|(id, _)| id).collect();
            }
            Err(_) => *errors += 1,
        }
    }
}
