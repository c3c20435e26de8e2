//! Claims about answers: each quote really stands where it is said to stand.
use super::{Against, Claim, claim};
use crate::demo::evidence::{Answer, Evidence};
use crate::demo::found::Found;
use crate::demo::questions::Expected;

pub(super) fn answered(index: usize, answer: &Answer, found: &Found) -> Claim {
    let mut against = Against::default();
    for citation in &answer.citations {
        let passages = found
            .documents
            .get(&citation.document)
            .map(|shelf| shelf.passages.as_slice())
            .unwrap_or_default();
        against.unless(!citation.quote.is_empty(), || {
            format!("{} is cited without a quote", citation.name)
        });
        for sentence in citation.quote.split(" … ") {
            let there = |(text, page): &(String, Option<i64>)| {
                *page == citation.page && text.contains(sentence)
            };
            against.unless(passages.iter().any(there), || {
                let page = citation
                    .page
                    .map_or_else(String::new, |page| format!(", page {page},"));
                format!("{}{page} does not say {sentence:?}", citation.name)
            });
        }
    }
    against.unless(answer.known != answer.citations.is_empty(), || {
        if answer.known {
            "it claims to know, and cites nothing".into()
        } else {
            "it does not know, and cites all the same".into()
        }
    });
    match &answer.expected {
        None => {}
        Some(Expected::Unknown) => against.unless(!answer.known, || {
            format!("it claims to know what stands nowhere: {:?}", answer.text)
        }),
        Some(Expected::Stands {
            document,
            page,
            phrase,
        }) => {
            let right = answer
                .citations
                .iter()
                .any(|c| c.name == *document && c.page == *page && c.quote.contains(phrase));
            against.unless(right, || {
                format!("{document} should be quoted with {phrase:?}")
            });
        }
    }
    let figures = match answer.citations.first() {
        None => "I don't know".into(),
        Some(first) => {
            let page = first
                .page
                .map_or_else(String::new, |page| format!(", page {page}"));
            let more = match answer.citations.len() {
                1 => String::new(),
                n => format!(", and {} more", n - 1),
            };
            format!("{}{page}{more}", first.name)
        }
    };
    claim(
        format!("answer-{}", index + 1),
        &answer.question,
        figures,
        against,
    )
}

pub(super) fn asked_all(seen: &Evidence) -> Claim {
    let mut against = Against::default();
    let (answered, asked) = (seen.answers.len(), seen.questions);
    against.unless(asked > 0 && answered == asked, || {
        format!(
            "{} questions were not answered",
            asked.saturating_sub(answered)
        )
    });
    let unknown = seen.answers.iter().filter(|answer| !answer.known).count();
    claim(
        "asked",
        "every question was answered",
        format!("{answered} of {asked}, {unknown} of them with \"I don't know\""),
        against,
    )
}
