//! The honest sentence: nothing relevant was found.

/// In the first of these languages (BCP 47) that we can say it in; else in English.
pub fn sentence(languages: &[String]) -> &'static str {
    let primary = languages.iter().filter_map(|tag| tag.split('-').next());
    primary
        .filter_map(|language| said_in(&language.to_lowercase()))
        .next()
        .unwrap_or(ENGLISH)
}

const ENGLISH: &str = "I don't know: I found nothing about this in the documents that I was given.";

fn said_in(language: &str) -> Option<&'static str> {
    Some(match language {
        "en" => ENGLISH,
        "de" => "Das weiß ich nicht: In den Dokumenten, die ich habe, finde ich nichts dazu.",
        "fr" => {
            "Je ne sais pas : je n'ai rien trouvé à ce sujet dans les documents dont je dispose."
        }
        "es" => "No lo sé: no he encontrado nada al respecto en los documentos que tengo.",
        "it" => "Non lo so: non ho trovato nulla al riguardo nei documenti che ho.",
        "nl" => "Dat weet ik niet: ik vind er niets over in de documenten die ik heb.",
        "pt" => "Não sei: não encontrei nada sobre isso nos documentos que tenho.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_in_the_chatbots_language_or_in_english() {
        assert!(sentence(&["de-AT".into(), "en".into()]).starts_with("Das weiß ich nicht"));
        assert!(sentence(&["tlh".into(), "fr".into()]).starts_with("Je ne sais pas"));
        assert_eq!(sentence(&[]), ENGLISH);
    }
}
