//! The models that the house calls, as bad as the simulation wants them: each call may fail, hang, come late, be
//! answered twice or wrongly. Behind them are the offline ones.
use answers::ports::{Models, Pieces, Written};
use answers::prompt::Prompt;
use providers::{ExtractiveAnswerer, LexicalEmbedder, Model, Preference};
use runtime::BoxFuture;
use runtime::breaker::Breakers;
use runtime::ports::providers::{Embedder, ModelError};
use runtime::testkit::sim::{Call, Fault, SimProcess};
use std::time::Duration;

const EMBED: Call = "models.embed";
const ANSWER: Call = "models.answer";

/// What may befall a call of a model.
const ASKED: &[Fault] = &[
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::StopBefore,
    Fault::StopAfter,
    Fault::Fails,
    Fault::Late,
    Fault::Hangs,
    Fault::Twice,
    Fault::Wrong,
];

/// The calls of the providers, and what may befall them.
pub const CALLS: [(Call, &[Fault]); 2] = [(EMBED, ASKED), (ANSWER, ASKED)];

/// A provider of a process.
#[derive(Clone)]
pub struct Provider {
    process: SimProcess,
    breakers: Breakers,
}

impl Provider {
    pub fn new(process: &SimProcess, breakers: &Breakers) -> Self {
        let (process, breakers) = (process.clone(), breakers.clone());
        Self { process, breakers }
    }

    fn unavailable(&self, call: Call, why: &str) -> ModelError {
        ModelError::Unavailable {
            endpoint: call.to_owned(),
            why: why.to_owned(),
        }
    }

    /// Calls a model behind its breaker (D2). `answers` is told what is wrong with its answer, if anything.
    async fn call<T>(
        &self,
        call: Call,
        answers: impl AsyncFnOnce(Option<Fault>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        if self.breakers.admit(call).is_err() {
            return Err(self.unavailable(call, "its breaker is open"));
        }
        let calling = self.process.calls(call).await;
        let result = match calling.fault {
            Some(Fault::Fails) => Err(self.unavailable(call, "it says that it cannot now")),
            Some(Fault::Hangs) => Err(self.unavailable(call, "it did not answer in time")),
            fault => answers(fault).await,
        };
        self.process.called(calling).await;
        match &result {
            Err(ModelError::Unavailable { why, .. }) => self.breakers.failed(call, why),
            _ => self.breakers.succeeded(call),
        }
        result
    }
}

impl Provider {
    async fn vectors(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let answers = async |fault| {
            let mut vectors = LexicalEmbedder.embed(texts).await?;
            let endpoint = EMBED.to_owned();
            match fault {
                // One answer behind the other.
                Some(Fault::Twice) => vectors.extend(vectors.clone()),
                Some(Fault::Wrong) => match self.process.clock().random()[0] % 6 {
                    0 => drop(vectors.pop()),
                    1 => vectors.iter_mut().for_each(|vector| vector.truncate(1)),
                    2 => vectors.iter_mut().flatten().for_each(|x| *x = f32::NAN),
                    3 => vectors.iter_mut().flatten().for_each(|x| *x = 0.0),
                    4 => {
                        let why = "not what was agreed".to_owned();
                        return Err(ModelError::Nonsense { endpoint, why });
                    }
                    _ => {
                        let wait = Duration::from_secs(20);
                        return Err(ModelError::Busy { endpoint, wait });
                    }
                },
                _ => {}
            }
            Ok(vectors)
        };
        self.call(EMBED, answers).await
    }

    async fn written(&self, prompt: &Prompt, to: &mut Pieces) -> Result<Written, ModelError> {
        let model = Preference::new(
            vec![Model::Extractive(ExtractiveAnswerer)],
            self.breakers.clone(),
        );
        let answers = async |fault| {
            match fault {
                Some(Fault::Twice) => {
                    let _first = model.answer(prompt, to).await?;
                    to.begin_again().await;
                    model.answer(prompt, to).await
                }
                Some(Fault::Wrong) => match self.process.clock().random()[0] % 4 {
                    // It cites what it was never given.
                    0 => {
                        to.say("The observatory is closed for ever.").await;
                        to.cite(1_000).await;
                        Ok(Written::default())
                    }
                    // It says something, and on what it rests nobody knows.
                    1 => {
                        to.say("I am sure of it.").await;
                        Ok(Written::default())
                    }
                    2 => Ok(Written::default()),
                    // It breaks off.
                    _ => {
                        to.say("The observatory").await;
                        Err(self.unavailable(ANSWER, "it broke off"))
                    }
                },
                _ => model.answer(prompt, to).await,
            }
        };
        self.call(ANSWER, answers).await
    }
}

impl Embedder for Provider {
    fn model(&self) -> &str {
        LexicalEmbedder.model()
    }
    fn dimensions(&self) -> usize {
        LexicalEmbedder.dimensions()
    }
    fn similar_from(&self) -> Option<f32> {
        LexicalEmbedder.similar_from()
    }
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(self.vectors(texts))
    }
}

impl Models for Provider {
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt,
        to: &'a mut Pieces,
    ) -> BoxFuture<'a, Result<Written, ModelError>> {
        Box::pin(self.written(prompt, to))
    }
}
