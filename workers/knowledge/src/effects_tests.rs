use crate::embed_passages::EmbedPassages;
use crate::passages::Passage;
use crate::publish_revision::PublishRevision;
use crate::retire_document::RetireDocument;
use crate::shelf::Shelf;
use events::BlobRef;
use events::knowledge::{self, Embedded, Published, Retired};
use runtime::ports::providers::{Embedder, ModelError};
use runtime::testkit::handlers::{Given, given};
use runtime::{BoxFuture, Retry, Verdict, reply};
use std::sync::Arc;
use std::time::Duration;

/// Answers every call alike, whatever it is asked.
type Vectors = Result<Vec<Vec<f32>>, ModelError>;
struct Says(fn(&[String]) -> Vectors);
impl Embedder for Says {
    fn model(&self) -> &str {
        "test"
    }
    fn dimensions(&self) -> usize {
        2
    }
    fn similar_from(&self) -> Option<f32> {
        None
    }
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(std::future::ready(self.0(texts)))
    }
}
fn lengths(texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
    Ok(texts
        .iter()
        .map(|text| vec![3.0 * text.len() as f32, 4.0 * text.len() as f32])
        .collect())
}
fn endpoint() -> String {
    "model/test".into()
}

fn blob(count: u32) -> Vec<u8> {
    let passage = |ordinal| Passage {
        ordinal,
        text: "text".into(),
        headings: vec!["A".into(), "B".into()],
        page: Some(7),
    };
    serde_json::to_vec(&(0..count).map(passage).collect::<Vec<_>>()).expect("JSON")
}
fn asked() -> knowledge::EmbedPassages {
    let passages = BlobRef {
        id: "passages/d1".into(),
        ..BlobRef::default()
    };
    knowledge::EmbedPassages {
        document: "d1".into(),
        chatbot: "c1".into(),
        revision: "r1".into(),
        name: "n".into(),
        passages,
        count: 0,
    }
}
async fn embedding(shelf: &Arc<Shelf>, says: fn(&[String]) -> Vectors) -> Given<EmbedPassages> {
    given(EmbedPassages::with(Arc::new(Says(says))))
        .await
        .with_search(shelf.clone())
}
fn done(embedded: i64, stored: i64) -> Embedded {
    Embedded {
        document: "d1".into(),
        revision: "r1".into(),
        embedded,
        stored,
    }
}

#[tokio::test]
async fn passages_are_embedded_in_bounded_batches_and_staged_with_unit_vectors() {
    let shelf = Shelf::new();
    let given = embedding(&shelf, lengths)
        .await
        .with_blob("passages/d1", &blob(70));
    given.when(asked()).await.emits(reply(done(70, 70)));
    let kept = shelf.kept();
    assert_eq!(kept.batches, [32, 32, 6]);
    let first = &kept.passages[&("r1".to_owned(), 0)];
    assert_eq!(
        (first.heading.as_str(), first.page, first.vector.as_slice()),
        ("A › B", Some(7), &[0.6, 0.8][..])
    );
    assert_eq!(kept.published, None, "nobody finds them yet");
}

#[tokio::test]
async fn embedding_again_changes_nothing() {
    let shelf = Shelf::new();
    for _ in 0..2 {
        let given = embedding(&shelf, lengths)
            .await
            .with_blob("passages/d1", &blob(3));
        given.when(asked()).await.emits(reply(done(3, 3)));
    }
}

#[tokio::test]
async fn a_document_without_passages_is_staged_empty() {
    let shelf = Shelf::new();
    embedding(&shelf, lengths)
        .await
        .with_blob("passages/d1", b"[]")
        .when(asked())
        .await
        .emits(reply(done(0, 0)));
    assert_eq!(shelf.kept().batches, [0]);
}

#[tokio::test]
async fn unreadable_passages_are_a_dead_letter_and_missing_ones_are_tried_again() {
    let shelf = Shelf::new();
    let given = embedding(&shelf, lengths)
        .await
        .with_blob("passages/d1", b"[{]");
    given
        .when(asked())
        .await
        .fails(Verdict::DeadLetter("knowledge.passages_unreadable"));
    embedding(&shelf, lengths)
        .await
        .when(asked())
        .await
        .fails(Verdict::Retry(Retry::Backoff));
    let unreachable = embedding(&shelf, lengths).await.with_blobs_unreachable();
    unreachable
        .when(asked())
        .await
        .fails(Verdict::Retry(Retry::WhenUp("blobs".into())));
}

#[tokio::test]
async fn an_embedder_that_is_down_is_waited_for_and_one_that_is_busy_too() {
    let shelf = Shelf::new();
    let down = |_: &[String]| {
        Err(ModelError::Unavailable {
            endpoint: endpoint(),
            why: "hangs".into(),
        })
    };
    let given = embedding(&shelf, down)
        .await
        .with_blob("passages/d1", &blob(1));
    given
        .when(asked())
        .await
        .fails(Verdict::Retry(Retry::WhenUp("model/test".into())));
    let busy = |_: &[String]| {
        Err(ModelError::Busy {
            endpoint: endpoint(),
            wait: Duration::from_secs(7),
        })
    };
    let given = embedding(&shelf, busy)
        .await
        .with_blob("passages/d1", &blob(1));
    given
        .when(asked())
        .await
        .fails(Verdict::Retry(Retry::After(Duration::from_secs(7))));
    let refuses = |_: &[String]| {
        Err(ModelError::Refused {
            endpoint: endpoint(),
            why: "wrong key".into(),
        })
    };
    let given = embedding(&shelf, refuses)
        .await
        .with_blob("passages/d1", &blob(1));
    given
        .when(asked())
        .await
        .fails(Verdict::DeadLetter("knowledge.embedder_refused"));
}

#[tokio::test]
async fn vectors_that_cannot_be_used_are_never_staged() {
    let too_few = |_: &[String]| Ok(vec![]);
    let too_long = |texts: &[String]| Ok(vec![vec![1.0; 3]; texts.len()]);
    let no_length = |texts: &[String]| Ok(vec![vec![0.0; 2]; texts.len()]);
    let no_number = |texts: &[String]| Ok(vec![vec![f32::NAN; 2]; texts.len()]);
    for says in [too_few, too_long, no_length, no_number] {
        let shelf = Shelf::new();
        let given = embedding(&shelf, says)
            .await
            .with_blob("passages/d1", &blob(1));
        given
            .when(asked())
            .await
            .fails(Verdict::Retry(Retry::Backoff));
        assert!(shelf.kept().passages.is_empty());
    }
}

#[tokio::test]
async fn publishing_counts_by_looking_and_again_says_the_same() {
    let shelf = Shelf::new();
    embedding(&shelf, lengths)
        .await
        .with_blob("passages/d1", &blob(4))
        .when(asked())
        .await
        .emits(reply(done(4, 4)));
    let publish = knowledge::PublishRevision {
        document: "d1".into(),
        chatbot: "c1".into(),
        revision: "r1".into(),
        version: 1,
    };
    let published = Published {
        document: "d1".into(),
        revision: "r1".into(),
        version: 1,
        retrievable: 4,
    };
    for _ in 0..2 {
        let given = given(PublishRevision).await.with_search(shelf.clone());
        given
            .when(publish.clone())
            .await
            .emits(reply(published.clone()));
    }
}

#[tokio::test]
async fn a_retired_document_is_looked_for_and_an_old_retirement_changes_nothing() {
    let shelf = Shelf::new();
    embedding(&shelf, lengths)
        .await
        .with_blob("passages/d1", &blob(4))
        .when(asked())
        .await
        .emits(reply(done(4, 4)));
    (shelf.kept().published, shelf.kept().version) = (Some("r1".into()), 5);
    let retire = |version| knowledge::RetireDocument {
        document: "d1".into(),
        chatbot: "c1".into(),
        version,
    };
    let retired = |version, remaining| {
        reply(Retired {
            document: "d1".into(),
            version,
            remaining,
        })
    };
    given(RetireDocument)
        .await
        .with_search(shelf.clone())
        .when(retire(5))
        .await
        .emits(retired(5, 4));
    given(RetireDocument)
        .await
        .with_search(shelf.clone())
        .when(retire(6))
        .await
        .emits(retired(6, 0));
}

#[tokio::test]
async fn an_index_that_does_not_answer_is_waited_for() {
    let publish = knowledge::PublishRevision::default();
    given(PublishRevision)
        .await
        .when(publish)
        .await
        .fails(Verdict::Retry(Retry::WhenUp("search".into())));
    let retire = knowledge::RetireDocument::default();
    given(RetireDocument)
        .await
        .when(retire)
        .await
        .fails(Verdict::Retry(Retry::WhenUp("search".into())));
}
