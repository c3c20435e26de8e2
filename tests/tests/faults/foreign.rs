//! Messages on an inbox that upstream systems should not have written.
use super::world::World;
use super::{note, until};
use app::Roles;
use events::documents::{AddDocument, DocumentUploaded};
use events::envelope::name;
use events::id::partition_of;
use events::record::Record;
use events::{BlobRef, Headers, topic};
use runtime::PortError;
use runtime::dead_letters::Letter;
use runtime::ports::log::{Outgoing, Position};
use serde_json::Value;

/// What upstream says of a file that is in the store.
fn said(document: &str, blob: &Value) -> DocumentUploaded {
    let text = |name: &str| blob[name].as_str().expect("a reference").to_owned();
    DocumentUploaded {
        document: document.into(),
        chatbot: "bot".into(),
        revision: String::new(),
        name: "note.md".into(),
        media_type: "text/markdown".into(),
        blob: BlobRef {
            id: text("id"),
            size: blob["size"].as_i64().expect("a size"),
            sha256: text("sha256"),
        },
    }
}

impl World {
    fn framed<R: Record>(&self, record: &R) -> Vec<u8> {
        let schema = R::schema();
        let datum = schema.encode(record).expect("it can be said");
        self.app()
            .ports()
            .schemas
            .frame(schema.name, &datum)
            .expect("it is ours")
    }
    async fn append(&self, message: Outgoing) -> Result<Position, PortError> {
        let places = self.app().ports().log.append(vec![message]).await?;
        Ok(places.into_iter().next().expect("a place"))
    }
    /// How often a document was told of an upload.
    async fn told(&self, document: &str) -> usize {
        let log = &self.app().ports().log;
        let (key, mut told) = (format!("acme/{document}").into_bytes(), 0);
        for partition in 0..log
            .partitions(topic::DOCUMENTS_DOCUMENT)
            .expect("it is there")
        {
            let read = log
                .read(topic::DOCUMENTS_DOCUMENT, partition, 0, 10_000)
                .await;
            let record = AddDocument::schema().name.as_bytes();
            let is_told = |headers: &Headers| headers.get(name::TYPE) == Some(record);
            let messages = read.expect("readable").into_iter();
            told += messages
                .filter(|m| m.key == key && is_told(&m.headers))
                .count();
        }
        told
    }
}

/// As an upstream system writes it, with whatever headers.
fn message(document: &str, headers: &[(&str, &str)], payload: Vec<u8>) -> Outgoing {
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
    Outgoing {
        topic: topic::INBOX_DOCUMENT_UPLOADED.into(),
        partition: None,
        key: format!("acme/{document}").into_bytes().into(),
        headers: Headers(headers.collect()),
        payload: payload.into(),
    }
}

/// Ids that share a partition of the inbox, so that each message stands behind those before it.
fn in_one_partition() -> impl Iterator<Item = String> {
    let ids = (0..).map(|n| format!("crm-{n}"));
    ids.filter(|id| partition_of(format!("acme/{id}").as_bytes(), 4) == 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_belong_on_an_inbox_is_a_dead_letter_and_what_follows_flows() {
    let mut world = World::new().await;
    let blob = world
        .acme()
        .put_blob(note(1, 1, 2, 0))
        .await
        .expect(201)
        .body;
    let mut ids = in_one_partition();
    let mut next = || ids.next().expect("there are more");
    let id = |id: &'static str| [(name::ID, id), (name::SOURCE, "crm")];
    let payload = world.framed(&said("crm", &blob));

    let mut cut = payload.clone();
    cut.truncate(payload.len() - 3);
    let unknown = [&[0, 0, 15, 66, 64], &payload[5..]].concat();
    let elsewhere = world.framed(&AddDocument::default());
    let large = [payload.clone(), vec![0; 280 << 10]].concat();
    let globex = [
        (name::TENANT, "globex"),
        (name::ID, "e1"),
        (name::SOURCE, "crm"),
    ];
    let partition = Some(0);
    let bad = [
        (
            message(&next(), &globex, payload.clone()),
            "runtime.tenant_mismatch",
            "globex",
        ),
        (
            message(&next(), &id("e2"), [&payload[..], b"x"].concat()),
            "runtime.undecodable",
            "1 byte",
        ),
        (message(&next(), &id("e3"), cut), "runtime.undecodable", ""),
        (
            message(&next(), &id("e4"), unknown),
            "runtime.unknown_schema",
            "schema 1000000",
        ),
        (
            message(&next(), &id("e5"), b"{\"document\": 1}".to_vec()),
            "runtime.unknown_schema",
            "framing",
        ),
        (
            message(&next(), &id("e6"), vec![]),
            "runtime.unknown_schema",
            "empty",
        ),
        (
            message(&next(), &id("e7"), elsewhere),
            "runtime.unknown_schema",
            "does not belong on this inbox",
        ),
        (
            message(&next(), &id("e8"), large),
            "runtime.too_large",
            "262144 are allowed",
        ),
        (
            Outgoing {
                key: b"no-tenant".to_vec().into(),
                partition,
                ..message("", &id("e9"), payload.clone())
            },
            "runtime.invalid_key",
            "",
        ),
        (
            Outgoing {
                key: b"acme/UPPER".to_vec().into(),
                partition,
                ..message("", &id("e10"), payload.clone())
            },
            "runtime.invalid_key",
            "",
        ),
        (
            Outgoing {
                key: vec![0xff].into(),
                partition,
                ..message("", &id("e11"), payload.clone())
            },
            "runtime.invalid_key",
            "not text",
        ),
        (
            message(
                &next(),
                &[("reply-to", "documents.document"), (name::ID, "e12")],
                payload.clone(),
            ),
            "runtime.invalid_reply_to",
            "documents.document",
        ),
        (
            message(&next(), &id("e13"), world.framed(&said("Not An Id", &blob))),
            "documents.invalid_upload",
            "document:",
        ),
    ];
    let mut expected = vec![];
    for (message, code, why) in bad {
        let (key, payload) = (message.key.clone(), message.payload.clone());
        let at = world.append(message).await.expect("the log takes it");
        assert_eq!(at.partition, 0);
        expected.push((at, key, payload, code, why));
    }
    // 2 MB do not even come onto the log, whoever writes them.
    let huge = world
        .append(message(&next(), &id("e14"), vec![0; 2 << 20]))
        .await;
    let why = huge.expect_err("too large for the log").to_string();
    assert!(
        why.contains("inbox.document.uploaded") && why.contains("bytes is more than"),
        "{why}"
    );

    // Right behind them in the same partition: one without an id, and one that comes twice.
    let (nameless, twice) = (next(), next());
    world
        .append(message(
            &nameless,
            &[],
            world.framed(&said(&nameless, &blob)),
        ))
        .await
        .expect("taken");
    for _ in 0..2 {
        let repeated = message(&twice, &id("e15"), world.framed(&said(&twice, &blob)));
        world.append(repeated).await.expect("taken");
    }
    let acme = world.acme();
    for document in [&nameless, &twice] {
        acme.listed("bot", document, "ready").await;
    }
    let border = events::topic::consumer::DOCUMENTS_BORDER;
    until("the border has seen all", || async {
        (world.figures(border).repeated == 1).then_some(())
    })
    .await;

    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), expected.len(), "{letters:#?}");
    for (at, key, payload, code, why) in expected {
        let place = |l: &&Letter| l.was.as_ref().is_some_and(|was| was.offset == at.offset);
        let letter = letters.iter().find(place).expect("it is a dead letter");
        assert_eq!(
            (letter.consumer.as_str(), letter.code.as_str()),
            (border, code),
            "{letter:?}"
        );
        assert!(
            letter.message.contains(why) && !letter.message.is_empty(),
            "{letter:?}"
        );
        assert_eq!(letter.attempts, 0, "it will not go better: {letter:?}");
        assert_eq!(letter.key, String::from_utf8_lossy(&key));
        let stands = &letter.place;
        let log = &world.app().ports().log;
        let kept = log
            .read(&stands.topic, stands.partition, stands.offset, 1)
            .await
            .expect("readable");
        assert!(
            kept[0].payload == payload,
            "{code}: the message is kept as it was"
        );
    }
    let listed: Vec<_> = acme.documents("bot").await;
    assert_eq!(listed.len(), 2, "nothing became of the others: {listed:?}");

    // Once, whether the process starts again or not.
    world.stop().await;
    world.start(&Roles::all()).await;
    world
        .acme()
        .upload("bot", "later.md", note(2, 1, 1, 0))
        .await
        .expect(201);
    for document in [&nameless, &twice] {
        assert_eq!(world.told(document).await, 1, "{document}");
    }
    assert_eq!(world.dead_letters().await.len(), letters.len());
    world.stop().await;
}
