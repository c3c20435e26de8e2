//! The smallest worker: it copies its input, exactly once.
use super::{KafkaLog, within};
use futures::future::select_all;
use runtime::ports::log::{
    Checkpoint, Happening, Lease, Log, Member, Message, Outgoing, Publication, PublishError,
};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// Copies until it is told to stop, or has copied so many; then it does not leave.
pub(super) async fn copy(
    member: &dyn Member,
    to: &str,
    mut stop: watch::Receiver<bool>,
    enough: Option<usize>,
) {
    let mut copied = 0;
    while enough.is_none_or(|enough| copied < enough) {
        let happening = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            happening = member.next() => happening,
        };
        // An error is told once, and what is told next says how it went on.
        if let Ok(Happening::Fetched(lease, messages)) = happening
            && publish(member, &copies(lease, &messages, to)).await
        {
            copied += messages.len();
        }
    }
}

pub(super) fn copies(lease: Lease, messages: &[Message], to: &str) -> Publication {
    let outgoing = messages.iter().map(|message| Outgoing {
        topic: to.into(),
        partition: None,
        key: message.key.clone(),
        headers: message.headers.clone(),
        payload: message.payload.clone(),
    });
    let watermark = messages.last().map_or(0, |last| last.at.offset + 1);
    let text = format!("{watermark}");
    Publication {
        outgoing: outgoing.map(Into::into).collect(),
        checkpoints: vec![(lease, Checkpoint { watermark, text })],
    }
}

/// As the engine does it (K3): until it is known that it took place, or that a lease is over.
pub(super) async fn publish(member: &dyn Member, publication: &Publication) -> bool {
    let (lease, checkpoint) = &publication.checkpoints[0];
    let mut unsure = false;
    loop {
        let outcome = if unsure {
            match member.committed(*lease).await {
                Ok(committed) if committed.as_ref() == Some(checkpoint) => return true,
                Ok(_) => {
                    unsure = false;
                    continue;
                }
                Err(e) => Err(e),
            }
        } else {
            member.publish(publication.clone()).await
        };
        match outcome {
            Ok(()) => return true,
            Err(PublishError::Fenced(_)) => return false,
            Err(PublishError::Unknown(_)) => unsure = true,
            // The group is asked, so that nobody asks in vain without end.
            Err(PublishError::Port(_)) => {
                if let Err(PublishError::Fenced(_)) = member.committed(*lease).await {
                    return false;
                }
            }
            Err(PublishError::Refused { index, why }) => panic!("output {index}: {why}"),
        }
    }
}

/// From outside: nothing lost, nothing twice, order per key. `sent` is what each key was sent, in order.
pub(super) async fn check(log: &KafkaLog, topic: &str, sent: &BTreeMap<Vec<u8>, Vec<Vec<u8>>>) {
    let count: usize = sent.values().map(Vec::len).sum();
    let partitions = log.partitions(topic).expect("exists");
    let mut found: Vec<Vec<Message>> = vec![vec![]; usize::try_from(partitions).expect("some")];
    let next = |of: &Vec<Message>| of.last().map_or(0, |last| last.at.offset + 1);
    within("all copies", async {
        loop {
            for (partition, of) in (0..).zip(&mut found) {
                loop {
                    let more = log.read(topic, partition, next(of), 5_000).await;
                    let more = more.expect("reads");
                    if more.is_empty() {
                        break;
                    }
                    of.extend(more);
                }
            }
            if found.iter().map(Vec::len).sum::<usize>() >= count {
                return;
            }
            let growing = (0..).zip(&found);
            let growing = growing.map(|(partition, of)| log.grown(topic, partition, next(of)));
            select_all(growing).await.0.expect("grows");
        }
    })
    .await;
    let mut copied: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for message in found.into_iter().flatten() {
        copied
            .entry(message.key.to_vec())
            .or_default()
            .push(message.payload.to_vec());
    }
    for (key, sent) in sent {
        let copied = copied.remove(key).unwrap_or_default();
        assert_eq!(&copied, sent, "{}", String::from_utf8_lossy(key));
    }
    assert!(copied.is_empty(), "nothing that nobody sent");
}
