//! A change of settings: a JSON merge patch (RFC 7396) onto what they are.
use crate::ChatbotRefusal;
use events::chatbots::{AnswerStyle, Avatar, Settings, Voice};
use serde_json::{Value, json};

/// The settings after a patch: what it does not name stays, and null is the default again. They are not checked.
///
/// # Errors
/// [`ChatbotRefusal::InvalidSettings`] if it is no JSON object, or a member is not of its type.
pub fn patched(settings: &Settings, patch: &str) -> Result<Settings, ChatbotRefusal> {
    let wrong = |e: serde_json::Error| ChatbotRefusal::InvalidSettings {
        field: "settings",
        why: e.to_string(),
    };
    let patch: Value = serde_json::from_str(patch).map_err(wrong)?;
    if patch.is_null() {
        return Ok(Settings::default());
    }
    if !patch.is_object() {
        return Err(ChatbotRefusal::InvalidSettings {
            field: "settings",
            why: "a patch is a JSON object".into(),
        });
    }
    let mut value = serde_json::to_value(settings).map_err(wrong)?;
    let defaults = serde_json::to_value(Settings::default()).map_err(wrong)?;
    merge(&mut value, &patch, &defaults, &blank());
    serde_json::from_value(value).map_err(wrong)
}

/// What the members of a part begin with that is not there yet.
fn blank() -> Value {
    let voice = Voice {
        speed: 1.0,
        ..Voice::default()
    };
    json!({"voice": voice, "avatar": Avatar::default(), "answer": AnswerStyle::default()})
}

/// `defaults`: what null means for each member; `blank`: what a part is made from.
fn merge(target: &mut Value, patch: &Value, defaults: &Value, blank: &Value) {
    let (Some(target), Some(patch)) = (target.as_object_mut(), patch.as_object()) else {
        return;
    };
    for (name, change) in patch {
        if change.is_null() {
            target.insert(name.clone(), defaults[name.as_str()].clone());
            continue;
        }
        let part = &blank[name.as_str()];
        if !(change.is_object() && part.is_object()) {
            target.insert(name.clone(), change.clone());
            continue;
        }
        let current = target.entry(name.clone()).or_insert(Value::Null);
        if !current.is_object() {
            current.clone_from(part);
        }
        merge(current, change, part, &Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            greeting: "Welcome".into(),
            languages: vec!["en".into(), "de".into()],
            prompt_template: "You are {name}.".into(),
            voice: Some(Voice {
                name: "alloy".into(),
                speed: 1.5,
                pitch: 2.0,
            }),
            avatar: None,
            answer: AnswerStyle {
                max_sentences: 3,
                tone: "formal".into(),
            },
        }
    }
    fn after(patch: &Value) -> Settings {
        patched(&settings(), &patch.to_string()).expect("a patch")
    }

    #[test]
    fn what_a_patch_does_not_name_stays() {
        let hello = Settings {
            greeting: "Hello".into(),
            ..settings()
        };
        assert_eq!(after(&json!({"greeting": "Hello"})), hello);
        assert_eq!(after(&json!({})), settings());
        let slower = after(&json!({"voice": {"speed": 0.5}, "answer": {"tone": "warm"}}));
        let voice = slower.voice.expect("it speaks");
        assert_eq!(
            (voice.name.as_str(), voice.speed, voice.pitch),
            ("alloy", 0.5, 2.0)
        );
        let answer = AnswerStyle {
            max_sentences: 3,
            tone: "warm".into(),
        };
        assert_eq!(slower.answer, answer);
    }
    #[test]
    fn null_is_the_default_again() {
        let patch = json!({"greeting": null, "languages": null, "voice": null, "answer": {"max_sentences": null}});
        let wanted = Settings {
            greeting: String::new(),
            languages: vec![],
            voice: None,
            answer: AnswerStyle {
                max_sentences: 0,
                tone: "formal".into(),
            },
            ..settings()
        };
        assert_eq!(after(&patch), wanted);
        let voice = after(&json!({"voice": {"speed": null}})).voice;
        assert_eq!(voice.expect("it speaks").speed, 1.0);
        assert_eq!(after(&Value::Null), Settings::default());
    }
    #[test]
    fn a_list_is_replaced_and_a_part_that_was_not_there_begins_with_its_defaults() {
        let changed = after(&json!({"languages": ["fr"], "avatar": {"model": "ada"}}));
        let avatar = Avatar {
            model: "ada".into(),
            ..Avatar::default()
        };
        assert_eq!(
            (changed.languages, changed.avatar),
            (vec!["fr".to_owned()], Some(avatar))
        );
    }
    #[test]
    fn what_is_no_patch_is_refused() {
        for patch in ["", "7", "[]", r#"{"greeting": 7}"#, r#"{"voice": "loud"}"#] {
            assert!(patched(&settings(), patch).is_err(), "{patch}");
        }
    }
}
