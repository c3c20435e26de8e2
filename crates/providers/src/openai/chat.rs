//! Chat completions, streamed.
use super::http::{Caller, within};
use super::marks::{Marks, pass_on};
use super::sse::Events;
use super::{Endpoint, InvalidEndpoint};
use crate::ProviderError;
use answers::ports::{Pieces, Written};
use answers::prompt::{Prompt, Speaker};
use events::answers::Usage;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most that a whole answer may have, in bytes: an answer has 64 KB, and each word comes in an event of its own.
const MAX_STREAM: usize = 32 << 20;

/// A chat model behind an endpoint.
#[derive(Clone, Debug)]
pub struct OpenAiChat {
    caller: Caller,
}

impl OpenAiChat {
    /// # Errors
    /// [`InvalidEndpoint`].
    pub fn new(endpoint: Endpoint) -> Result<Self, InvalidEndpoint> {
        Ok(Self {
            caller: Caller::new(endpoint, "chat/completions")?,
        })
    }
    /// What we call it.
    pub fn endpoint(&self) -> &str {
        &self.caller.endpoint.name
    }

    /// Writes the answer to a prompt, as it comes.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn write(&self, prompt: &Prompt, to: &mut Pieces) -> Result<Written, ProviderError> {
        within(
            self.caller.endpoint.total(),
            "for the whole answer",
            self.stream(prompt, to),
        )
        .await
    }

    async fn stream(&self, prompt: &Prompt, to: &mut Pieces) -> Result<Written, ProviderError> {
        let endpoint = &self.caller.endpoint;
        let body = self.body(prompt);
        let open = async {
            let mut stream = Stream::of(self.caller.post(&body).await?)?;
            let first = stream.next(&self.caller).await?;
            Ok((stream, first))
        };
        let (mut stream, mut next) = within(endpoint.first(), "for the first word", open).await?;
        let mut answer = Answer {
            model: endpoint.model.clone(),
            ..Answer::default()
        };
        while let Some(events) = next {
            for event in events {
                answer.take(&event, to).await?;
            }
            next = within(
                endpoint.silence(),
                "for the next word",
                stream.next(&self.caller),
            )
            .await?;
        }
        if !answer.ended {
            return Err(ProviderError::Truncated(stream.read));
        }
        pass_on(answer.marks.finish(), to).await;
        Ok(Written {
            model: answer.model,
            provider: endpoint.name.clone(),
            usage: answer.usage,
        })
    }

    fn body(&self, prompt: &Prompt) -> Value {
        let messages = prompt.messages().into_iter().map(|(speaker, text)| {
            let role = match speaker {
                Speaker::System => "system",
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            };
            json!({ "role": role, "content": text })
        });
        json!({
            "model": self.caller.endpoint.model,
            "messages": messages.collect::<Vec<Value>>(),
            "stream": true,
            "stream_options": { "include_usage": true },
        })
    }
}

/// The events of a response.
struct Stream {
    response: Response,
    events: Events,
    read: usize,
}

impl Stream {
    fn of(response: Response) -> Result<Self, ProviderError> {
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            let kind: String = kind.chars().take(100).collect();
            return Err(ProviderError::Nonsense(format!(
                "{kind:?} instead of an event stream"
            )));
        }
        Ok(Self {
            response,
            events: Events::default(),
            read: 0,
        })
    }
    /// The next events, at least one; `None` at the end.
    async fn next(&mut self, caller: &Caller) -> Result<Option<Vec<String>>, ProviderError> {
        while let Some(bytes) = caller.chunk(&mut self.response, self.read).await? {
            self.read += bytes.len();
            if self.read > MAX_STREAM {
                return Err(ProviderError::Nonsense(format!(
                    "more than {MAX_STREAM} bytes"
                )));
            }
            let events = self.events.feed(&bytes)?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
        Ok(None)
    }
}

/// What has come of an answer.
#[derive(Default)]
struct Answer {
    marks: Marks,
    model: String,
    usage: Usage,
    ended: bool,
}

impl Answer {
    async fn take(&mut self, event: &str, to: &mut Pieces) -> Result<(), ProviderError> {
        if event.trim() == "[DONE]" {
            self.ended = true;
            return Ok(());
        }
        let chunk: Chunk =
            serde_json::from_str(event).map_err(|e| ProviderError::Nonsense(e.to_string()))?;
        if let Some(error) = chunk.error {
            let said: String = error.to_string().chars().take(500).collect();
            return Err(ProviderError::Broken { status: 200, said });
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model.chars().take(200).collect();
        }
        if let Some(usage) = chunk.usage {
            self.usage = Usage {
                prompt_tokens: usage.prompt_tokens.unwrap_or(0).max(0),
                completion_tokens: usage.completion_tokens.unwrap_or(0).max(0),
            };
        }
        // We ask for one choice; what comes beyond it is nobody's answer.
        if let Some(choice) = chunk
            .choices
            .unwrap_or_default()
            .into_iter()
            .find(|choice| choice.index == 0)
        {
            if let Some(text) = choice.delta.and_then(|delta| delta.content) {
                pass_on(self.marks.feed(&text), to).await;
            }
            match choice.finish_reason.as_deref() {
                None => {}
                Some("content_filter") => {
                    return Err(ProviderError::Refused {
                        status: 200,
                        said: "its content filter stopped it".into(),
                    });
                }
                Some(_) => self.ended = true,
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    model: Option<String>,
    usage: Option<Used>,
    error: Option<Value>,
}
#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: i64,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}
#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}
#[derive(Deserialize)]
struct Used {
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
}
