//! Whether a cluster is ready for workers. Nothing is made here: that is an operator's command, which says what it does.
use crate::cli::Failed;
use crate::config::Config;
use crate::wiring::Collections;
use cluster::admin::{Action, Admin};
use cluster::settings::Process;
use events::map::TopicMap;

/// So much of what is missing is named.
const NAMED: usize = 5;

/// That nothing is missing which a worker needs, and that it is the cluster that is meant.
///
/// # Errors
/// [`Failed`], with what is missing and the commands that make it.
pub async fn check(config: &Config) -> Result<(), Failed> {
    let records = events::all_records();
    let map = TopicMap::embedded();
    let admin = Admin::open(&config.cluster, &Process, map, &records).await?;
    let plan = admin.plan().await?;
    let needed = plan.actions.iter().filter(|action| is_needed(action));
    // `+ topic documents.document: 4 partitions, …`
    let name = |action: &Action| {
        let text = action.to_string();
        let name = text.split(':').next().unwrap_or_default();
        name.trim_start_matches("+ ").to_owned()
    };
    let topics: Vec<String> = needed.map(name).collect();
    let stores = Collections::open(config).await?.missing().await?;
    let mut why = String::new();
    for (what, how) in [
        (topics, "`troupe topics plan`, then `troupe topics apply`"),
        (stores, "`troupe state prepare`"),
    ] {
        if !what.is_empty() {
            why.push_str(&told(&what, how));
        }
    }
    match why.as_str() {
        "" => Ok(()),
        why => Err(Failed::Other(format!("the cluster is not prepared{why}"))),
    }
}

/// Settings and levels that differ are `troupe topics drift`'s to tell: workers run all the same.
fn is_needed(action: &Action) -> bool {
    match action {
        Action::CreateTopic { .. }
        | Action::RegisterSchema { .. }
        | Action::FirstCheckpoints { .. } => true,
        Action::ConfigureTopic { .. } | Action::SetLevel { .. } => false,
    }
}

fn told(what: &[String], how: &str) -> String {
    let named = what.iter().take(NAMED).map(String::as_str);
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match what.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("\n  missing: {named}{more}\n    make them: {how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_makes_it() {
        let one = ["topic documents.document".to_owned()];
        let said = told(&one, "`troupe topics apply`");
        let wanted = "\n  missing: topic documents.document\n    make them: `troupe topics apply`";
        assert_eq!(said, wanted);
        let many: Vec<String> = (0..9).map(|n| format!("mongodb: {n}")).collect();
        let said = told(&many, "x");
        assert!(said.contains("mongodb: 4 and 4 more\n"), "{said}");
    }
}
