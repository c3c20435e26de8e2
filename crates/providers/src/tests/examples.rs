//! The example documents, parsed, embedded, indexed and asked as in the demo, without a network.
use crate::{ExtractiveAnswerer, LexicalEmbedder};
use answers::draft::Draft;
use answers::ports::pieces;
use answers::prompt::Prompt;
use answers::relevance::relevant;
use answers::understand::{Said, understand};
use documents::parse::{Limits, Upload, parse_guarded};
use embedded::{Embedded, Options};
use events::TenantId;
use events::answers::Citation;
use runtime::ports::search::{IndexedPassage, Query, Revision};
use runtime::testkit::nowhere::StillClock;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) struct Library {
    index: Embedded,
    tenant: TenantId,
    _directory: tempfile::TempDir,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

impl Library {
    pub(super) async fn of_examples() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options::new(Arc::new(StillClock::default()), vec![]);
        let index = Embedded::open(directory.path().join("troupe.db"), options).expect("opened");
        let library = Self {
            index,
            tenant: TenantId::new("acme").expect("an id"),
            _directory: directory,
        };
        let mut files: Vec<PathBuf> = std::fs::read_dir(examples().join("documents"))
            .expect("examples")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for (number, file) in files.iter().enumerate() {
            library.add(number, file).await;
        }
        library
    }
    async fn add(&self, number: usize, file: &Path) {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let bytes = std::fs::read(file).expect("a file");
        let upload = Upload {
            bytes: &bytes,
            file_name: &name,
            declared: "",
        };
        let parsed =
            parse_guarded(&upload, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (document, revision) = (format!("d{number}"), format!("r{number}"));
        let revision = Revision {
            chatbot: "guide".into(),
            document,
            name,
            revision,
        };
        let passages = parsed.passages.into_iter().map(|passage| IndexedPassage {
            ordinal: passage.ordinal,
            vector: LexicalEmbedder.vector(&format!(
                "{}\n{}",
                passage.headings.join("\n"),
                passage.text
            )),
            text: passage.text,
            heading: passage.headings.join(" › "),
            page: passage.page,
        });
        let search = self.index.search();
        search
            .stage(&self.tenant, &revision, passages.collect())
            .await
            .expect("staged");
        search
            .publish(&self.tenant, &revision, 1)
            .await
            .expect("published");
    }
    /// The answer and what it cites; empty if it does not know.
    pub(super) async fn ask(&self, question: &str, before: &[Said]) -> (String, Vec<Citation>) {
        let asked = understand(question, before);
        let vector = LexicalEmbedder.vector(&asked.query);
        let query = Query {
            chatbot: "guide".into(),
            text: asked.query.clone(),
            vector,
            limit: 24,
        };
        let hits = self
            .index
            .search()
            .query(&self.tenant, &query)
            .await
            .expect("hits");
        let passages = relevant(hits, &asked, None);
        let (question, before) = (question.to_owned(), before.to_vec());
        let prompt = Prompt {
            question,
            before,
            asked,
            passages,
            ..Prompt::default()
        };
        let (mut to, mut from) = pieces();
        ExtractiveAnswerer.write(&prompt, &mut to).await;
        drop(to);
        let mut draft = Draft::default();
        while let Ok(piece) = from.try_recv() {
            draft.take(piece, &prompt.passages);
        }
        draft.finish(&prompt.passages)
    }
}

/// What the answer to each question of questions.txt quotes, from which document; nothing: it does not know.
const WANTED: &[Option<(&str, &str)>] = &[
    Some((
        "visitor-guide.pdf",
        "Only red torches are allowed on the observing terrace",
    )),
    Some(("prices.xlsx", "Weekend (EUR): 38")),
    Some((
        "volunteer-handbook.docx",
        "The key of the hand crank hangs in the red box",
    )),
    Some(("telescope-care.md", "to a torque of 9 newton metres")),
    Some((
        "public-nights.html",
        "Date: Friday, 18 April 2031; Begins: 21:00",
    )),
    None,
];

#[tokio::test]
async fn five_of_the_six_questions_are_answered_with_the_right_sentence_and_the_sixth_is_not() {
    let library = Library::of_examples().await;
    let questions = std::fs::read_to_string(examples().join("questions.txt")).expect("questions");
    let questions: Vec<&str> = questions
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(questions.len(), WANTED.len());
    for (question, wanted) in questions.iter().zip(WANTED) {
        let (text, citations) = library.ask(question, &[]).await;
        match wanted {
            None => assert_eq!((text.as_str(), citations.len()), ("", 0), "{question}"),
            Some((name, quote)) => {
                let quoted = citations[0].quote.reveal().expect("clear");
                assert_eq!(citations[0].name, *name, "{question}: {text}");
                assert!(quoted.contains(quote), "{question}: {quoted}");
                assert!(
                    text.starts_with(quoted.split(" … ").next().expect("a quote")),
                    "{question}: {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn other_questions_are_answered_or_not_as_the_documents_allow() {
    let library = Library::of_examples().await;
    for (question, quote) in [
        (
            "When was the first dome finished?",
            "The first dome was finished in October 1936",
        ),
        (
            "Who saved the telescope from the fire?",
            "The telescope was saved by the baker Ilse Brandt",
        ),
        ("What does error code E07 mean?", "Wind above 60 km/h"),
        ("How many seats does the planetarium have?", "48 seats"),
        (
            "Are dogs allowed in the dome?",
            "Dogs are welcome on the terrace",
        ),
        ("How heavy is the meteorite?", "212 kilograms"),
        (
            "Can I cancel a booking?",
            "A booking can be cancelled free of charge until noon",
        ),
        ("Which bus leaves the railway station?", "Bus 47"),
        (
            "What do I do if stars are triangles?",
            "mirror cell bolts too tight",
        ),
        ("How often is the mirror washed?", "washed once a year"),
        ("Who discovered the asteroid?", "she discovered an asteroid"),
        (
            "May I take photographs?",
            "everywhere in the museum without a flash",
        ),
        (
            "How much is an adult ticket?",
            "Ticket: Adult; Museum (EUR): 9",
        ),
        (
            "Who observed Mars?",
            "Observer: Milla Sorensen; Object: Mars",
        ),
        ("What was seen on 10 December 2030?", "Object: Jupiter"),
        ("Where is the basket?", "The basket is in the museum"),
        (
            "Is the observatory wheelchair accessible?",
            "the lift takes wheelchairs",
        ),
        (
            "What happens during a thunderstorm?",
            "the crew sounds a bell three times",
        ),
        (
            "How many people fit in the dome?",
            "The dome holds 30 people",
        ),
    ] {
        let (text, _) = library.ask(question, &[]).await;
        assert!(text.contains(quote), "{question}: {text:?}");
    }
    for question in [
        "What is the capital of Australia?",
        "Who is the president of France?",
        "How do I reset my password?",
        "Is there a swimming pool at the observatory?",
        "Do you sell pizza?",
        "What is the warranty on the washing machine?",
        "Which programming language is the web shop written in?",
        "How tall is the Eiffel tower?",
        "Who painted the Mona Lisa?",
        "What time is breakfast?",
        "Does the dome have air conditioning?",
        "Where can I buy a telescope in Berlin?",
        "When was the telescope stolen?",
        "Who is the king of the museum?",
        "What is the meaning of life?",
        "How old is Agnes Corvin?",
        "How many moons does Jupiter have?",
    ] {
        let (text, _) = library.ask(question, &[]).await;
        assert_eq!(text, "", "{question}");
    }
}

#[tokio::test]
async fn a_follow_up_is_answered_from_what_was_said_before() {
    let library = Library::of_examples().await;
    let before = [Said {
        by_visitor: true,
        text: "How many seats does the planetarium have?".into(),
    }];
    let (text, _) = library
        .ask("And how long do its shows last?", &before)
        .await;
    assert!(text.contains("last 40 minutes"), "{text:?}");
}
