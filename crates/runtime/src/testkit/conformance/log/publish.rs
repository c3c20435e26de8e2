//! What moves together, and what is fenced.
use super::{INPUT, Logs, OUTPUT, Watched, both_until, message, payloads, placed, within};
use crate::ports::log::{Checkpoint, Publication, PublishError};

fn checkpoint(watermark: i64, text: &str) -> Checkpoint {
    Checkpoint {
        watermark,
        text: text.to_owned(),
    }
}

/// # Panics
/// If the law is broken.
pub async fn outputs_and_checkpoint_move_together(logs: Logs) {
    logs.one
        .append((0..10u8).map(|n| placed(INPUT, 3, vec![n])).collect())
        .await
        .expect("appends");
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    member
        .until("all messages", |member| member.count() == 10)
        .await;
    let (lease, place) = (member.held[&3], member.fetched[&3][5].at.offset);
    assert_eq!(
        member.member.committed(lease).await,
        Ok(None),
        "nothing is committed yet"
    );
    let outgoing: Vec<_> = (0..6u8)
        .map(|n| placed(OUTPUT, i32::from(n % 2), vec![n]).into())
        .collect();
    let done = checkpoint(place, "{\"open\":[1,2]}");
    let publication = Publication {
        outgoing,
        checkpoints: vec![(lease, done.clone())],
    };
    member.member.publish(publication).await.expect("publishes");
    assert_eq!(
        payloads(&logs.other, OUTPUT).await,
        [[[0], [2], [4]], [[1], [3], [5]]],
        "in their order"
    );
    assert_eq!(member.member.committed(lease).await, Ok(Some(done.clone())));
    member.member.leave().await;
    let mut next = Watched::join(&logs.other, "c", true).await;
    next.until("the rest", |member| {
        member.count() == 5 && member.held.len() == 4
    })
    .await;
    assert_eq!(next.checkpoints[&3], Some(done));
    assert_eq!(
        next.checkpoints[&0], None,
        "other partitions are as they were"
    );
    assert_eq!(
        next.payloads(3),
        (5..10).map(|n| vec![n]).collect::<Vec<_>>(),
        "from the watermark on"
    );
}

/// # Panics
/// If the law is broken.
pub async fn a_publication_may_hold_outputs_only(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    member
        .member
        .publish(Publication::default())
        .await
        .expect("nothing is fine");
    let outgoing = vec![message(OUTPUT, "acme/1", "alone").into()];
    member
        .member
        .publish(Publication {
            outgoing,
            checkpoints: vec![],
        })
        .await
        .expect("publishes");
    assert_eq!(payloads(&logs.one, OUTPUT).await.concat(), [b"alone"]);
}

/// # Panics
/// If the law is broken.
pub async fn a_checkpoint_of_4096_bytes_comes_back(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&0];
    for text in ["x".repeat(4_096), "ü".repeat(2_048), String::new()] {
        let wanted = checkpoint(0, &text);
        let publication = Publication {
            outgoing: vec![],
            checkpoints: vec![(lease, wanted.clone())],
        };
        member.member.publish(publication).await.expect("publishes");
        assert_eq!(
            member.member.committed(lease).await,
            Ok(Some(wanted)),
            "{} bytes",
            text.len()
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_new_owner_is_given_what_the_old_one_committed(logs: Logs) {
    logs.one
        .append((0..4).map(|n| placed(INPUT, n, "done")).collect())
        .await
        .expect("appends");
    let mut a = Watched::join(&logs.one, "c", true).await;
    a.until("all messages", |a| a.held.len() == 4 && a.count() == 4)
        .await;
    let mut done = vec![];
    for (partition, lease) in &a.held {
        done.push((
            *lease,
            checkpoint(
                a.fetched[partition][0].at.offset + 1,
                &format!("of {partition}"),
            ),
        ));
    }
    let publication = Publication {
        outgoing: vec![],
        checkpoints: done.clone(),
    };
    a.member.publish(publication).await.expect("publishes");
    let mut b = Watched::join(&logs.other, "c", true).await;
    both_until("a fair share", &mut a, &mut b, |a, b| {
        a.held.len() == 2 && b.held.len() == 2
    })
    .await;
    for (lease, wanted) in done
        .iter()
        .filter(|(lease, _)| b.held.contains_key(&lease.partition))
    {
        assert_eq!(
            b.checkpoints[&lease.partition].as_ref(),
            Some(wanted),
            "{lease:?}"
        );
    }
    assert_eq!(b.count(), 0, "what is done is not fetched again");
}

/// # Panics
/// If the law is broken.
pub async fn nothing_is_published_after_leaving(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&0];
    within("leaving", member.member.leave()).await;
    let publication = Publication {
        outgoing: vec![message(OUTPUT, "acme/1", "late").into()],
        checkpoints: vec![(lease, checkpoint(0, "late"))],
    };
    assert_eq!(
        member.member.publish(publication).await,
        Err(PublishError::Fenced(vec![lease]))
    );
    assert_eq!(
        member.member.committed(lease).await,
        Err(PublishError::Fenced(vec![lease]))
    );
    assert!(
        payloads(&logs.one, OUTPUT).await.concat().is_empty(),
        "nothing took place"
    );
    let mut next = Watched::join(&logs.one, "c", true).await;
    next.all_partitions().await;
    assert_eq!(next.checkpoints[&0], None, "nothing took place");
}

/// # Panics
/// If the law is broken.
pub async fn nothing_is_published_under_a_lease_that_moved(logs: Logs) {
    let mut a = Watched::join(&logs.one, "c", true).await;
    a.all_partitions().await;
    let before = a.held.clone();
    let mut b = Watched::join(&logs.other, "c", true).await;
    both_until("a fair share", &mut a, &mut b, |a, b| {
        a.held.len() == 2 && b.held.len() == 2
    })
    .await;
    for (partition, lease) in before {
        let text = format!("by a, of {partition}");
        let publication = Publication {
            outgoing: vec![message(OUTPUT, "acme/1", text.as_bytes()).into()],
            checkpoints: vec![(lease, checkpoint(0, &text))],
        };
        let published = a.member.publish(publication).await;
        if a.held.contains_key(&partition) {
            assert_eq!(published, Ok(()), "{lease:?} is held");
        } else {
            assert_eq!(
                published,
                Err(PublishError::Fenced(vec![lease])),
                "{lease:?} is over"
            );
            let committed = b.member.committed(b.held[&partition]).await;
            assert_eq!(committed, Ok(None), "nothing took place");
        }
    }
    assert_eq!(
        payloads(&logs.one, OUTPUT).await.concat().len(),
        2,
        "only what is held"
    );
    // Even the same member, when the partition comes back to it, has another lease.
    let over: Vec<_> = a
        .ever
        .iter()
        .filter(|lease| !a.held.contains_key(&lease.partition))
        .copied()
        .collect();
    within("leaving", b.member.leave()).await;
    a.all_partitions().await;
    for lease in over {
        let late = Publication {
            outgoing: vec![],
            checkpoints: vec![(lease, checkpoint(0, "late"))],
        };
        assert_eq!(
            a.member.publish(late).await,
            Err(PublishError::Fenced(vec![lease]))
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn one_lease_that_is_over_stops_the_whole_publication(logs: Logs) {
    let mut a = Watched::join(&logs.one, "c", true).await;
    a.all_partitions().await;
    let before = a.held.clone();
    let mut b = Watched::join(&logs.other, "c", true).await;
    both_until("a fair share", &mut a, &mut b, |a, b| {
        a.held.len() == 2 && b.held.len() == 2
    })
    .await;
    let over: Vec<_> = before
        .values()
        .filter(|lease| !a.held.contains_key(&lease.partition))
        .copied()
        .collect();
    let all = before
        .values()
        .map(|lease| (*lease, checkpoint(0, "all")))
        .collect();
    let publication = Publication {
        outgoing: vec![message(OUTPUT, "acme/1", "all").into()],
        checkpoints: all,
    };
    match a.member.publish(publication).await {
        Err(PublishError::Fenced(mut leases)) => {
            leases.sort_unstable();
            assert_eq!(leases, over, "it says which leases are over");
        }
        other => panic!("should be fenced: {other:?}"),
    }
    assert!(
        payloads(&logs.one, OUTPUT).await.concat().is_empty(),
        "no output"
    );
    for lease in a.held.values() {
        assert_eq!(
            a.member.committed(*lease).await,
            Ok(None),
            "no checkpoint either"
        );
    }
}
