//! Who asked was answered: once, and the same wherever they look.
use super::super::load::{Command, Kind};
use super::Case;
use super::Seen;
use events::ReplyStatus;
use std::collections::BTreeSet;

fn how(answer: &Seen) -> &'static str {
    match answer.envelope.reply_status {
        Some(ReplyStatus::Done) => "done",
        Some(ReplyStatus::Refused) => "refused",
        _ => "failed",
    }
}

/// How a command went, as whoever asked was told.
fn outcome(case: &Case<'_>, command: &Command) -> &'static str {
    let told = case.ended.http.told(&command.request);
    let first = case.answers_to(command).first().map(|first| how(first));
    first.or(told.map(|told| told.how)).unwrap_or("unanswered")
}

/// How each command of a run went.
pub fn outcomes(case: &Case<'_>) -> Vec<(Kind, &'static str)> {
    let commands = case.ended.commands.iter();
    commands
        .map(|command| (command.kind, outcome(case, command)))
        .collect()
}

/// D5: every command has one final answer; if it was a dead letter, or waited behind one, it may have failed first.
pub fn answers(case: &Case<'_>) -> Vec<String> {
    let mut broken = vec![];
    for command in &case.ended.commands {
        let answers = case.answers_to(command);
        // The copy of a command from outside is told the same once more.
        let what = |answer: &&&Seen| match answer.envelope.command {
            Some(_) => (None, answer.message.payload.clone()),
            None => (Some(answer.id.clone()), Default::default()),
        };
        let failed = |answer: &&&Seen| how(answer) == "failed";
        let final_ones: BTreeSet<_> = answers
            .iter()
            .filter(|a| !failed(a))
            .map(|a| what(&a))
            .collect();
        let told = || -> Vec<_> {
            let told = answers.iter();
            told.map(|answer| (&answer.id, how(answer), answer.code()))
                .collect()
        };
        let never_begun = || {
            let told = case.ended.http.told(&command.request);
            told.is_some_and(|told| !told.begun)
        };
        let unanswered = answers.is_empty() && (command.said.is_some() || !never_begun());
        if unanswered || final_ones.len() > 1 {
            broken.push(format!(
                "{:?} {} of {} has {} final answers: {:?}",
                command.kind,
                command.request,
                command.tenant,
                answers.len(),
                told()
            ));
        }
    }
    broken
}

/// H1, H2: over HTTP every client has its answer in the end: the first that was given, on any edge, however often it asks.
pub fn over_http(case: &Case<'_>) -> Vec<String> {
    let http = &case.ended.http;
    let mut broken = http.wrong();
    if http.waiting() > 0 {
        broken.push(format!("{} clients still wait", http.waiting()));
    }
    for command in case.ended.commands.iter().filter(|c| c.said.is_none()) {
        let Some(told) = http.told(&command.request) else {
            continue;
        };
        let given: Vec<_> = case.answers_to(command).into_iter().map(how).collect();
        if told.begun && !given.is_empty() && !given.contains(&told.how) {
            broken.push(format!(
                "{:?} {} was answered {given:?}, and its client was told {told:?}",
                command.kind, command.request
            ));
        }
    }
    broken
}

/// Whether a chatbot's command of a kind went so.
pub fn went(case: &Case<'_>, kind: Kind, chatbot: &str, how: &str) -> bool {
    let commands = case.ended.commands.iter();
    let mut of_it = commands.filter(|c| c.kind == kind && c.chatbot == chatbot);
    of_it.any(|command| outcome(case, command) == how)
}
