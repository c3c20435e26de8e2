//! The whole, as its users meet it: documents in, questions answered, idle.
use crate::machine::{Failed, WallClock};
use crate::server::Server;
use futures::StreamExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Documents in one chatbot.
const PER_CHATBOT: usize = 1_000;
/// Uploads at once.
const UPLOADS: usize = 16;
/// Words from which texts are made.
const WORDS: [&str; 48] = [
    "anchor", "basin", "cable", "dredge", "engine", "ferry", "gauge", "harbour", "inlet", "jetty",
    "keel", "lantern", "mooring", "night", "oyster", "pilot", "quay", "rudder", "signal", "tide",
    "upstream", "vessel", "winch", "yard", "barge", "current", "depth", "estuary", "fender",
    "gate", "hull", "island", "junction", "knot", "lock", "marker", "net", "oar", "port", "range",
    "sluice", "tow", "vane", "wharf", "ballast", "channel", "dock", "ebb",
];

/// A sentence that only document `n` has, and only in paragraph `p`.
fn unique(n: usize, p: usize) -> String {
    format!(
        "The beacon number {} of station {n} is painted in shade {}.",
        p + 1,
        n * 31 + p * 7
    )
}

/// A Markdown document of about `bytes` bytes, the same for the same `n`.
pub(crate) fn document(n: usize, bytes: usize, paragraph: usize) -> String {
    let mut text = format!("# Station {n}\n\n");
    let (mut seed, mut p) = (n as u64 * 2_654_435_761 + 1, 0);
    while text.len() < bytes {
        text.push_str(&unique(n, p));
        let until = text.len() + paragraph;
        while text.len() < until {
            text.push_str(" The");
            for _ in 0..9 {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                text.push(' ');
                text.push_str(WORDS[(seed >> 33) as usize % WORDS.len()]);
            }
            text.push('.');
        }
        p += 1;
        text.push_str(&format!("\n\n## Section {p}\n\n"));
    }
    text
}

/// Ingests `documents` of 4 KB; documents a second from the first upload until the last is in the index.
pub async fn ingest(server: &Server, documents: usize) -> Result<f64, Failed> {
    let mut chatbots = vec![];
    for n in 0..documents.div_ceil(PER_CHATBOT) {
        chatbots.push(server.chatbot(&format!("bench {n}")).await?);
    }
    let begun = Instant::now();
    let uploads = futures::stream::iter(0..documents).map(|n| {
        let chatbot = &chatbots[n / PER_CHATBOT];
        async move {
            server
                .upload(chatbot, &format!("station-{n}.md"), document(n, 4_000, 700))
                .await
        }
    });
    let mut uploads = uploads.buffer_unordered(UPLOADS);
    while let Some(uploaded) = uploads.next().await {
        uploaded?;
    }
    while server.indexed().await? < documents as u64 {
        if begun.elapsed() > Duration::from_secs(240) {
            return Err(format!(
                "{} of {documents} indexed after 240 s",
                server.indexed().await?
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(documents as f64 / begun.elapsed().as_secs_f64())
}

/// Questions that were asked.
pub struct Asked {
    /// Milliseconds from each to its answer.
    pub times: Vec<f64>,
    /// How many were answered with the very sentence that was asked for.
    pub right: usize,
}

/// Questions over HTTP, with at least 10,000 passages indexed. Each asks for a sentence that stands in one of them.
pub async fn questions(directory: &Path, ask: usize) -> Result<Asked, Failed> {
    let server = Server::start(directory)?;
    let chatbot = server.chatbot("bench").await?;
    let (documents, per_document) = (100, 105);
    for n in 0..documents {
        server
            .upload(
                &chatbot,
                &format!("station-{n}.md"),
                document(n, per_document * 800, 700),
            )
            .await?;
    }
    let begun = Instant::now();
    while server.indexed().await? < documents as u64 {
        if begun.elapsed() > Duration::from_secs(120) {
            return Err("the passages were not indexed within 120 s".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut times, mut right) = (vec![], 0);
    for n in 0..ask + 10 {
        let (station, beacon) = (n * 7 % documents, n % 90);
        let text = format!(
            "In which shade is the beacon number {} of station {station} painted?",
            beacon + 1
        );
        let begun = Instant::now();
        let answer = server.ask(&chatbot, &text).await?;
        if n >= 10 {
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            let said = answer["answer"].as_str().unwrap_or_default();
            right += usize::from(said.contains(&unique(station, beacon)));
        }
    }
    Ok(Asked { times, right })
}

/// Events and commands in the log of a database that nobody has open.
pub async fn events(directory: &Path) -> Result<i64, Failed> {
    let options = embedded::Options::new(std::sync::Arc::new(WallClock), vec![]);
    let file = embedded::Embedded::open_readonly(directory.join("troupe.db"), options)?;
    let topics = file.topics().await?;
    let partitions = topics.iter().flat_map(|topic| &topic.partitions);
    Ok(partitions.map(|at| at.end - at.start).sum())
}

/// Idle: MiB resident, and the share of a core over `period`, in percent.
pub async fn idle(server: &Server, period: Duration) -> Result<(f64, f64), Failed> {
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (before, begun) = (server.cpu()?, Instant::now());
    tokio::time::sleep(period).await;
    let share = 100.0 * (server.cpu()? - before) / begun.elapsed().as_secs_f64();
    Ok((server.memory()?.0, share))
}
