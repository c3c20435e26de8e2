//! Members: what they are given, and when.
use super::{INPUT, Logs, Watched, both_until, message, placed, read_all, within};
use crate::ports::log::{Checkpoint, Publication};
use events::id::partition_of;
use futures::FutureExt;

/// # Panics
/// If the law is broken.
pub async fn the_first_member_is_given_every_partition(logs: Logs) {
    let mut first = Watched::join(&logs.one, "first", true).await;
    first.all_partitions().await;
    assert!(
        first.checkpoints.values().all(Option::is_none),
        "nobody committed anything yet"
    );
    let id = first.topic_ids[0].clone();
    assert!(!id.is_empty(), "the topic's life has a name");
    first.member.leave().await;
    let mut again = Watched::join(&logs.other, "first", true).await;
    again.all_partitions().await;
    let ids = [first.topic_ids, again.topic_ids].concat();
    assert!(ids.iter().all(|other| *other == id), "one life, one name");
}

/// # Panics
/// If the law is broken.
pub async fn every_message_is_fetched_once_and_in_order(logs: Logs) {
    let before = (0..1_200u32).map(|n| message(INPUT, &format!("acme/{}", n % 7), n.to_be_bytes()));
    logs.one.append(before.collect()).await.expect("appends");
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.until("some", |member| member.count() > 100).await;
    for n in 1_200..1_300u32 {
        let later = message(INPUT, &format!("acme/{}", n % 7), n.to_be_bytes());
        logs.other.append(vec![later]).await.expect("appends");
    }
    member.until("all", |member| member.count() >= 1_300).await;
    for partition in 0..4 {
        let wanted = read_all(&logs.one, INPUT, partition).await;
        let found = member.fetched.remove(&partition).unwrap_or_default();
        assert_eq!(found, wanted, "partition {partition} is whole");
    }
}

/// # Panics
/// If the law is broken.
pub async fn consumers_do_not_disturb_each_other(logs: Logs) {
    logs.one
        .append((0..20u8).map(|n| placed(INPUT, 0, vec![n])).collect())
        .await
        .expect("appends");
    let mut one = Watched::join(&logs.one, "one", true).await;
    one.until("all messages", |member| member.count() == 20)
        .await;
    let after = one.fetched[&0][9].at.offset + 1;
    let half = Checkpoint {
        watermark: after,
        text: String::new(),
    };
    let publication = Publication {
        outgoing: vec![],
        checkpoints: vec![(one.held[&0], half)],
    };
    one.member.publish(publication).await.expect("publishes");
    let mut other = Watched::join(&logs.one, "other", true).await;
    other
        .until("all messages too", |member| member.count() == 20)
        .await;
    assert_eq!(other.checkpoints[&0], None, "checkpoints are per consumer");
    assert_eq!(one.payloads(0), other.payloads(0));
}

/// # Panics
/// If the law is broken.
pub async fn a_dropped_next_loses_nothing(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    for n in 0..200u8 {
        logs.one
            .append(vec![placed(INPUT, i32::from(n % 4), vec![n])])
            .await
            .expect("appends");
        let next = member.member.next().now_or_never();
        if let Some(happening) = next {
            member.note(happening.expect("says what happens"));
        }
    }
    member
        .until("all messages", |member| member.count() >= 200)
        .await;
    for partition in 0..4u8 {
        let wanted: Vec<_> = (0..200u8)
            .filter(|n| n % 4 == partition)
            .map(|n| vec![n])
            .collect();
        assert_eq!(member.payloads(partition.into()), wanted);
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_paused_partition_rests_until_it_goes_on(logs: Logs) {
    let mut member = Watched::join(&logs.one, "c", true).await;
    member.all_partitions().await;
    let lease = member.held[&1];
    member.member.pause(lease, true);
    logs.one
        .append(vec![placed(INPUT, 1, "rests")])
        .await
        .expect("appends");
    for n in 0..10u8 {
        logs.one
            .append(vec![placed(INPUT, 2, vec![n])])
            .await
            .expect("appends");
        let seen = usize::from(n) + 1;
        member
            .until("what is not paused", |member| {
                member.payloads(2).len() == seen
            })
            .await;
    }
    assert_eq!(member.payloads(1), Vec::<Vec<u8>>::new(), "it is paused");
    member.member.pause(lease, false);
    member
        .until("what was paused", |member| !member.payloads(1).is_empty())
        .await;
    assert_eq!(member.payloads(1), [b"rests"]);
}

/// # Panics
/// If the law is broken.
pub async fn who_begins_now_begins_after_what_is_there(logs: Logs) {
    let old = (0..4).map(|partition| placed(INPUT, partition, "old"));
    logs.one.append(old.collect()).await.expect("appends");
    let mut first = Watched::join(&logs.one, "new", false).await;
    first.all_partitions().await;
    for partition in 0..4 {
        let end = super::end(&logs.one, INPUT, partition).await;
        let begun = first.checkpoints[&partition]
            .as_ref()
            .map(|checkpoint| checkpoint.watermark);
        assert_eq!(begun, Some(end), "partition {partition} begins at its end");
    }
    // It stops before it commits anything: what comes meanwhile is not skipped.
    first.member.leave().await;
    let new = (0..4).map(|partition| placed(INPUT, partition, "new"));
    logs.one.append(new.collect()).await.expect("appends");
    let mut second = Watched::join(&logs.other, "new", false).await;
    second
        .until("what came meanwhile", |member| member.count() == 4)
        .await;
    assert!(
        (0..4).all(|partition| second.payloads(partition) == [b"new"]),
        "only what is new"
    );
}

/// # Panics
/// If the law is broken.
pub async fn two_members_share_and_who_stays_gets_all(logs: Logs) {
    let mut a = Watched::join(&logs.one, "shared", true).await;
    a.all_partitions().await;
    let mut b = Watched::join(&logs.other, "shared", true).await;
    both_until("a fair share", &mut a, &mut b, |a, b| {
        a.held.len() == 2 && b.held.len() == 2
    })
    .await;
    let held: Vec<_> = a.held.keys().chain(b.held.keys()).copied().collect();
    assert!(
        (0..4).all(|partition| held.contains(&partition)),
        "each has one owner: {held:?}"
    );
    for key in 0..40 {
        let message = message(INPUT, &format!("acme/{key}"), "x");
        logs.one.append(vec![message]).await.expect("appends");
    }
    both_until("all messages", &mut a, &mut b, |a, b| {
        a.count() + b.count() == 40
    })
    .await;
    for key in 0..40 {
        let partition = partition_of(format!("acme/{key}").as_bytes(), 4);
        let owner = if a.held.contains_key(&partition) {
            &a
        } else {
            &b
        };
        assert!(
            owner.fetched.contains_key(&partition),
            "the owner of {partition} fetched it"
        );
    }
    within("leaving", b.member.leave()).await;
    a.all_partitions().await;
}
