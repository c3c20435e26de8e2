//! One tenant beside another that has 20,000 documents brought in: how long a question and one document of its own take, and
//! how long when nobody else is there.
use crate::machine::Failed;
use crate::server::{Client, Server};
use crate::whole::document;
use futures::StreamExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Documents of the one tenant.
pub const LOUD: usize = 20_000;
/// Its uploads at once.
const UPLOADS: usize = 64;
/// So many of them are handed over before the other tenant begins.
const BEFORE: usize = 1_000;
/// Questions, and documents, of the other.
const EACH: usize = 50;
/// What it does before that counts.
const WARM_UP: usize = 10;
/// Bytes of a document.
const BYTES: usize = 4_000;

/// Milliseconds that each took.
#[derive(Debug, Default)]
pub struct Took {
    /// From a question to its answer.
    pub questions: Vec<f64>,
    /// From the upload of one document until it can be found.
    pub documents: Vec<f64>,
}

/// What was measured.
pub struct Fair {
    /// Nobody else was there.
    pub alone: Took,
    /// Beside [`LOUD`] documents of another tenant.
    pub beside: Took,
}

/// Alone first, then beside the other.
pub async fn measure(directory: &Path) -> Result<Fair, Failed> {
    let server = Server::start(directory)?;
    let quiet = server.quiet();
    let (chatbot, loud) = (quiet.chatbot("quiet").await?, server.chatbot("loud").await?);
    for n in 0..WARM_UP {
        both(&quiet, &chatbot, n, &mut Took::default()).await?;
    }
    let mut alone = Took::default();
    for n in 0..EACH {
        both(&quiet, &chatbot, WARM_UP + n, &mut alone).await?;
    }
    let (handed, uploader) = (Arc::new(AtomicUsize::new(0)), Client::clone(&server));
    let counted = handed.clone();
    let uploading = tokio::spawn(async move {
        let uploads = futures::stream::iter(0..LOUD).map(|n| {
            let (uploader, loud, counted) = (&uploader, &loud, &counted);
            async move {
                let (name, text) = (format!("station-{n}.md"), document(n, BYTES, 700));
                uploader.upload(loud, &name, text).await?;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<(), Failed>(())
            }
        });
        let mut uploads = uploads.buffer_unordered(UPLOADS);
        while let Some(uploaded) = uploads.next().await {
            uploaded?;
        }
        Ok::<(), Failed>(())
    });
    let begun = Instant::now();
    while handed.load(Ordering::Relaxed) < BEFORE {
        if begun.elapsed() > Duration::from_secs(60) || uploading.is_finished() {
            return Err("the other tenant's documents are not taken".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut beside = Took::default();
    for n in 0..EACH {
        both(&quiet, &chatbot, WARM_UP + EACH + n, &mut beside).await?;
    }
    let indexed = server.indexed().await?;
    if indexed >= LOUD as u64 {
        return Err("the other tenant was done before".into());
    }
    uploading.abort();
    Ok(Fair { alone, beside })
}

/// One document, and one question that it answers.
async fn both(quiet: &Client, chatbot: &str, n: usize, took: &mut Took) -> Result<(), Failed> {
    let begun = Instant::now();
    let text = document(n, BYTES, 700);
    quiet
        .ingest(chatbot, &format!("station-{n}.md"), text)
        .await?;
    took.documents.push(begun.elapsed().as_secs_f64() * 1e3);
    let asked = format!("In which shade is the beacon number 1 of station {n} painted?");
    let begun = Instant::now();
    quiet.ask(chatbot, &asked).await?;
    took.questions.push(begun.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
