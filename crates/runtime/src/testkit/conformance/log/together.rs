//! Saves and publication in one transaction, where state and log are one store.
use super::{Logs, OUTPUT, Watched, message, payloads, within};
use crate::ports::log::{Checkpoint, Publication, PublishError, Together};
use crate::ports::state::{Row, Save};

fn save(id: &str, expected: u64, body: &str) -> Save {
    let row = Row {
        version: expected + 1,
        partition: -1,
        body: body.into(),
        ..Row::default()
    };
    Save {
        collection: "together".into(),
        id: id.into(),
        expected,
        row: Some(row),
    }
}

async fn bodies(logs: &Logs, ids: &[&str]) -> Vec<Option<String>> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let rows = logs.state.load("together", &ids).await.expect("loads");
    rows.into_iter()
        .map(|row| row.map(|row| String::from_utf8_lossy(&row.body).into_owned()))
        .collect()
}

/// # Panics
/// If the law is broken.
pub async fn saves_and_publication_are_done_together(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&2];
    let checkpoint = Checkpoint {
        watermark: 0,
        text: "t".into(),
    };
    // Two saves of one row: the second stands on the first.
    let saves = [
        save("acme/1", 0, "first"),
        save("acme/1", 1, "second"),
        save("acme/2", 0, "x"),
    ];
    let publication = Publication {
        outgoing: vec![message(OUTPUT, "acme/1", "out").into()],
        checkpoints: vec![(lease, checkpoint.clone())],
    };
    let Some(done) = member.member.together(&saves, &publication) else {
        return;
    };
    assert_eq!(done.await, Ok(Together::Done));
    assert_eq!(
        bodies(&logs, &["acme/1", "acme/2"]).await,
        [Some("second".into()), Some("x".into())]
    );
    assert_eq!(payloads(&logs.one, OUTPUT).await.concat(), [b"out"]);
    assert_eq!(member.member.committed(lease).await, Ok(Some(checkpoint)));
}

/// # Panics
/// If the law is broken.
pub async fn a_lost_save_undoes_everything_beside_it(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&2];
    logs.state
        .save(vec![save("acme/old", 0, "old")])
        .await
        .expect("saves");
    let saves = [
        save("acme/new", 0, "new"),
        save("acme/old", 0, "lost: it is there"),
        save("acme/new", 1, "newer"),
        save("acme/old", 7, "lost: another version"),
        save("acme/none", 1, "lost: it is not there"),
    ];
    let publication = Publication {
        outgoing: vec![message(OUTPUT, "acme/1", "out").into()],
        checkpoints: vec![(
            lease,
            Checkpoint {
                watermark: 0,
                text: "t".into(),
            },
        )],
    };
    let Some(lost) = member.member.together(&saves, &publication) else {
        return;
    };
    assert_eq!(lost.await, Ok(Together::Lost(vec![1, 3, 4])));
    let found = bodies(&logs, &["acme/new", "acme/old", "acme/none"]).await;
    assert_eq!(found, [None, Some("old".into()), None], "no save");
    assert!(
        payloads(&logs.one, OUTPUT).await.concat().is_empty(),
        "no output"
    );
    assert_eq!(
        member.member.committed(lease).await,
        Ok(None),
        "no checkpoint"
    );
}

/// # Panics
/// If the law is broken.
pub async fn together_is_fenced_too(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&2];
    within("leaving", member.member.leave()).await;
    let checkpoints = vec![(
        lease,
        Checkpoint {
            watermark: 0,
            text: "t".into(),
        },
    )];
    let publication = Publication {
        outgoing: vec![],
        checkpoints,
    };
    let Some(fenced) = member
        .member
        .together(&[save("acme/1", 0, "x")], &publication)
    else {
        return;
    };
    assert_eq!(fenced.await, Err(PublishError::Fenced(vec![lease])));
    assert_eq!(bodies(&logs, &["acme/1"]).await, [None], "no save");
}
