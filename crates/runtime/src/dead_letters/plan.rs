//! What a redrive would do: how many letters, of which keys, in which order.
use super::letter::Brief;
use super::{DeadLetters, Filter, LettersError, Place};
use std::collections::BTreeSet;

/// What a redrive would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// Key by key, each in its order.
    pub keys: Vec<PlannedKey>,
}
/// The letters of one key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlannedKey {
    /// Whose letters they are.
    pub consumer: String,
    /// The key (of a view: of its first letter).
    pub key: String,
    /// In the order in which they would be redriven.
    pub places: Vec<Place>,
}
impl Plan {
    /// How many letters.
    pub fn count(&self) -> usize {
        self.keys.iter().map(|key| key.places.len()).sum()
    }
    /// All of them, in order.
    pub fn places(&self) -> Vec<Place> {
        self.keys
            .iter()
            .flat_map(|key| key.places.iter().cloned())
            .collect()
    }
}

impl DeadLetters {
    /// What would be redriven: every letter that fits and that nobody has redriven or discarded, and of its
    /// key all that must come before it.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn plan_redrive(&self, filter: &Filter) -> Result<Plan, LettersError> {
        let mut plan = Plan::default();
        for (consumer, partition) in self.partitions(filter)? {
            let lines: BTreeSet<Vec<u8>> = {
                let fits = |brief: &Brief| filter.fits(brief);
                let found = self.briefs(&consumer, partition, fits).await?;
                found.iter().map(Brief::line).collect()
            };
            if lines.is_empty() {
                continue;
            }
            let of_them = |brief: &Brief| lines.contains(&brief.line());
            for line in self.lines_where(&consumer, partition, of_them).await? {
                let open: Vec<&Brief> = line
                    .letters
                    .iter()
                    .filter(|(_, f)| f.is_open())
                    .map(|(b, _)| b)
                    .collect();
                let fits = |brief: &&Brief| filter.fits(brief);
                let places: Vec<Place> = if line.hold.is_some() {
                    let last = open.iter().rposition(fits).map_or(0, |last| last + 1);
                    open[..last]
                        .iter()
                        .map(|brief| brief.place.clone())
                        .collect()
                } else {
                    open.into_iter()
                        .filter(fits)
                        .map(|brief| brief.place.clone())
                        .collect()
                };
                if !places.is_empty() {
                    plan.keys.push(PlannedKey {
                        consumer: line.consumer,
                        key: line.key,
                        places,
                    });
                }
            }
        }
        Ok(plan)
    }

    /// The same for letters that are named by their places.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn plan_of(&self, places: &[Place]) -> Result<Plan, LettersError> {
        let mut plan = Plan::default();
        for ((consumer, partition), named) in self.by_partition(places)? {
            for line in self.lines_with(consumer, partition, &named).await? {
                let open = line.letters.iter().filter(|(_, fate)| fate.is_open());
                let mut open: Vec<Place> = open.map(|(brief, _)| brief.place.clone()).collect();
                let last = open.iter().rposition(|place| named.contains(place));
                if let Some(last) = last {
                    open.truncate(last + 1);
                    plan.keys.push(PlannedKey {
                        consumer: line.consumer,
                        key: line.key,
                        places: open,
                    });
                }
            }
        }
        Ok(plan)
    }
}
