//! What a person asks of a chatbot that lives.
use super::{Chatbot, Decided, Life};
use crate::settings_patch::patched;
use crate::{ChatbotRefusal as Refusal, prompt, settings};
use events::chatbots::UpdateChatbot;
use runtime::Moment;

impl Chatbot {
    pub(super) fn pause(&self, at: &Moment) -> Decided {
        match self.life {
            Life::Absent => Err(Refusal::NotFound),
            Life::Removed => Err(Refusal::Removed),
            Life::Retiring(_) => Err(Refusal::Retiring),
            Life::Registered => Err(Refusal::NotActive),
            Life::Active => Ok(self.lives(Life::Paused, at)),
            Life::Paused => Ok(self.is_so(at)),
        }
    }

    pub(super) fn resume(&self, at: &Moment) -> Decided {
        match self.life {
            Life::Absent => Err(Refusal::NotFound),
            Life::Removed => Err(Refusal::Removed),
            Life::Retiring(_) => Err(Refusal::Retiring),
            Life::Registered => Err(Refusal::NotActive),
            Life::Paused => Ok(self.lives(Life::Active, at)),
            Life::Active => Ok(self.is_so(at)),
        }
    }

    /// A prompt that was built is built anew; one that was not yet is left to the creation.
    pub(super) fn update(&self, update: UpdateChatbot, at: &Moment) -> Decided {
        match self.life {
            Life::Absent => return Err(Refusal::NotFound),
            Life::Removed => return Err(Refusal::Removed),
            Life::Retiring(_) => return Err(Refusal::Retiring),
            Life::Registered | Life::Active | Life::Paused => {}
        }
        let mut settings = update.settings.unwrap_or_else(|| self.settings.clone());
        if let Some(patch) = &update.settings_patch {
            settings = patched(&settings, patch)?;
        }
        let mut next = Self {
            name: update.name.unwrap_or_else(|| self.name.clone()),
            settings,
            ..self.clone()
        };
        settings::check(&next.name, &next.settings)?;
        if !self.system_prompt.is_empty() {
            next.system_prompt = prompt::system_prompt(&next.name, &next.settings)?;
        }
        if next == *self {
            return Ok(self.is_so(at));
        }
        Ok(self.becomes(next, at))
    }
}
