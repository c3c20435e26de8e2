//! Effect: an answer with citations, streamed while it is written.
use crate::draft::Draft;
use crate::error::MAX_QUESTION;
use crate::ports::{Models, Piece, Pieces, Reading, Written, next_pieces, pieces};
use crate::prompt::{Passage, Prompt};
use crate::relevance::relevant;
use crate::settings::{self, ChatbotSettings, SettingsRow};
use crate::speaker::{Speaker, attempt};
use crate::understand::{Said, Understood, understand};
use crate::{AnswerError, unknown};
use events::Personal;
use events::answers::{AnswerWritten, Role, Turn};
use events::chatbots::ChatbotState;
use runtime::ports::providers::Embedder;
use runtime::ports::search::Query;
use runtime::{Context, Emits, Handler, reply};
use std::sync::Arc;

/// Passages that are looked at.
const CANDIDATES: usize = 24;
/// What was said before, as much as a model is given: turns, and characters of each.
const MAX_TURNS: usize = 8;
const MAX_TURN: usize = 2_000;
/// Attempts in which a chatbot that is not known to be active may still become so; the last one refuses.
const WAITS: u32 = 2;

/// Understands, retrieves, lets a model write, cites.
///
/// Effects: asks the embedder and a model; says deltas. Again writes anew, under a higher attempt.
pub struct WriteAnswer {
    embedder: Arc<dyn Embedder>,
    models: Arc<dyn Models>,
}

impl WriteAnswer {
    /// With this embedder, which must be the one of the index, and these models.
    pub fn with(embedder: Arc<dyn Embedder>, models: Arc<dyn Models>) -> Self {
        Self { embedder, models }
    }

    /// The vector of a query; none if the embedder cannot now: full text alone finds most, and somebody waits.
    async fn vector(&self, query: &str) -> Vec<f32> {
        match self.embedder.embed(&[query.to_owned()]).await {
            Ok(vectors) => vectors
                .into_iter()
                .next()
                .filter(|vector| {
                    vector.len() == self.embedder.dimensions()
                        && vector.iter().all(|x| x.is_finite())
                })
                .unwrap_or_default(),
            Err(e) => {
                tracing::warn!(error = %e, "searching by words only");
                Vec::new()
            }
        }
    }

    async fn retrieve(
        &self,
        chatbot: String,
        asked: &Understood,
        cx: &Context,
    ) -> Result<Vec<Passage>, AnswerError> {
        if asked.terms.is_empty() && self.embedder.similar_from().is_none() {
            return Ok(Vec::new());
        }
        let vector = self.vector(&asked.query).await;
        let query = Query {
            chatbot,
            text: asked.query.clone(),
            vector,
            limit: CANDIDATES,
        };
        Ok(relevant(
            cx.search().query(&query).await?,
            asked,
            self.embedder.similar_from(),
        ))
    }

    async fn write(&self, prompt: &Prompt, mut to: Pieces) -> Result<Written, AnswerError> {
        Ok(self.models.answer(prompt, &mut to).await?) // and drops `to`: whoever reads sees the end
    }
}

impl Handler for WriteAnswer {
    type Message = events::answers::WriteAnswer;
    type Error = AnswerError;

    async fn handle(&self, message: Self::Message, cx: &Context) -> Result<Emits, AnswerError> {
        let question = readable(&message.text)?;
        let settings = cx
            .view(&ChatbotSettings, settings::NAME, &message.chatbot)
            .await?;
        check_active(&settings, &message.chatbot, cx.moment.attempt)?;
        let before = said_before(&message.turns);
        let asked = understand(question, &before);
        let passages = self.retrieve(message.chatbot, &asked, cx).await?;

        let mut speaker = Speaker::new(cx, &message.question, &message.visitor);
        let (mut text, mut citations, mut written) =
            (String::new(), Vec::new(), Written::default());
        if !passages.is_empty() {
            let prompt = Prompt {
                system: settings.system_prompt,
                before,
                question: question.to_owned(),
                asked,
                passages,
                max_sentences: usize::try_from(settings.max_sentences).unwrap_or(0),
            };
            let (to, from) = pieces();
            let (done, draft) = futures::future::join(
                self.write(&prompt, to),
                pass_on(from, &prompt.passages, &mut speaker),
            )
            .await;
            written = done?;
            (text, citations) = draft.finish(&prompt.passages);
        }
        if text.trim().is_empty() {
            text = unknown::sentence(&settings.languages).to_owned();
            speaker
                .show([Draft::default().take(Piece::Text(text.clone()), &[])])
                .await;
        }
        Ok(reply(AnswerWritten {
            question: message.question,
            visitor: message.visitor,
            text: text.into(),
            // What rests on nothing that was found is not known, whatever a model says.
            known: !citations.is_empty(),
            citations,
            model: written.model,
            provider: written.provider,
            usage: written.usage,
            attempt: attempt(cx),
            deltas: speaker.finish().await,
        }))
    }
}

fn readable(text: &Personal) -> Result<&str, AnswerError> {
    match text {
        Personal::Sealed(_) => Err(AnswerError::Sealed),
        Personal::Erased => Err(AnswerError::Erased),
        Personal::Clear(text) if text.trim().is_empty() => Err(AnswerError::Empty),
        Personal::Clear(text) if text.chars().nth(MAX_QUESTION).is_some() => {
            Err(AnswerError::TooLong)
        }
        Personal::Clear(text) => Ok(text),
    }
}

fn check_active(settings: &SettingsRow, chatbot: &str, attempt: u32) -> Result<(), AnswerError> {
    match settings.state {
        ChatbotState::Active => Ok(()),
        // It was created a moment ago, and the view follows.
        ChatbotState::Unknown | ChatbotState::Registered if attempt < WAITS => {
            Err(AnswerError::NotActiveYet(chatbot.to_owned()))
        }
        ChatbotState::Unknown
        | ChatbotState::Registered
        | ChatbotState::Paused
        | ChatbotState::Retiring
        | ChatbotState::Removed => Err(AnswerError::NotActive(chatbot.to_owned())),
    }
}

fn said_before(turns: &[Turn]) -> Vec<Said> {
    let latest = turns.iter().skip(turns.len().saturating_sub(MAX_TURNS));
    let said = latest.filter_map(|turn| {
        let by_visitor = match turn.role {
            Role::Visitor => true,
            Role::Chatbot => false,
            Role::Unknown => return None,
        };
        let Personal::Clear(text) = &turn.text else {
            return None;
        };
        Some(Said {
            by_visitor,
            text: text.chars().take(MAX_TURN).collect(),
        })
    });
    said.collect()
}

/// Reads what a model writes to its end, and says it.
async fn pass_on(mut from: Reading, passages: &[Passage], speaker: &mut Speaker<'_>) -> Draft {
    let mut draft = Draft::default();
    while let Some(ready) = next_pieces(&mut from).await {
        let shown: Vec<_> = ready
            .into_iter()
            .map(|piece| draft.take(piece, passages))
            .collect();
        speaker.show(shown).await;
    }
    draft
}
