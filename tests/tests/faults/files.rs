//! Files that are empty, cut off, encrypted, or not what they are called.
use super::world::World;
use futures::future::join_all;

const PDF: &[u8] = include_bytes!("../../../examples/documents/visitor-guide.pdf");
const DOCX: &[u8] = include_bytes!("../../../examples/documents/volunteer-handbook.docx");
const XLSX: &[u8] = include_bytes!("../../../examples/documents/prices.xlsx");
const SEALED: &[u8] = include_bytes!("../../../examples/broken/sealed-contract.pdf");
const HTML: &[u8] = include_bytes!("../../../examples/documents/public-nights.html");

/// An office file with a password is an OLE container that names its encrypted content.
fn sealed_workbook() -> Vec<u8> {
    let content = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes);
    let head = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".iter().copied();
    head.chain(content).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_rejected_in_words_and_harms_no_other() {
    let world = World::new().await;
    let acme = world.acme();
    let good = acme.upload("bot", "visitor-guide.pdf", PDF.to_vec()).await;
    let good = good.expect(201).text("id").to_owned();

    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let damaged = "the file is damaged or cut off: it should be";
    let encrypted = "the file is encrypted; upload a copy of";
    let cases = [
        ("nothing.pdf", vec![], "document.empty", "the file is empty"),
        (
            "blank.txt",
            b" \r\n\t".to_vec(),
            "document.empty",
            "the file is empty",
        ),
        ("half.pdf", half(PDF), "document.corrupt", damaged),
        ("half.docx", half(DOCX), "document.corrupt", damaged),
        ("half.xlsx", half(XLSX), "document.corrupt", damaged),
        (
            "sealed.pdf",
            SEALED.to_vec(),
            "document.encrypted",
            encrypted,
        ),
        (
            "sealed.xlsx",
            sealed_workbook(),
            "document.encrypted",
            encrypted,
        ),
        (
            "picture.pdf",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
            "document.unsupported_media_type",
            "the file is a PNG image, which cannot be read; upload PDF, DOCX",
        ),
    ];
    let upload = |(name, bytes, code, why): (&'static str, Vec<u8>, &'static str, &'static str)| {
        let (acme, world) = (&acme, &world);
        async move {
            let reply = acme.upload("bot", name, bytes).await;
            let status = match code {
                "document.unsupported_media_type" => 415,
                _ => 422,
            };
            assert_eq!(reply.problem(), (status, code), "{name}: {}", reply.body);
            assert!(
                reply.text("detail").starts_with(why),
                "{name}: {}",
                reply.body
            );
            let id = reply.text("operation"); // which a single upload's document is called after
            let listed = acme.listed("bot", id, "rejected").await;
            assert_eq!(listed.text("name"), name);
            assert!(
                listed.text("reason").starts_with(why),
                "{name}: {}",
                listed.body
            );
            let found = world.found(&[id]).await;
            let shelf = &found.documents[id];
            assert_eq!((shelf.passages.len(), shelf.revisions), (0, 0), "{name}");
        }
    };
    join_all(cases.map(upload)).await;

    let listed = acme.listed("bot", &good, "ready").await.body;
    assert_eq!(listed["ledger"]["retrievable"], listed["passages"]);
    let answer = acme
        .ask("bot", "When do the guided tours begin?")
        .await
        .expect(200)
        .body;
    let citations = answer["citations"].as_array().expect("citations");
    assert!(
        citations
            .iter()
            .all(|cited| cited["document"] == good.as_str()),
        "{answer}"
    );
    assert_eq!(
        world.failures(),
        (0, 0),
        "a file that cannot be read is no fault of ours"
    );
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_called_something_else_is_read_as_what_it_is() {
    let world = World::new().await;
    let acme = world.acme();
    for (called, bytes, real) in [
        ("handbook.docx", PDF, "guide.pdf"),
        ("prices.csv", XLSX, "prices.xlsx"),
        ("nights.pdf", HTML, "nights.html"),
        ("notes.txt", DOCX, "notes.docx"),
    ] {
        let wrong = acme.upload("bot", called, bytes.to_vec()).await.expect(201);
        let right = acme.upload("bot", real, bytes.to_vec()).await.expect(201);
        let ids = [wrong.text("id"), right.text("id")];
        let found = world.found(&ids).await;
        let [wrong, right] = ids.map(|id| &found.documents[id].passages);
        assert!(!wrong.is_empty(), "{called}");
        assert_eq!(wrong, right, "{called} is read as {real}");
    }
}
