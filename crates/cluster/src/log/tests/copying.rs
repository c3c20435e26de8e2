//! The smallest worker: it copies its input, exactly once.
use super::{KafkaLog, all_of, within};
use runtime::ports::log::{
    Checkpoint, Happening, Lease, Log, Member, Message, Outgoing, Publication, PublishError,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;

/// After something that will pass.
const PAUSE: Duration = Duration::from_millis(20);

/// Copies until it is told to stop; then it does not leave.
pub(super) async fn copy(member: &dyn Member, to: &str, mut stop: watch::Receiver<bool>) {
    loop {
        let happening = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            happening = member.next() => happening,
        };
        match happening {
            Ok(Happening::Fetched(lease, messages)) => {
                publish(member, &copies(lease, &messages, to)).await;
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

pub(super) fn copies(lease: Lease, messages: &[Message], to: &str) -> Publication {
    let outgoing = messages.iter().map(|message| Outgoing {
        topic: to.to_owned(),
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
            Err(PublishError::Port(_)) => tokio::time::sleep(PAUSE).await,
            Err(PublishError::Refused { index, why }) => panic!("output {index}: {why}"),
        }
    }
}

/// From outside: nothing lost, nothing twice, order per key. `sent` is what each key was sent, in order.
pub(super) async fn check(log: &KafkaLog, topic: &str, sent: &BTreeMap<Vec<u8>, Vec<Vec<u8>>>) {
    let count: usize = sent.values().map(Vec::len).sum();
    let partitions = log.partitions(topic).expect("exists");
    let mut found = vec![];
    within("all copies", async {
        while found.len() < count {
            tokio::time::sleep(PAUSE).await;
            found.clear();
            for partition in 0..partitions {
                found.extend(all_of(log, topic, partition).await);
            }
        }
    })
    .await;
    let mut copied: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for message in found {
        copied.entry(message.key).or_default().push(message.payload);
    }
    for (key, sent) in sent {
        let copied = copied.remove(key).unwrap_or_default();
        assert_eq!(&copied, sent, "{}", String::from_utf8_lossy(key));
    }
    assert!(copied.is_empty(), "nothing that nobody sent");
}
