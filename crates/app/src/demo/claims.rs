//! What the demo claims, each held against what was seen from outside and what is in the database. Pure, so that each can
//! be seen to fail.
mod answers;
mod documents;
mod undoing;

use self::answers::{answered, asked_all};
use self::documents::{crashed, ingested, ledger, not_doubled};
use self::undoing::{nothing_left, undone};
use super::evidence::Evidence;
use super::found::Found;
use serde::Serialize;

/// A claim, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Names it for programs.
    pub id: String,
    /// What is claimed.
    pub claim: String,
    /// Whether it holds.
    pub holds: bool,
    /// The figures that were found.
    pub figures: String,
    /// What contradicts it; empty if it holds.
    pub against: Vec<String>,
}

/// Collects what contradicts a claim.
#[derive(Default)]
struct Against(Vec<String>);
impl Against {
    fn unless(&mut self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.0.push(why());
        }
    }
}

fn claim(
    id: impl Into<String>,
    claim: impl Into<String>,
    figures: String,
    against: Against,
) -> Claim {
    Claim {
        id: id.into(),
        claim: claim.into(),
        holds: against.0.is_empty(),
        figures,
        against: against.0,
    }
}

/// Every claim. Without `found` (the database cannot be read) whatever needs it does not hold.
pub fn claims(seen: &Evidence, found: Option<&Found>) -> Vec<Claim> {
    let nothing = Found::default();
    let found = found.unwrap_or(&nothing);
    let mut all = vec![
        ingested(seen),
        crashed(seen, found),
        ledger(seen, found),
        not_doubled(seen, found),
    ];
    all.extend(
        seen.answers
            .iter()
            .enumerate()
            .map(|(i, answer)| answered(i, answer, found)),
    );
    all.extend([
        asked_all(seen),
        undone(seen),
        nothing_left(seen, found),
        all_done(found),
        stopped(seen),
    ]);
    if let Some(broke_off) = &seen.broke_off {
        let mut against = Against::default();
        against.0.push(broke_off.why.clone());
        all.push(claim(
            "finished",
            "every step came to its end in time",
            format!("broke off: {}", broke_off.step),
            against,
        ));
    }
    all
}

fn all_done(found: &Found) -> Claim {
    let log = &found.log;
    let mut against = Against::default();
    against.unless(log.messages > 0, || "there is no log".into());
    against.unless(log.dead_letters == 0, || {
        format!("{} messages could not be handled", log.dead_letters)
    });
    against.0.extend(
        log.behind
            .iter()
            .take(5)
            .map(|what| format!("not read to its end: {what}")),
    );
    let figures = format!(
        "{} messages, {} dead letters; {} checkpoints, {} not at the end",
        log.messages,
        log.dead_letters,
        log.checkpoints,
        log.behind.len()
    );
    claim("all-done", "every message was handled", figures, against)
}

fn stopped(seen: &Evidence) -> Claim {
    let mut against = Against::default();
    against.unless(seen.exit_code == Some(0), || {
        "it did not stop cleanly".into()
    });
    let code = seen
        .exit_code
        .map_or_else(|| "none".to_owned(), |code| code.to_string());
    claim(
        "stopped",
        "SIGTERM stops it cleanly",
        format!("exit code {code}"),
        against,
    )
}
