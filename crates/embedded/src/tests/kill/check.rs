//! What must hold of the file after the end of a process, whenever that was.
use super::super::support::{Place, read_all};
use super::child::{PASSAGES, blob_content};
use events::TenantId;
use futures::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What the child said was durable.
#[derive(Default)]
pub(super) struct Acknowledged {
    messages: Vec<u64>,
    blobs: Vec<u64>,
    version: u64,
    watermarks: BTreeMap<i32, i64>,
}

impl Acknowledged {
    /// Takes in a line; says whether it was one of ours.
    pub(super) fn note(&mut self, line: &str) -> bool {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["message", n] => self.messages.push(n.parse().unwrap()),
            ["blob", n] => self.blobs.push(n.parse().unwrap()),
            ["version", n] => self.version = n.parse().unwrap(),
            ["watermark", partition, n] => {
                self.watermarks
                    .insert(partition.parse().unwrap(), n.parse().unwrap());
            }
            _ => return false,
        }
        true
    }
}

/// Where the next child goes on.
pub(super) struct Found {
    pub message: u64,
    blob: u64,
    version: u64,
}
impl Default for Found {
    fn default() -> Self {
        Self {
            message: 0,
            blob: 0,
            version: 1,
        }
    }
}
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.message, self.blob, self.version)
    }
}

/// Opens the file, as the next process would, and looks.
pub(super) async fn check(place: &Place, said: &Acknowledged, when: &str) -> Found {
    let file = place.open();
    let log = file.log();

    let mut inputs: BTreeSet<u64> = BTreeSet::new();
    let mut done: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    let checkpoints = file.checkpoints().await.unwrap();
    for partition in 0..4 {
        let watermark = checkpoints
            .iter()
            .find(|info| info.partition == partition)
            .map(|info| &info.checkpoint);
        let below = watermark.map_or(0, |checkpoint| checkpoint.watermark);
        assert!(
            watermark.is_none_or(|checkpoint| checkpoint.text == below.to_string()),
            "{when}"
        );
        let least = said.watermarks.get(&partition).copied().unwrap_or(0);
        assert!(
            below >= least,
            "{when}: partition {partition} was at {least}, is at {below}"
        );
        for message in read_all(&log, "input", partition).await {
            let n = String::from_utf8(message.payload.to_vec())
                .unwrap()
                .parse()
                .unwrap();
            assert!(inputs.insert(n), "{when}: message {n} is there twice");
            if message.at.offset < below {
                done.entry(message.key.to_vec())
                    .or_default()
                    .push(message.payload.to_vec());
            }
        }
    }
    for n in &said.messages {
        assert!(
            inputs.contains(n),
            "{when}: message {n} was acknowledged and is not there"
        );
    }

    let mut outputs: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for partition in 0..2 {
        for message in read_all(&log, "output", partition).await {
            outputs
                .entry(message.key.to_vec())
                .or_default()
                .push(message.payload.to_vec());
        }
    }
    assert_eq!(
        outputs, done,
        "{when}: what is done is emitted, once and in order"
    );
    let rows = file.state().scan("c", "", "", 100).await.unwrap();
    let counts: BTreeMap<Vec<u8>, usize> = rows
        .into_iter()
        .map(|(id, row)| {
            (
                id.into_bytes(),
                String::from_utf8(row.body).unwrap().parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        counts,
        done.iter()
            .map(|(key, all)| (key.clone(), all.len()))
            .collect(),
        "{when}: the state agrees"
    );

    let (acme, blobs) = (TenantId::new("acme").unwrap(), file.blobs());
    let listed: BTreeSet<u64> = blobs
        .list(&acme, "", "", 10_000)
        .await
        .unwrap()
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    for n in &said.blobs {
        assert!(
            listed.contains(n),
            "{when}: blob {n} was acknowledged and is not there"
        );
    }
    if let Some(last) = listed.last() {
        let mut content = blobs.get(&acme, &last.to_string()).await.unwrap();
        let mut all = vec![];
        while let Some(part) = content.next().await {
            all.extend_from_slice(&part.unwrap());
        }
        assert!(all == blob_content(*last), "{when}: blob {last} is whole");
    }
    let rests: i64 = place
        .sql()
        .query_row(
            "SELECT (SELECT count(*) FROM blob_rests) + (SELECT count(*) FROM blob_chunks
               WHERE place / 1048576 NOT IN (SELECT blob FROM blobs))",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rests, 0, "{when}: no chunk is left of what is not whole");

    let version = found_version(&file, said, when).await;
    Found {
        message: inputs.last().map_or(0, |n| n + 1),
        blob: listed.last().map_or(0, |n| n + 1),
        version,
    }
}

/// Exactly one whole revision is found, and none before one that was acknowledged.
async fn found_version(file: &crate::Embedded, said: &Acknowledged, when: &str) -> u64 {
    let (search, acme) = (file.search(), TenantId::new("acme").unwrap());
    let query = runtime::ports::search::Query {
        chatbot: "bot".into(),
        text: "zebra".into(),
        vector: vec![],
        limit: 1_000,
    };
    let hits = search.query(&acme, &query).await.unwrap();
    let Some(first) = hits.first() else {
        assert_eq!(
            said.version, 0,
            "{when}: a version was acknowledged and nothing is found"
        );
        return 1;
    };
    assert_eq!(hits.len(), PASSAGES as usize, "{when}: all of a revision");
    assert!(
        hits.iter().all(|hit| hit.revision == first.revision),
        "{when}: and of no other"
    );
    let version: u64 = first.revision[1..].parse().unwrap();
    assert!(
        version >= said.version,
        "{when}: version {} was acknowledged",
        said.version
    );
    assert_eq!(
        search.count_chatbot(&acme, "bot").await,
        Ok(PASSAGES.into()),
        "{when}"
    );
    version + 1
}
