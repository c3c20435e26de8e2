//! From settings to what a model is told of who it is.
use crate::ChatbotRefusal;
use events::chatbots::Settings;

/// What a template may ask for.
pub const PLACEHOLDERS: &str = "{name}, {greeting}, {languages} and {style}";

/// Longest system prompt, in characters: it goes with every question.
pub const MAX_PROMPT: usize = 16_000;

/// The template of a chatbot that brings none.
pub const BUILT_IN: &str = "You are {name}. You answer questions of visitors, and you answer only from the passages \
that come with a question. If they do not hold the answer, say that you do not know.\n\
Answer in {languages}. {style}";

/// What is added to it for a chatbot that greets.
pub const BUILT_IN_GREETING: &str = "\nYou greet visitors with: {greeting}";

/// The system prompt of a chatbot. What is filled in is not looked at again: a name with braces stays as it is.
///
/// # Errors
/// An unknown placeholder, a lone brace, or more than [`MAX_PROMPT`] characters.
pub fn system_prompt(name: &str, settings: &Settings) -> Result<String, ChatbotRefusal> {
    let greets = !settings.greeting.trim().is_empty();
    let template = match settings.prompt_template.trim() {
        "" if greets => format!("{BUILT_IN}{BUILT_IN_GREETING}"),
        "" => BUILT_IN.to_owned(),
        template => template.to_owned(),
    };
    let mut rest = template.as_str();
    let mut prompt = String::new();
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        prompt.push_str(before);
        if let Some(after) = ["{{", "}}"]
            .iter()
            .find_map(|double| brace.strip_prefix(double))
        {
            prompt.push_str(&brace[..1]);
            rest = after;
            continue;
        }
        let inside = brace.strip_prefix('{').ok_or(ChatbotRefusal::LoneBrace)?;
        let (placeholder, after) = inside.split_once('}').ok_or(ChatbotRefusal::LoneBrace)?;
        prompt.push_str(&value(placeholder, name, settings)?);
        rest = after;
    }
    prompt.push_str(rest);
    if prompt.chars().nth(MAX_PROMPT).is_some() {
        return Err(ChatbotRefusal::PromptTooLong);
    }
    Ok(prompt.trim().to_owned())
}

fn value(placeholder: &str, name: &str, settings: &Settings) -> Result<String, ChatbotRefusal> {
    Ok(match placeholder.trim() {
        "name" => name.to_owned(),
        "greeting" => settings.greeting.clone(),
        "languages" if settings.languages.is_empty() => "the language of the question".to_owned(),
        "languages" => settings.languages.join(", "),
        "style" => style(settings),
        unknown => {
            return Err(ChatbotRefusal::UnknownPlaceholder(
                unknown.chars().take(50).collect(),
            ));
        }
    })
}

fn style(settings: &Settings) -> String {
    let answer = &settings.answer;
    let length = match answer.max_sentences {
        ..=0 => "Be brief.".to_owned(),
        1 => "Answer in one sentence.".to_owned(),
        most => format!("Answer in at most {most} sentences."),
    };
    match answer.tone.trim() {
        "" => length,
        tone => format!("{length} Your tone is {tone}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::chatbots::AnswerStyle;

    fn settings(template: &str) -> Settings {
        Settings {
            greeting: "Hi {name}!".into(),
            languages: vec!["en".into(), "de-CH".into()],
            prompt_template: template.into(),
            answer: AnswerStyle {
                max_sentences: 3,
                tone: "friendly".into(),
            },
            ..Settings::default()
        }
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        let prompt = system_prompt(
            "Ada",
            &settings("{name}|{greeting}|{ languages }|{style}|{{x}}"),
        );
        let wanted =
            "Ada|Hi {name}!|en, de-CH|Answer in at most 3 sentences. Your tone is friendly.|{x}";
        assert_eq!(prompt.as_deref(), Ok(wanted));
    }
    #[test]
    fn without_a_template_it_is_told_who_it_is_and_to_answer_from_passages_only() {
        let prompt = system_prompt("Ada", &Settings::default()).expect("the template is ours");
        assert!(prompt.starts_with("You are Ada."), "{prompt}");
        assert!(
            prompt.contains("the language of the question. Be brief."),
            "{prompt}"
        );
        assert!(!prompt.contains("greet"), "it has no greeting: {prompt}");
        let greeting = Settings {
            greeting: "Welcome!".into(),
            ..Settings::default()
        };
        let prompt = system_prompt("Ada", &greeting).expect("the template is ours");
        assert!(
            prompt.ends_with("\nYou greet visitors with: Welcome!"),
            "{prompt}"
        );
    }
    #[test]
    fn an_unknown_placeholder_is_refused_by_name() {
        let refused = system_prompt("Ada", &settings("You are {nmae}."));
        assert_eq!(
            refused,
            Err(ChatbotRefusal::UnknownPlaceholder("nmae".into()))
        );
        let says = refused.expect_err("it is refused").to_string();
        let wanted = "the prompt template has a placeholder {nmae}; there are {name}, {greeting}, {languages} and {style}";
        assert_eq!(says, wanted);
    }
    #[test]
    fn a_brace_that_stands_alone_is_refused() {
        for template in ["a { b", "a } b", "{name", "{}}"] {
            assert!(
                system_prompt("Ada", &settings(template)).is_err(),
                "{template}"
            );
        }
    }
    #[test]
    fn a_prompt_that_grows_too_long_is_refused() {
        let long = Settings {
            greeting: "x".repeat(1_000),
            ..settings(&"{greeting}".repeat(17))
        };
        assert_eq!(
            system_prompt("Ada", &long),
            Err(ChatbotRefusal::PromptTooLong)
        );
    }
}
