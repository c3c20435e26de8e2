//! A disk that is full, and has room again.
use super::support::{Place, join, placed, read_all};
use bytes::Bytes;
use events::TenantId;
use futures::stream::{self, StreamExt};
use runtime::PortError;
use runtime::ports::blobs::BlobError;
use runtime::ports::log::{Checkpoint, Publication, PublishError, Together};
use runtime::ports::state::{Row, Save, Saved};

fn full<T: std::fmt::Debug>(outcome: Result<T, PortError>) {
    assert!(
        matches!(outcome, Err(PortError::Full { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn nothing_is_done_while_it_is_full_and_everything_afterwards() {
    let place = Place::new();
    let file = place.open();
    let (log, state, acme) = (file.log(), file.state(), TenantId::new("acme").unwrap());
    let (member, leases) = join(&log, "c").await;
    let large = || vec![7u8; 200_000];
    let save = || {
        let row = Row {
            version: 1,
            partition: -1,
            body: large(),
            ..Row::default()
        };
        Save {
            collection: "c".into(),
            id: "acme/1".into(),
            expected: 0,
            row: Some(row),
        }
    };
    let publication = || Publication {
        outgoing: vec![placed("output", 0, large()).into()],
        checkpoints: vec![(
            leases[0],
            Checkpoint {
                watermark: 1,
                text: String::new(),
            },
        )],
    };
    let blob = || stream::iter([Ok(Bytes::from(vec![1; 600_000]))]).boxed();

    log.append(vec![placed("input", 0, "before")])
        .await
        .unwrap();
    file.set_max_pages(Some(1)).await.unwrap();
    for _ in 0..3 {
        full(log.append(vec![placed("input", 0, large())]).await);
        full(state.save(vec![save()]).await);
        let published = member.publish(publication()).await;
        assert!(
            matches!(published, Err(PublishError::Port(PortError::Full { .. }))),
            "{published:?}"
        );
        let together = member.together(&[save()], &publication()).unwrap().await;
        assert!(
            matches!(together, Err(PublishError::Port(PortError::Full { .. }))),
            "{together:?}"
        );
        let put = file.blobs().put(&acme, "b", blob(), 1 << 20).await;
        assert!(
            matches!(put, Err(BlobError::Port(PortError::Full { .. }))),
            "{put:?}"
        );
    }
    // What is there can be read, and nothing else is.
    assert_eq!(read_all(&log, "input", 0).await.len(), 1);
    assert_eq!(read_all(&log, "output", 0).await, []);
    assert_eq!(member.committed(leases[0]).await, Ok(None));
    assert_eq!(state.load("c", &["acme/1".into()]).await, Ok(vec![None]));
    assert_eq!(file.blobs().list(&acme, "", "", 10).await, Ok(vec![]));

    file.set_max_pages(None).await.unwrap();
    let places = log.append(vec![placed("input", 0, large())]).await.unwrap();
    assert_eq!(places[0].offset, 1, "offsets go on where they were");
    assert_eq!(
        member.together(&[save()], &publication()).unwrap().await,
        Ok(Together::Done)
    );
    assert_eq!(
        state.save(vec![save()]).await,
        Ok(vec![Saved::Lost]),
        "it is there already"
    );
    assert!(file.blobs().put(&acme, "b", blob(), 1 << 20).await.is_ok());
    assert_eq!(read_all(&log, "output", 0).await.len(), 1);
    drop((log, state, member, file));
    let check: String = place
        .sql()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_member_can_join_and_leave_while_it_is_full() {
    let place = Place::new();
    let file = place.open();
    file.set_max_pages(Some(1)).await.unwrap();
    let (first, _) = join(&file.log(), "c").await;
    first.leave().await;
    join(&file.log(), "c").await;
}
