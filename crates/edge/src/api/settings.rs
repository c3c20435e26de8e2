//! How a chatbot looks, sounds and answers, as a client writes it: all optional, unknown fields refused.
use super::line;
use crate::problem::{Code, Problem};
use events::chatbots::{AnswerStyle, Avatar, Settings, Voice};
use serde::{Deserialize, Serialize};
use serde_json::Value;

// The bounds are those of the worker that keeps the settings; it checks them again.

/// The longest name of a voice, a model, a file, in characters.
pub const MAX_NAME: usize = 200;
/// The longest name of a chatbot, in characters.
pub const MAX_CHATBOT_NAME: usize = 100;
/// The longest greeting, in characters.
const MAX_GREETING: usize = 1_000;
/// The longest template, in characters.
const MAX_TEMPLATE: usize = 8_000;
/// The most languages.
const MAX_LANGUAGES: usize = 20;
/// The most sentences of an answer.
const MAX_SENTENCES: u32 = 50;

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
        if self.answer.max_sentences > MAX_SENTENCES {
            let why = format!("it is 0 to {MAX_SENTENCES}");
            return Err(wrong(why, "answer.max_sentences"));
        }
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
            if !(-20.0..=20.0).contains(&voice.pitch) {
                return Err(wrong("it is -20 to 20 semitones".into(), "voice.pitch"));
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

/// A change of settings, as a JSON merge patch (RFC 7396). Only its shape is checked here: whether it makes sense is
/// known where the settings are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its shape only")]
struct Shape {
    greeting: Option<String>,
    languages: Option<Vec<String>>,
    prompt_template: Option<String>,
    voice: Option<VoiceShape>,
    avatar: Option<AvatarShape>,
    answer: Option<AnswerShape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its shape only")]
struct VoiceShape {
    name: Option<String>,
    speed: Option<f64>,
    pitch: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its shape only")]
struct AvatarShape {
    model: Option<String>,
    background: Option<String>,
    gestures: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its shape only")]
struct AnswerShape {
    max_sentences: Option<u32>,
    tone: Option<String>,
}

/// A patch of settings as it is sent on.
///
/// # Errors
/// 422 with the place of what is unknown or of another type.
pub fn patch(patch: &Value) -> Result<String, Problem> {
    if !patch.is_null() {
        serde_path_to_error::deserialize::<_, Shape>(patch).map_err(|e| {
            let at = format!("settings.{}", e.path());
            let at = at.trim_end_matches('.').to_owned();
            Problem::new(Code::Invalid, e.inner().to_string()).with("where", at)
        })?;
    }
    Ok(patch.to_string())
}
