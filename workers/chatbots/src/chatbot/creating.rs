//! What the sagas ask of a chatbot, and how each of them is taken back.
use super::{Before, Chatbot, Decided, Life, Step};
use crate::{ChatbotRefusal as Refusal, prompt, settings};
use events::chatbots::{RegisterChatbot, Settings};
use runtime::{Decision, Moment};

impl Chatbot {
    pub(super) fn register(&self, register: RegisterChatbot, at: &Moment) -> Decided {
        match self.life {
            Life::Absent => {}
            Life::Removed => return Err(Refusal::Removed),
            Life::Registered | Life::Active | Life::Paused | Life::Retiring(_) => {
                let again = self.registered_by == at.idempotency_key;
                return if again {
                    Ok(self.is_so(at))
                } else {
                    Err(Refusal::Exists)
                };
            }
        }
        settings::check(&register.name, &register.settings)?;
        let next = Self {
            life: Life::Registered,
            name: register.name,
            settings: register.settings,
            registered_by: at.idempotency_key.clone(),
            ..self.clone()
        };
        Ok(self.becomes(next, at))
    }

    /// Undoes `register`, and ends a deletion.
    pub(super) fn remove(&self, at: &Moment) -> Decision<Self> {
        if self.life == Life::Removed {
            return self.is_so(at);
        }
        let next = Self {
            life: Life::Removed,
            settings: Settings::default(),
            system_prompt: String::new(),
            ..self.clone()
        };
        self.becomes(next, at)
    }

    pub(super) fn build_prompt(&self, at: &Moment) -> Decided {
        self.not_undone(Step::Prompt)?;
        match self.life {
            Life::Absent => Err(Refusal::NotFound),
            Life::Removed => Err(Refusal::Removed),
            Life::Retiring(_) => Err(Refusal::Retiring),
            Life::Registered | Life::Active | Life::Paused => {
                let system_prompt = prompt::system_prompt(&self.name, &self.settings)?;
                if system_prompt == self.system_prompt {
                    return Ok(self.is_so(at));
                }
                Ok(self.becomes(
                    Self {
                        system_prompt,
                        ..self.clone()
                    },
                    at,
                ))
            }
        }
    }

    pub(super) fn drop_prompt(&self, at: &Moment) -> Decision<Self> {
        if self.system_prompt.is_empty() {
            return self.marked(Step::Prompt, at);
        }
        let mut next = Self {
            system_prompt: String::new(),
            ..self.clone()
        };
        next.undone.insert(Step::Prompt);
        self.becomes(next, at)
    }

    pub(super) fn activate(&self, at: &Moment) -> Decided {
        self.not_undone(Step::Activation)?;
        match self.life {
            Life::Absent => Err(Refusal::NotFound),
            Life::Removed => Err(Refusal::Removed),
            Life::Retiring(_) => Err(Refusal::Retiring),
            Life::Registered if self.system_prompt.is_empty() => Err(Refusal::NoPrompt),
            Life::Registered => Ok(self.lives(Life::Active, at)),
            Life::Active | Life::Paused => Ok(self.is_so(at)),
        }
    }

    pub(super) fn deactivate(&self, at: &Moment) -> Decision<Self> {
        let life = match self.life {
            Life::Absent | Life::Registered | Life::Removed => {
                return self.marked(Step::Activation, at);
            }
            Life::Active | Life::Paused => Life::Registered,
            Life::Retiring(_) => Life::Retiring(Before::Registered),
        };
        let mut next = Self {
            life,
            ..self.clone()
        };
        next.undone.insert(Step::Activation);
        self.becomes(next, at)
    }

    /// One that is still being created is retired too: its creation is then refused its next step, and turns back.
    pub(super) fn retire(&self, at: &Moment) -> Decided {
        self.not_undone(Step::Retirement)?;
        let before = match self.life {
            Life::Absent => return Err(Refusal::NotFound),
            Life::Removed => return Err(Refusal::Removed),
            Life::Retiring(_) => return Ok(self.is_so(at)),
            Life::Registered => Before::Registered,
            Life::Active => Before::Active,
            Life::Paused => Before::Paused,
        };
        Ok(self.lives(Life::Retiring(before), at))
    }

    pub(super) fn restore(&self, at: &Moment) -> Decision<Self> {
        let Life::Retiring(before) = self.life else {
            return self.marked(Step::Retirement, at);
        };
        let mut next = Self {
            life: before.into(),
            ..self.clone()
        };
        next.undone.insert(Step::Retirement);
        self.becomes(next, at)
    }
}
