use super::support::temporary;
use events::Headers;
use runtime::ports::log::{Checkpoint, Happening, Joining, Outgoing, Publication};

#[tokio::test]
async fn a_message_is_appended_fetched_and_published_on() {
    let file = temporary();
    let log = file.embedded.log();
    let joining = Joining {
        consumer: "c".into(),
        topic: "input".into(),
        from_first: true,
    };
    let member = log.join(joining).await.unwrap();
    let mut leases = vec![];
    for _ in 0..4 {
        let Happening::Assigned {
            lease,
            checkpoint: None,
            ..
        } = member.next().await.unwrap()
        else {
            panic!()
        };
        leases.push(lease);
    }
    let outgoing = |topic: &str| Outgoing {
        topic: topic.into(),
        partition: None,
        key: b"acme/1".to_vec(),
        headers: Headers::default(),
        payload: b"x".to_vec(),
    };
    let at = log.append(vec![outgoing("input")]).await.unwrap().remove(0);
    let Happening::Fetched(lease, messages) = member.next().await.unwrap() else {
        panic!()
    };
    assert_eq!(messages[0].at, at);
    let checkpoint = Checkpoint {
        watermark: at.offset + 1,
        text: "t".into(),
    };
    let publication = Publication {
        outgoing: vec![outgoing("output")],
        checkpoints: vec![(lease, checkpoint.clone())],
    };
    member.publish(publication).await.unwrap();
    assert_eq!(member.committed(lease).await.unwrap(), Some(checkpoint));
    assert_eq!(
        file.embedded.topics().await.unwrap()[1]
            .partitions
            .iter()
            .map(|p| p.end)
            .sum::<i64>(),
        1
    );
}
