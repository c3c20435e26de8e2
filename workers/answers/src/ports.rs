//! What this worker needs from outside besides the runtime's ports: models that write.
use crate::prompt::Prompt;
use events::answers::Usage;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use runtime::BoxFuture;
use runtime::ports::providers::ModelError;

/// Writes answers; `providers` implements it, by one model or by several in order of preference.
pub trait Models: Send + Sync {
    /// Writes the answer to a prompt into `pieces`, as it comes. To say that it does not know it writes nothing,
    /// or words that cite nothing.
    ///
    /// # Errors
    /// [`ModelError`]; what was written until then is forgotten.
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt,
        pieces: &'a mut Pieces,
    ) -> BoxFuture<'a, Result<Written, ModelError>>;
}

/// Who wrote an answer, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The model's name, as the provider says it.
    pub model: String,
    /// Which of the configured providers.
    pub provider: String,
    /// What it used; zeros if the provider does not say.
    pub usage: Usage,
}

/// A piece of an answer while it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// More words.
    Text(String),
    /// The words before rest on this passage of the prompt, from 0.
    Cite(usize),
    /// Forget what was written: another model begins anew.
    Again,
}

/// Pieces that may wait for whoever sends them on; a model that is faster is slowed down.
const WAITING: usize = 64;

/// Where a model writes to.
#[derive(Debug)]
pub struct Pieces {
    to: mpsc::Sender<Piece>,
    written: bool,
}

/// What a model writes, to be read.
pub type Reading = mpsc::Receiver<Piece>;

/// Both ends.
pub fn pieces() -> (Pieces, Reading) {
    let (to, from) = mpsc::channel(WAITING);
    (Pieces { to, written: false }, from)
}

impl Pieces {
    /// More words.
    pub async fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.send(Piece::Text(text)).await;
        }
    }
    /// The words before rest on this passage of the prompt, from 0.
    pub async fn cite(&mut self, passage: usize) {
        self.send(Piece::Cite(passage)).await;
    }
    /// Forgets what was written, if anything was: another model begins anew.
    pub async fn begin_again(&mut self) {
        if self.written {
            self.send(Piece::Again).await;
            self.written = false;
        }
    }
    async fn send(&mut self, piece: Piece) {
        self.written = true;
        // Nobody reads any more: whoever asked has gone, and drops the model's future next.
        let _gone = self.to.send(piece).await;
    }
}

/// What comes next, with all that is there already; `None` at the end.
pub(crate) async fn next_pieces(reading: &mut Reading) -> Option<Vec<Piece>> {
    let mut ready = vec![reading.next().await?];
    while ready.len() < WAITING {
        match reading.try_recv() {
            Ok(piece) => ready.push(piece),
            Err(_) => break, // empty for now, or ended: the next call says which
        }
    }
    Some(ready)
}
