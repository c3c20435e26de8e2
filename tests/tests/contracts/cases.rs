//! Every record with what the tests do to it, the type forgotten.
use apache_avro::Schema;
use events::personal::{Binding, SubjectKey, seal};
use events::record::{Datum, decode};
use events::{Addressed, Personal, Record, RecordSchema};
use events::{answers, chatbots, conversations, documents, knowledge, reply, system};
use serde_json::Value as Json;

/// The key, the tenant and the message with which examples are sealed.
pub const KEY: SubjectKey = SubjectKey([7; 32]);
pub const TENANT: &str = "acme";
pub const MESSAGE: &str = "example";

/// A topic, and the id part of the key.
pub type Address = (&'static str, String);
/// A field's name, and its text if that is in the clear.
pub type PersonalField = (String, Option<String>);

/// One record.
pub struct Case {
    pub schema: &'static RecordSchema,
    /// `events::<context>::…::<Record>`
    pub rust_name: &'static str,
    /// Where it is published and under which id, of those that are.
    pub address: Option<fn(&Json) -> Address>,
    /// JSON -> Rust -> bytes, as it stands.
    pub encode: fn(&Json) -> Result<Vec<u8>, String>,
    /// JSON -> Rust, sealed by what `personal` lists -> bytes.
    pub seal: fn(&Json) -> Result<Vec<u8>, String>,
    /// Bytes -> Rust -> bytes.
    pub again: fn(&Schema, &[u8]) -> Result<Vec<u8>, String>,
    /// What `personal` lists of a JSON.
    pub personal: fn(&Json) -> Vec<PersonalField>,
    /// What it says its personal fields are about.
    pub subject_key: fn(&Json) -> Option<String>,
}

impl Case {
    /// `documents/AddDocument`, as in the names of files.
    pub fn file(&self) -> String {
        self.schema
            .name
            .trim_start_matches("troupe.")
            .replace('.', "/")
    }
    /// The schema's text as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(self.schema.text).expect("a schema is JSON")
    }
}

fn parse<R: Record>(json: &Json) -> Result<R, String> {
    serde_json::from_value(json.clone()).map_err(|e| format!("{}: {e}", R::NAME))
}
fn encode<R: Record>(record: &R) -> Result<Vec<u8>, String> {
    R::schema().encode(record).map_err(|e| e.to_string())
}

fn case<R: Record>() -> Case {
    Case {
        schema: R::schema(),
        rust_name: std::any::type_name::<R>(),
        address: None,
        encode: |json| encode(&parse::<R>(json)?),
        seal: |json| {
            let mut record = parse::<R>(json)?;
            let subject = record.subject_key().unwrap_or_default();
            for (field, personal) in record.personal() {
                if let Personal::Clear(text) = personal {
                    let to = Binding {
                        tenant: TENANT,
                        subject: &subject,
                        field: &field,
                    };
                    *personal = seal(text, &KEY, to, MESSAGE).map_err(|e| e.to_string())?;
                }
            }
            encode(&record)
        },
        again: |writer, bytes| {
            let datum = Datum {
                record: R::NAME,
                writer,
                bytes,
            };
            encode(&decode::<R>(&datum).map_err(|e| e.to_string())?)
        },
        personal: |json| {
            let mut record = parse::<R>(json).expect("an example is a record");
            let clear = |personal: &Personal| match personal {
                Personal::Clear(text) => Some(text.clone()),
                Personal::Sealed(_) | Personal::Erased => None,
            };
            record
                .personal()
                .into_iter()
                .map(|(field, personal)| (field, clear(personal)))
                .collect()
        },
        subject_key: |json| {
            parse::<R>(json)
                .expect("an example is a record")
                .subject_key()
        },
    }
}

fn addressed<R: Addressed>() -> Case {
    let address = |json: &Json| {
        let record = parse::<R>(json).expect("an example is a record");
        (R::TOPIC, record.id().to_owned())
    };
    Case {
        address: Some(address),
        ..case::<R>()
    }
}

/// Every record. That none is missing is a test of its own.
pub fn all() -> Vec<Case> {
    vec![
        case::<system::Woke>(),
        case::<system::ResumeSaga>(),
        case::<system::AbandonSaga>(),
        addressed::<system::SagaAlert>(),
        addressed::<system::LetterDecided>(),
        addressed::<documents::AddDocument>(),
        addressed::<documents::DeleteDocument>(),
        addressed::<documents::ParseUpload>(),
        addressed::<documents::DiscardBlobs>(),
        case::<documents::Parsed>(),
        case::<documents::DocumentReady>(),
        addressed::<documents::IndexReady>(),
        addressed::<documents::IndexFailed>(),
        addressed::<documents::IndexRemoved>(),
        addressed::<documents::DocumentUploaded>(),
        addressed::<documents::DocumentParsed>(),
        addressed::<documents::DocumentRejected>(),
        addressed::<documents::DocumentDeleted>(),
        addressed::<documents::DocumentChanged>(),
        addressed::<knowledge::IndexDocument>(),
        addressed::<knowledge::RemoveFromIndex>(),
        addressed::<knowledge::EmbedPassages>(),
        case::<knowledge::Embedded>(),
        addressed::<knowledge::PublishRevision>(),
        case::<knowledge::Published>(),
        addressed::<knowledge::RetireDocument>(),
        case::<knowledge::Retired>(),
        addressed::<knowledge::EmbeddingReady>(),
        addressed::<knowledge::EmbeddingFailed>(),
        addressed::<knowledge::EmbeddingRemoved>(),
        addressed::<chatbots::CreateChatbot>(),
        addressed::<chatbots::DeleteChatbot>(),
        addressed::<chatbots::RegisterChatbot>(),
        addressed::<chatbots::BuildPrompt>(),
        addressed::<chatbots::DropPrompt>(),
        addressed::<chatbots::ActivateChatbot>(),
        addressed::<chatbots::DeactivateChatbot>(),
        addressed::<chatbots::RemoveChatbot>(),
        addressed::<chatbots::PauseChatbot>(),
        addressed::<chatbots::ResumeChatbot>(),
        addressed::<chatbots::UpdateChatbot>(),
        addressed::<chatbots::RetireChatbot>(),
        addressed::<chatbots::RestoreChatbot>(),
        addressed::<chatbots::IngestSources>(),
        addressed::<chatbots::RemoveSources>(),
        addressed::<chatbots::NoteSource>(),
        addressed::<chatbots::ForgetSource>(),
        case::<chatbots::SourcesIngested>(),
        addressed::<chatbots::VerifyGone>(),
        case::<chatbots::VerifiedGone>(),
        addressed::<chatbots::ChatbotCreated>(),
        addressed::<chatbots::ChatbotCreationFailed>(),
        addressed::<chatbots::ChatbotDeleted>(),
        addressed::<chatbots::ChatbotChanged>(),
        addressed::<conversations::AskQuestion>(),
        case::<conversations::Answered>(),
        addressed::<conversations::EndConversation>(),
        addressed::<conversations::QuestionAsked>(),
        addressed::<conversations::QuestionAnswered>(),
        addressed::<conversations::QuestionFailed>(),
        addressed::<conversations::ConversationEnded>(),
        case::<conversations::ConversationsListed>(),
        addressed::<conversations::EndConversations>(),
        addressed::<conversations::ListConversations>(),
        addressed::<conversations::VerifyEnded>(),
        addressed::<answers::WriteAnswer>(),
        case::<answers::AnswerWritten>(),
        addressed::<answers::AnswerDelta>(),
        case::<reply::Refused>(),
        case::<reply::Failed>(),
        case::<reply::Progress>(),
        case::<reply::Ok>(),
    ]
}

#[test]
fn every_record_is_tested_here() {
    let mut here: Vec<&str> = all().iter().map(|case| case.schema.name).collect();
    let mut there: Vec<&str> = events::all_records()
        .iter()
        .map(|schema| schema.name)
        .collect();
    here.sort_unstable();
    there.sort_unstable();
    assert_eq!(here, there);
}
