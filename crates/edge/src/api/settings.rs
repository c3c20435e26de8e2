//! How a chatbot looks, sounds and answers, as a client writes it: all optional, unknown fields refused.
use super::line;
use crate::problem::{Code, Problem};
use events::chatbots::{AnswerStyle, Avatar, Settings, Voice};
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The longest greeting, in characters.
const MAX_GREETING: usize = 2_000;
/// The longest template, in characters.
const MAX_TEMPLATE: usize = 16_000;
/// The most languages.
const MAX_LANGUAGES: usize = 50;

/// See [`Settings`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsRequest {
    greeting: String,
    languages: Vec<String>,
    prompt_template: String,
    voice: Option<VoiceRequest>,
    avatar: Option<AvatarRequest>,
    answer: AnswerRequest,
}

/// See [`Voice`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceRequest {
    name: String,
    #[serde(default = "one")]
    speed: f64,
    #[serde(default)]
    pitch: f64,
}
fn one() -> f64 {
    1.0
}

/// See [`Avatar`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvatarRequest {
    model: String,
    #[serde(default)]
    background: String,
    #[serde(default)]
    gestures: bool,
}

/// See [`AnswerStyle`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerRequest {
    max_sentences: u32,
    tone: String,
}

impl SettingsRequest {
    /// # Errors
    /// 422 with the place of what is too long, too many or out of range.
    pub fn check(self) -> Result<Settings, Problem> {
        let wrong = |why: String, at: &str| {
            Problem::new(Code::Invalid, why).with("where", format!("settings.{at}"))
        };
        let at_most = |text: &str, most: usize, at: &str| {
            let n = text.chars().count();
            if n > most {
                Err(wrong(
                    format!("it has {n} characters, and {most} are taken"),
                    at,
                ))
            } else {
                Ok(())
            }
        };
        at_most(&self.greeting, MAX_GREETING, "greeting")?;
        at_most(&self.prompt_template, MAX_TEMPLATE, "prompt_template")?;
        at_most(&self.answer.tone, MAX_NAME, "answer.tone")?;
        if self.languages.len() > MAX_LANGUAGES {
            return Err(wrong(
                format!("{MAX_LANGUAGES} languages are taken"),
                "languages",
            ));
        }
        for (i, tag) in self.languages.iter().enumerate() {
            let fits = (2..=35).contains(&tag.len())
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !fits {
                return Err(wrong(
                    format!("{tag:?} is not a language tag"),
                    &format!("languages[{i}]"),
                ));
            }
        }
        if let Some(voice) = &self.voice {
            line(&voice.name, MAX_NAME, "settings.voice.name")?;
            if !(0.25..=4.0).contains(&voice.speed) {
                return Err(wrong("it is 0.25 to 4".into(), "voice.speed"));
            }
            if !(-24.0..=24.0).contains(&voice.pitch) {
                return Err(wrong("it is -24 to 24 semitones".into(), "voice.pitch"));
            }
        }
        if let Some(avatar) = &self.avatar {
            line(&avatar.model, MAX_NAME, "settings.avatar.model")?;
            at_most(&avatar.background, MAX_NAME, "avatar.background")?;
        }
        Ok(Settings {
            greeting: self.greeting,
            languages: self.languages,
            prompt_template: self.prompt_template,
            voice: self.voice.map(|voice| Voice {
                name: voice.name,
                speed: voice.speed,
                pitch: voice.pitch,
            }),
            avatar: self.avatar.map(|avatar| Avatar {
                model: avatar.model,
                background: avatar.background,
                gestures: avatar.gestures,
            }),
            answer: AnswerStyle {
                max_sentences: self.answer.max_sentences.into(),
                tone: self.answer.tone,
            },
        })
    }
}
