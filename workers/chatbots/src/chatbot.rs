//! The entity Chatbot: what it is, and what may be asked of it.
//!
//! ```text
//! Absent -> Registered -> Active <-> Paused      (creation: register, build the prompt, activate)
//! Registered, Active, Paused <-> Retiring        (deletion: retire; its undo restores)
//! any -> Removed                                 a tombstone: its id is never used again (S4)
//! ```
//!
//! What a saga asks of it has an undo. The undo of what never happened leaves a mark and is done; what it undoes is
//! refused when it comes later (S4).
mod creating;
mod living;
#[cfg(test)]
mod tests;

use crate::ChatbotRefusal;
use events::chatbots::{
    ActivateChatbot, BuildPrompt, ChatbotChanged, ChatbotState, DeactivateChatbot, DropPrompt,
    PauseChatbot, RegisterChatbot, RemoveChatbot, RestoreChatbot, ResumeChatbot, RetireChatbot,
    Settings, UpdateChatbot,
};
use events::reply;
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All that arrives on the input of the chatbots (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum ChatbotMessage {
    /// Creation: a name and settings.
    Register(RegisterChatbot),
    /// Creation: the system prompt.
    BuildPrompt(BuildPrompt),
    /// Its undo.
    DropPrompt(DropPrompt),
    /// Creation: answer.
    Activate(ActivateChatbot),
    /// Its undo.
    Deactivate(DeactivateChatbot),
    /// The undo of Register, and the end of a deletion.
    Remove(RemoveChatbot),
    /// A person: stop answering.
    Pause(PauseChatbot),
    /// A person: answer again.
    Resume(ResumeChatbot),
    /// A person: another name, other settings.
    Update(UpdateChatbot),
    /// Deletion: answer no more.
    Retire(RetireChatbot),
    /// Its undo.
    Restore(RestoreChatbot),
    /// It never waits for anything.
    Woke(Woke),
}

impl Inbox for ChatbotMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Register),
            arm(Self::BuildPrompt),
            arm(Self::DropPrompt),
            arm(Self::Activate),
            arm(Self::Deactivate),
            arm(Self::Remove),
            arm(Self::Pause),
            arm(Self::Resume),
            arm(Self::Update),
            arm(Self::Retire),
            arm(Self::Restore),
            arm(Self::Woke),
        ]
    }
}

/// Where a chatbot is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// Nobody registered it.
    #[default]
    Absent,
    /// It does not answer yet.
    Registered,
    /// It answers.
    Active,
    /// It does not answer until it is resumed.
    Paused,
    /// It does not answer and is being deleted; what it was before comes back if the deletion is undone.
    Retiring(Before),
    /// Nothing is left of it but this.
    Removed,
}

/// What a chatbot was before it was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Before {
    /// It did not answer yet.
    Registered,
    /// It answered.
    Active,
    /// It was paused.
    Paused,
}
impl From<Before> for Life {
    fn from(before: Before) -> Self {
        match before {
            Before::Registered => Self::Registered,
            Before::Active => Self::Active,
            Before::Paused => Self::Paused,
        }
    }
}

/// A step of a saga that can be taken back. Each saga runs once in the life of a chatbot, so the step's name is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// `BuildPrompt`.
    Prompt,
    /// `ActivateChatbot`.
    Activation,
    /// `RetireChatbot`.
    Retirement,
}

/// A chatbot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chatbot {
    /// Where it is in its life.
    pub life: Life,
    /// Counts its changes.
    pub version: i64,
    /// What people call it.
    pub name: String,
    /// How it looks, sounds and answers.
    pub settings: Settings,
    /// Empty until it is built.
    pub system_prompt: String,
    /// The idempotency key of what registered it (O1).
    pub registered_by: String,
    /// The steps that were taken back: none of them is done any more (S4).
    pub undone: BTreeSet<Step>,
}

type Decided = Result<Decision<Chatbot>, ChatbotRefusal>;

impl Entity for Chatbot {
    type Message = ChatbotMessage;
    type Refusal = ChatbotRefusal;

    fn decide(&self, message: ChatbotMessage, at: &Moment) -> Decided {
        use ChatbotMessage as M;
        match message {
            M::Register(register) => self.register(register, at),
            M::BuildPrompt(_) => self.build_prompt(at),
            M::DropPrompt(_) => Ok(self.drop_prompt(at)),
            M::Activate(_) => self.activate(at),
            M::Deactivate(_) => Ok(self.deactivate(at)),
            M::Remove(_) => Ok(self.remove(at)),
            M::Pause(_) => self.pause(at),
            M::Resume(_) => self.resume(at),
            M::Update(update) => self.update(update, at),
            M::Retire(_) => self.retire(at),
            M::Restore(_) => Ok(self.restore(at)),
            M::Woke(_) => Ok(Decision::stay()),
        }
    }
}

impl Chatbot {
    /// What it is now, whole, for directories.
    pub fn changed(&self, chatbot: &str) -> ChatbotChanged {
        let state = match self.life {
            Life::Absent => ChatbotState::Unknown,
            Life::Registered => ChatbotState::Registered,
            Life::Active => ChatbotState::Active,
            Life::Paused => ChatbotState::Paused,
            Life::Retiring(_) => ChatbotState::Retiring,
            Life::Removed => ChatbotState::Removed,
        };
        ChatbotChanged {
            chatbot: chatbot.to_owned(),
            version: self.version,
            state,
            name: self.name.clone(),
            settings: self.settings.clone(),
            system_prompt: self.system_prompt.clone(),
        }
    }

    /// It becomes `next`, says so and answers.
    fn becomes(&self, next: Self, at: &Moment) -> Decision<Self> {
        let next = Self {
            version: self.version.saturating_add(1),
            ..next
        };
        let changed = next.changed(&at.id);
        Decision::to(next).emit(changed).reply(ok(at))
    }
    fn lives(&self, life: Life, at: &Moment) -> Decision<Self> {
        self.becomes(
            Self {
                life,
                ..self.clone()
            },
            at,
        )
    }
    /// It is so already.
    fn is_so(&self, at: &Moment) -> Decision<Self> {
        Decision::stay().reply(ok(at))
    }
    /// It is so already, but for the mark that a step was taken back.
    fn marked(&self, step: Step, at: &Moment) -> Decision<Self> {
        let mut next = self.clone();
        next.undone.insert(step);
        Decision::to(next).reply(ok(at))
    }
    /// # Errors
    /// If the step was taken back before it came.
    fn not_undone(&self, step: Step) -> Result<(), ChatbotRefusal> {
        if self.undone.contains(&step) {
            Err(ChatbotRefusal::Undone)
        } else {
            Ok(())
        }
    }
}

fn ok(at: &Moment) -> reply::Ok {
    reply::Ok {
        id: at.id.to_string(),
    }
}
