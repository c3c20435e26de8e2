//! Questions, and a chatbot that cannot be.
use super::{CHATBOT, Listed, SOMETIMES, Story};
use crate::demo::evidence::{Answer, Citation, Undone};
use crate::demo::questions::Question;
use crate::demo::trouble::{Trouble, within};
use crate::demo::{material, report};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long undoing a chatbot may take.
const UNDOING: Duration = Duration::from_secs(40);
/// How long the directory may take to follow.
const FOLLOWING: Duration = Duration::from_secs(10);
const BROKEN: &str = "sealed";

impl Story<'_> {
    pub(super) async fn ask(&mut self, question: Question) -> Result<(), Trouble> {
        let asked = Instant::now();
        let path = format!("/v1/chatbots/{CHATBOT}/questions");
        let reply = self
            .client()?
            .post(&path, &json!({"text": question.text}), ANSWER)
            .await?;
        let reply = reply.expect("an answer", |reply| reply.status == StatusCode::OK)?;
        let citations: Vec<Citation> = match &reply.body["citations"] {
            Value::Null => Vec::new(),
            _ => reply.read::<Cited>("citations")?.citations,
        };
        let answer = Answer {
            question: question.text,
            expected: question.expected,
            text: reply.text("answer"),
            known: reply.body["known"].as_bool().unwrap_or_default(),
            citations,
            model: reply.text("model"),
            took_ms: u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        self.show.result(report::answer(&answer));
        self.seen.answers.push(answer);
        Ok(())
    }

    /// Asks for a chatbot that cannot be, and looks for what is left of it.
    pub(super) async fn fail_to_create(&mut self) -> Result<(), Trouble> {
        let sources = material::broken();
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        self.show
            .note(format_args!("   its sources: {}", names.join(", ")));
        let reply = self.create(BROKEN, "Sealed", &sources, UNDOING).await?;
        let reply = reply.expect("a refusal or a failure, in time", |reply| {
            reply.status != StatusCode::ACCEPTED
        })?;
        let mut undone = Undone {
            chatbot: BROKEN.into(),
            unreadable: names.last().cloned().unwrap_or_default(),
            sources: names,
            status: reply.status.as_u16(),
            code: reply.text("code"),
            reason: reply.text("detail"),
            ..Undone::default()
        };
        self.show
            .result(format_args!("   It was not created: {}", undone.reason));
        let client = self.client()?.clone();
        let gone = async {
            loop {
                undone.chatbot_status = client
                    .get(&format!("/v1/chatbots/{BROKEN}"))
                    .await?
                    .status
                    .as_u16();
                if undone.chatbot_status == 404 {
                    return Ok(());
                }
                tokio::time::sleep(SOMETIMES).await; // the directory follows by some milliseconds
            }
        };
        let looked = within(FOLLOWING, "the chatbot to be gone", gone).await;
        undone.documents_status = client
            .get(&format!("/v1/chatbots/{BROKEN}/documents"))
            .await?
            .status
            .as_u16();
        let all: Vec<Listed> = client.list("/v1/chatbots").await?;
        undone.listed = all.iter().any(|chatbot| chatbot.id == BROKEN);
        self.seen.undone = Some(undone);
        looked
    }
}

#[derive(Deserialize)]
struct Cited {
    citations: Vec<Citation>,
}
