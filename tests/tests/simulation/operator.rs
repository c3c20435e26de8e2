//! A person who puts right what can be put right.
use super::business::EFFECTS;
use super::load::Load;
use super::seen::{Seen, seen};
use events::envelope::name;
use runtime::engine::header;
use runtime::ports::log::Outgoing;
use runtime::testkit::sim::Sim;
use std::collections::BTreeSet;

/// Redrives the dead letters of the handlers that were not redriven yet (D4); says whether there were any.
pub async fn redrive_all(load: &Load, sim: &Sim) -> bool {
    let before: BTreeSet<String> = seen(sim, EFFECTS)
        .into_iter()
        .filter_map(|message| message.envelope.redriven)
        .collect();
    let letters = seen(sim, &format!("{EFFECTS}.dead"));
    let letters: Vec<Seen> = letters
        .into_iter()
        .filter(|letter| !before.contains(&letter.place()))
        .collect();
    for letter in &letters {
        let mut headers = letter.message.headers.clone();
        headers.0.retain(|(header, _)| !header.starts_with("dlq-"));
        headers.set(name::REDRIVEN, letter.place());
        let (key, payload) = (letter.message.key.clone(), letter.message.payload.clone());
        let message = Outgoing {
            topic: EFFECTS.to_owned(),
            partition: None,
            key,
            headers,
            payload,
        };
        load.ports()
            .log
            .append(vec![message])
            .await
            .expect("the operator has no faults");
    }
    let _ = header::CODE;
    !letters.is_empty()
}
