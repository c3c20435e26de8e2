//! The work that is interrupted.
use super::super::support::{message, options};
use super::{BEGIN, CRASH_AT, PATH};
use crate::{Embedded, Options};
use bytes::Bytes;
use events::TenantId;
use futures::stream::{self, StreamExt};
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Member, Message, Outgoing, Publication, Together,
};
use runtime::ports::search::{IndexedPassage, Revision};
use runtime::ports::state::{Row, Save};
use std::collections::BTreeMap;
use std::io::Write;

/// Passages of each revision.
pub(super) const PASSAGES: u32 = 150;
/// Bytes of each blob.
pub(super) const BLOB: usize = 700_000;

/// Says that something is durable.
fn say(what: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{what}")
        .and_then(|()| stdout.flush())
        .unwrap();
}

#[test]
fn the_child_works_until_it_is_killed() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let begin: Vec<u64> = std::env::var(BEGIN)
        .unwrap()
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    let crash_at = std::env::var(CRASH_AT)
        .ok()
        .map(|text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let file = Embedded::open(
            path,
            Options {
                crash_at,
                ..options()
            },
        )
        .unwrap();
        tokio::spawn(produce(file.clone(), begin[0]));
        tokio::spawn(store(file.clone(), begin[1]));
        tokio::spawn(index(file.clone(), begin[2]));
        consume(file).await;
    });
}

async fn produce(file: Embedded, begin: u64) {
    let log = file.log();
    for n in begin.. {
        let key = format!("acme/{}", n % 5);
        log.append(vec![message("input", &key, n.to_string())])
            .await
            .unwrap();
        say(&format!("message {n}"));
    }
}

pub(super) fn blob_content(n: u64) -> Vec<u8> {
    vec![n as u8; BLOB]
}

async fn store(file: Embedded, begin: u64) {
    let (blobs, acme) = (file.blobs(), TenantId::new("acme").unwrap());
    for n in begin.. {
        let content = stream::iter([Ok(Bytes::from(blob_content(n)))]).boxed();
        blobs
            .put(&acme, &n.to_string(), content, 1 << 30)
            .await
            .unwrap();
        say(&format!("blob {n}"));
    }
}

async fn index(file: Embedded, begin: u64) {
    let (search, acme) = (file.search(), TenantId::new("acme").unwrap());
    for n in begin.. {
        let revision = Revision {
            chatbot: "bot".into(),
            document: "doc".into(),
            name: "doc".into(),
            revision: format!("r{n}"),
        };
        let passage = |ordinal| IndexedPassage {
            ordinal,
            text: format!("zebra {n} {ordinal}"),
            heading: String::new(),
            page: None,
            vector: vec![1.0],
        };
        search
            .stage(&acme, &revision, (0..PASSAGES).map(passage).collect())
            .await
            .unwrap();
        search.publish(&acme, &revision, n as i64).await.unwrap();
        say(&format!("version {n}"));
    }
}

/// Counts messages per key in a row and passes each on, in one transaction with the checkpoint.
async fn consume(file: Embedded) {
    let joining = Joining {
        consumer: "c".into(),
        topic: "input".into(),
        from_first: true,
    };
    let member = file.log().join(joining).await.unwrap();
    loop {
        if let Happening::Fetched(lease, messages) = member.next().await.unwrap() {
            commit(&file, &*member, lease, messages).await;
        }
    }
}

async fn commit(file: &Embedded, member: &dyn Member, lease: Lease, messages: Vec<Message>) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for message in &messages {
        *counts
            .entry(String::from_utf8(message.key.to_vec()).unwrap())
            .or_default() += 1;
    }
    let ids: Vec<_> = counts.keys().cloned().collect();
    let rows = file.state().load("c", &ids).await.unwrap();
    let saves = counts.into_iter().zip(rows).map(|((id, more), row)| {
        let row = row.unwrap_or_default();
        let count = more
            + String::from_utf8(row.body)
                .unwrap()
                .parse::<u64>()
                .unwrap_or(0);
        let expected = row.version;
        let row = Row {
            version: expected + 1,
            partition: lease.partition,
            body: count.to_string().into(),
            ..Row::default()
        };
        Save {
            collection: "c".into(),
            id,
            expected,
            row: Some(row),
        }
    });
    let saves: Vec<_> = saves.collect();
    let watermark = messages.last().unwrap().at.offset + 1;
    let outgoing = messages.into_iter().map(|message| Outgoing {
        topic: "output".into(),
        partition: None,
        key: message.key,
        headers: message.headers,
        payload: message.payload,
    });
    let publication = Publication {
        outgoing: outgoing.map(Into::into).collect(),
        checkpoints: vec![(
            lease,
            Checkpoint {
                watermark,
                text: watermark.to_string(),
            },
        )],
    };
    let done = member
        .together(&saves, &publication)
        .unwrap()
        .await
        .unwrap();
    assert_eq!(done, Together::Done);
    say(&format!("watermark {} {watermark}", lease.partition));
}
