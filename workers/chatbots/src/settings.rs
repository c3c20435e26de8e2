//! What names and settings may be.
use crate::ChatbotRefusal;
use crate::prompt::system_prompt;
use events::chatbots::{Settings, Voice};

/// Longest name, in characters.
pub const MAX_NAME: usize = 100;
/// Longest greeting, in characters.
pub const MAX_GREETING: usize = 1_000;
/// Most languages.
pub const MAX_LANGUAGES: usize = 20;
/// Longest language tag, in bytes; RFC 5646 recommends room for 35.
pub const MAX_TAG: usize = 35;
/// Longest template of a system prompt, in characters.
pub const MAX_TEMPLATE: usize = 8_000;
/// Longest name of a voice, a model, a background or a tone, in characters.
pub const MAX_LABEL: usize = 200;
/// How slow and how fast a voice may speak; 1.0 is its own pace.
pub const SPEED: std::ops::RangeInclusive<f64> = 0.25..=4.0;
/// How low and how high a voice may speak, in semitones from its own.
pub const PITCH: std::ops::RangeInclusive<f64> = -20.0..=20.0;
/// Most sentences that an answer may be limited to.
pub const MAX_SENTENCES: i64 = 50;

/// Checks a name and settings, whole; the prompt that they make too.
///
/// # Errors
/// [`ChatbotRefusal::InvalidSettings`] with the field, or what [`system_prompt`] refuses.
pub fn check(name: &str, settings: &Settings) -> Result<(), ChatbotRefusal> {
    label("name", name, 1, MAX_NAME)?;
    label("greeting", &settings.greeting, 0, MAX_GREETING)?;
    languages(&settings.languages)?;
    if settings.prompt_template.chars().nth(MAX_TEMPLATE).is_some() {
        return refused(
            "prompt_template",
            format!("at most {MAX_TEMPLATE} characters"),
        );
    }
    if let Some(voice) = &settings.voice {
        check_voice(voice)?;
    }
    if let Some(avatar) = &settings.avatar {
        label("avatar.model", &avatar.model, 1, MAX_LABEL)?;
        label("avatar.background", &avatar.background, 0, MAX_LABEL)?;
    }
    label("answer.tone", &settings.answer.tone, 0, MAX_LABEL)?;
    if !(0..=MAX_SENTENCES).contains(&settings.answer.max_sentences) {
        return refused("answer.max_sentences", format!("from 0 to {MAX_SENTENCES}"));
    }
    system_prompt(name, settings).map(|_| ())
}

fn check_voice(voice: &Voice) -> Result<(), ChatbotRefusal> {
    label("voice.name", &voice.name, 1, MAX_LABEL)?;
    // Neither range contains what is not a number.
    if !SPEED.contains(&voice.speed) {
        return refused(
            "voice.speed",
            format!("from {} to {}", SPEED.start(), SPEED.end()),
        );
    }
    if !PITCH.contains(&voice.pitch) {
        return refused(
            "voice.pitch",
            format!("from {} to {} semitones", PITCH.start(), PITCH.end()),
        );
    }
    Ok(())
}

fn languages(tags: &[String]) -> Result<(), ChatbotRefusal> {
    if tags.len() > MAX_LANGUAGES {
        return refused("languages", format!("at most {MAX_LANGUAGES}"));
    }
    for (i, tag) in tags.iter().enumerate() {
        if !is_tag(tag) {
            return refused(
                "languages",
                format!("{:?} is not a BCP 47 tag such as en or de-CH", cut(tag)),
            );
        }
        if tags[..i]
            .iter()
            .any(|other| other.eq_ignore_ascii_case(tag))
        {
            return refused("languages", format!("{tag} stands there twice"));
        }
    }
    Ok(())
}

/// The shape of a BCP 47 tag, not whether it is registered: a language of 2 to 8 letters, then subtags of 1 to 8
/// letters and digits.
fn is_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    tag.len() <= MAX_TAG
        && (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

fn label(field: &'static str, text: &str, least: usize, most: usize) -> Result<(), ChatbotRefusal> {
    let characters = text.trim().chars().count();
    if characters < least || text.chars().nth(most).is_some() {
        return refused(field, format!("{least} to {most} characters"));
    }
    let breaks = |c: char| c.is_control() && !(c == '\n' && field == "greeting");
    if text.chars().any(breaks) {
        return refused(field, "no control characters".into());
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TAG).collect()
}

fn refused(field: &'static str, why: String) -> Result<(), ChatbotRefusal> {
    Err(ChatbotRefusal::InvalidSettings { field, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::chatbots::Avatar;

    fn field(change: impl FnOnce(&mut Settings)) -> &'static str {
        let voice = Voice {
            name: "alloy".into(),
            speed: 1.0,
            pitch: 0.0,
        };
        let avatar = Avatar {
            model: "ada".into(),
            ..Avatar::default()
        };
        let mut settings = Settings {
            voice: Some(voice),
            avatar: Some(avatar),
            ..Settings::default()
        };
        assert_eq!(check("Ada", &settings), Ok(()));
        change(&mut settings);
        match check("Ada", &settings) {
            Err(ChatbotRefusal::InvalidSettings { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_setting_that_is_out_of_bounds_is_named() {
        assert_eq!(field(|s| s.greeting = "x".repeat(1_001)), "greeting");
        assert_eq!(field(|s| s.greeting = "bell \u{7}".into()), "greeting");
        assert_eq!(field(|s| s.languages = vec!["e".into()]), "languages");
        assert_eq!(
            field(|s| s.languages = vec!["en".into(), "EN".into()]),
            "languages"
        );
        assert_eq!(field(|s| s.languages = vec!["en".into(); 21]), "languages");
        assert_eq!(
            field(|s| s.prompt_template = "x".repeat(8_001)),
            "prompt_template"
        );
        assert_eq!(
            field(|s| s.voice.iter_mut().for_each(|v| v.name.clear())),
            "voice.name"
        );
        assert_eq!(
            field(|s| s.voice.iter_mut().for_each(|v| v.speed = 4.5)),
            "voice.speed"
        );
        assert_eq!(
            field(|s| s.voice.iter_mut().for_each(|v| v.speed = f64::NAN)),
            "voice.speed"
        );
        assert_eq!(
            field(|s| s.voice.iter_mut().for_each(|v| v.pitch = -21.0)),
            "voice.pitch"
        );
        assert_eq!(
            field(|s| s.avatar.iter_mut().for_each(|a| a.model.clear())),
            "avatar.model"
        );
        assert_eq!(
            field(|s| s.answer.max_sentences = -1),
            "answer.max_sentences"
        );
        assert_eq!(field(|s| s.answer.tone = "x".repeat(201)), "answer.tone");
        assert!(check("  ", &Settings::default()).is_err());
    }
    #[test]
    fn language_tags_have_the_shape_of_bcp_47() {
        for tag in ["en", "de-CH", "zh-Hant-TW", "sl-rozaj-biske", "es-419"] {
            assert!(is_tag(tag), "{tag}");
        }
        for tag in [
            "",
            "e",
            "en-",
            "en--us",
            "en_US",
            "1e",
            "englishlanguage",
            "en-abcdefghi",
        ] {
            assert!(!is_tag(tag), "{tag}");
        }
    }
    #[test]
    fn a_template_that_makes_no_prompt_is_found_at_once() {
        let settings = Settings {
            prompt_template: "{who}".into(),
            ..Settings::default()
        };
        assert_eq!(
            check("Ada", &settings),
            Err(ChatbotRefusal::UnknownPlaceholder("who".into()))
        );
    }
}
