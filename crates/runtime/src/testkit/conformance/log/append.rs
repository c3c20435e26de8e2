//! Topics, appending, reading.
use super::{
    INPUT, Logs, MAX_MESSAGE_BYTES, OUTPUT, TOPICS, end, message, placed, read_all, within,
};
use events::Headers;
use events::id::partition_of;
use futures::FutureExt;
use std::sync::Arc;

/// # Panics
/// If the law is broken.
pub async fn a_topic_says_how_many_partitions_it_has_and_what_it_takes(logs: Logs) {
    for log in [&logs.one, &logs.other] {
        for (topic, partitions) in TOPICS {
            assert_eq!(log.partitions(topic), Some(partitions), "{topic}");
            assert_eq!(log.max_message_bytes(topic), MAX_MESSAGE_BYTES, "{topic}");
        }
        assert_eq!(log.partitions("conformance.absent"), None);
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_message_comes_back_as_it_was_appended(logs: Logs) {
    let headers = Headers(vec![
        ("ce_id".into(), b"1".to_vec()),
        ("x-own".into(), vec![0, 255, 10]),
        ("ce_id".into(), b"again".to_vec()),
        ("empty".into(), vec![]),
    ]);
    let mut whole = message(INPUT, "acme/1", vec![0, 1, 2, 255]);
    whole.headers = headers.clone();
    let largest = message(INPUT, "acme/2", vec![7; MAX_MESSAGE_BYTES - 100]);
    let bare = message(INPUT, "acme/3", vec![]);
    let sent = [whole, largest, bare];
    let places = logs.one.append(sent.to_vec()).await.expect("appends");
    assert_eq!(places.len(), sent.len(), "a place for each");
    for (place, sent) in places.iter().zip(&sent) {
        let read = logs
            .other
            .read(INPUT, place.partition, place.offset, 1)
            .await
            .expect("reads");
        let [found] = read.as_slice() else {
            panic!("one message at {place:?}: {read:?}")
        };
        assert_eq!(&found.at, place);
        assert_eq!(&*found.at.topic, INPUT);
        assert_eq!(
            (&found.key, &found.headers, &found.payload),
            (&sent.key, &sent.headers, &sent.payload)
        );
        assert!(found.timestamp_ms > 0, "it says when it was appended");
    }
}

/// # Panics
/// If the law is broken.
pub async fn messages_of_a_key_share_a_partition_in_order(logs: Logs) {
    for round in 0..3u8 {
        for key in ["acme/a", "acme/b", "acme/c", "other/a"] {
            let places = logs
                .one
                .append(
                    (0..5)
                        .map(|n| message(INPUT, key, vec![round, n]))
                        .collect(),
                )
                .await
                .expect("appends");
            let wanted = partition_of(key.as_bytes(), 4);
            assert!(
                places.iter().all(|place| place.partition == wanted),
                "murmur2: {key} in {wanted}"
            );
            assert!(
                places.is_sorted_by(|a, b| a.offset < b.offset),
                "in their order: {places:?}"
            );
        }
    }
    for key in ["acme/a", "acme/b", "acme/c", "other/a"] {
        let all = read_all(&logs.other, INPUT, partition_of(key.as_bytes(), 4)).await;
        let of_key = all
            .into_iter()
            .filter(|message| message.key == key.as_bytes());
        let found: Vec<_> = of_key.map(|message| message.payload).collect();
        let wanted: Vec<_> = (0..3)
            .flat_map(|round| (0..5).map(move |n| vec![round, n]))
            .collect();
        assert_eq!(found, wanted, "{key}");
    }
}

/// # Panics
/// If the law is broken.
pub async fn a_given_partition_wins_over_the_key(logs: Logs) {
    let mut keyless = placed(OUTPUT, 1, "keyless");
    keyless.key = vec![].into();
    for partition in [0, 1] {
        let places = logs
            .one
            .append(vec![placed(OUTPUT, partition, "x")])
            .await
            .expect("appends");
        assert_eq!(places[0].partition, partition);
    }
    let places = logs.one.append(vec![keyless]).await.expect("appends");
    let read = logs
        .one
        .read(OUTPUT, 1, places[0].offset, 10)
        .await
        .expect("reads");
    assert_eq!(read[0].key, "");
}

/// # Panics
/// If the law is broken.
pub async fn read_starts_at_the_offset_and_keeps_the_limit(logs: Logs) {
    assert_eq!(
        logs.one.read(INPUT, 2, 0, 10).await,
        Ok(vec![]),
        "nothing yet"
    );
    let start = end(&logs.one, INPUT, 2).await;
    let sent = (0..20u8).map(|n| placed(INPUT, 2, vec![n])).collect();
    let places = logs.one.append(sent).await.expect("appends");
    assert_eq!(
        places[0].offset, start,
        "the end is where the next message goes"
    );
    assert!(
        end(&logs.other, INPUT, 2).await > places[19].offset,
        "the end is after the last message"
    );
    let middle = logs
        .one
        .read(INPUT, 2, places[5].offset, 3)
        .await
        .expect("reads");
    let found: Vec<_> = middle.into_iter().map(|message| message.payload).collect();
    assert_eq!(found, [&[5][..], &[6], &[7]]);
    let after = end(&logs.one, INPUT, 2).await;
    assert_eq!(
        logs.one.read(INPUT, 2, after, 10).await,
        Ok(vec![]),
        "nothing after the end"
    );
    assert_eq!(
        end(&logs.one, INPUT, 1).await,
        0,
        "other partitions are as they were"
    );
}

/// # Panics
/// If the law is broken.
pub async fn grown_returns_when_there_is_something(logs: Logs) {
    let start = end(&logs.one, OUTPUT, 0).await;
    let mut growing = logs.one.grown(OUTPUT, 0, start);
    assert!(
        (&mut growing).now_or_never().is_none(),
        "there is nothing yet"
    );
    logs.other
        .append(vec![placed(OUTPUT, 1, "elsewhere")])
        .await
        .expect("appends");
    let places = logs
        .other
        .append(vec![placed(OUTPUT, 0, "here")])
        .await
        .expect("appends");
    within("growth", growing).await.expect("grows");
    within("what is there", logs.one.grown(OUTPUT, 0, start))
        .await
        .expect("grows");
    // One that is dropped takes nothing with it.
    let after = places[0].offset + 1;
    assert!(
        logs.one.grown(OUTPUT, 0, after).now_or_never().is_none(),
        "no more yet"
    );
    logs.one
        .append(vec![placed(OUTPUT, 0, "more")])
        .await
        .expect("appends");
    within("more", logs.one.grown(OUTPUT, 0, after))
        .await
        .expect("grows");
}

/// # Panics
/// If the law is broken.
pub async fn appends_at_the_same_time_lose_nothing(logs: Logs) {
    let writers = (0..8u8).map(|writer| {
        let log = Arc::clone(if writer % 2 == 0 {
            &logs.one
        } else {
            &logs.other
        });
        async move {
            for n in 0..20u8 {
                log.append(vec![placed(INPUT, 0, vec![writer, n])])
                    .await
                    .expect("appends");
            }
        }
    });
    within("all writers", futures::future::join_all(writers)).await;
    let found = read_all(&logs.one, INPUT, 0).await;
    assert_eq!(found.len(), 160);
    for writer in 0..8 {
        let of_writer = found.iter().filter(|message| message.payload[0] == writer);
        let order: Vec<_> = of_writer.map(|message| message.payload[1]).collect();
        assert_eq!(
            order,
            (0..20).collect::<Vec<_>>(),
            "writer {writer} in its order"
        );
    }
}
