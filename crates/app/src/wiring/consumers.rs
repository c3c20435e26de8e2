//! Which consumers run, and what each worker is given from outside.
use super::StartError;
use super::Where;
use crate::Config;
use crate::config::closest;
use events::map::TopicMap;
use runtime::Consumer;
use runtime::answers_outside;
use runtime::breaker::Breakers;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Which consumers run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those of these contexts (`documents`), and these consumers (`documents.effects`).
    These(Vec<String>),
}

/// What a process does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Which consumers run.
    pub consumers: Selection,
    /// Whether it answers HTTP.
    pub edge: bool,
    /// Where everything is kept.
    pub at: Where,
    /// Where health and metrics are shown by a process that does not answer HTTP, if they are.
    pub health: Option<SocketAddr>,
}
impl Roles {
    /// Everything: `troupe up`.
    pub fn all() -> Self {
        Self {
            edge: true,
            ..Self::default()
        }
    }
    /// Every worker, without HTTP.
    pub fn workers() -> Self {
        Self::default()
    }
}

/// The consumers of all workers, of the edge, and of the answers to outsiders.
///
/// # Errors
/// [`StartError::Config`] or [`StartError::Models`] if a model endpoint cannot be used.
pub fn all(config: &Config, breakers: &Breakers) -> Result<Vec<Consumer>, StartError> {
    let models = super::models::Models::of(&config.models, breakers)?;
    let workers = [
        documents::consumers(config.parsing.limits()),
        knowledge::consumers(models.of_passages),
        chatbots::consumers(),
        answers::consumers(models.of_questions, models.writers),
        conversations::consumers(),
        edge::consumers(),
        answers_outside::consumers(TopicMap::embedded()),
    ];
    Ok(workers.into_iter().flatten().collect())
}

/// Those that `roles` names.
pub(super) fn chosen(
    config: &Config,
    breakers: &Breakers,
    roles: &Roles,
) -> Result<Vec<Consumer>, StartError> {
    let all = all(config, breakers)?;
    let Selection::These(names) = &roles.consumers else {
        return Ok(all);
    };
    let known: BTreeSet<&str> = all
        .iter()
        .flat_map(|consumer| [context(consumer.name), consumer.name])
        .collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name.as_str())) {
        let like = closest(name, known.iter().map(|&name| name.to_owned()).collect());
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(StartError::NoWorker {
            name: name.clone(),
            like,
            known,
        });
    }
    let wanted = |consumer: &Consumer| {
        names
            .iter()
            .any(|name| name == consumer.name || name == context(consumer.name))
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// `documents` of `documents.effects`.
fn context(consumer: &str) -> &str {
    consumer.split('.').next().unwrap_or(consumer)
}
