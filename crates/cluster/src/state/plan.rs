//! Which commands change rows: those of one kind and collection together, those of one row after each other.
use super::ROWS;
use super::document::BODY_MAX;
use super::fault::corrupt;
use runtime::PortError;
use runtime::ports::state::Save;
use std::collections::BTreeMap;

/// Bytes of one command, about; more than any one row.
const BYTES: usize = 12 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It must not be there, and becomes something.
    Insert,
    /// It changes.
    Update,
    /// It goes.
    Delete,
    /// It must not be there, and stays so.
    Nothing,
}

impl Kind {
    fn of(save: &Save) -> Self {
        match (save.expected, &save.row) {
            (0, Some(_)) => Self::Insert,
            (_, Some(_)) => Self::Update,
            (0, None) => Self::Nothing,
            (_, None) => Self::Delete,
        }
    }

    /// How many go into one command. Of deletions nothing is left to look at afterwards: one by one.
    fn most(self) -> usize {
        match self {
            Self::Delete => 1,
            _ => ROWS,
        }
    }
}

/// What one command is to do: changes of one kind in one collection, by their places among the saves.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) places: Vec<usize>,
}

/// Refuses what no store could keep.
pub(super) fn check(save: &Save) -> Result<(), PortError> {
    let Save {
        collection,
        id,
        expected,
        row,
    } = save;
    let Some(row) = row else { return Ok(()) };
    let next = expected.saturating_add(1);
    if row.version != next {
        return Err(corrupt(format!(
            "{collection}/{id}: the new version must be {next}"
        )));
    }
    if row.body.len() > BODY_MAX {
        let bytes = row.body.len();
        return Err(corrupt(format!(
            "{collection}/{id}: {bytes} bytes are more than the {BODY_MAX} that a row may have"
        )));
    }
    Ok(())
}

/// The commands, in rounds: what changes the same row twice comes in a later round, as each save takes effect after
/// those before it.
pub(super) fn plan(saves: &[Save]) -> Vec<Vec<Part>> {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut rounds: Vec<BTreeMap<(&str, Kind), Vec<usize>>> = vec![];
    for (place, save) in saves.iter().enumerate() {
        let round = seen.entry((&save.collection, &save.id)).or_default();
        if rounds.len() <= *round {
            rounds.push(BTreeMap::new());
        }
        let key = (save.collection.as_str(), Kind::of(save));
        rounds[*round].entry(key).or_default().push(place);
        *round += 1;
    }
    let parts = |round: BTreeMap<(&str, Kind), Vec<usize>>| {
        let mut parts = vec![];
        for ((_, kind), places) in round {
            let (mut part, mut bytes) = (vec![], 0);
            for place in places {
                let weight = 256 + saves[place].row.as_ref().map_or(0, |row| row.body.len());
                if !part.is_empty() && (part.len() >= kind.most() || bytes + weight > BYTES) {
                    let places = std::mem::take(&mut part);
                    parts.push(Part { kind, places });
                    bytes = 0;
                }
                part.push(place);
                bytes += weight;
            }
            parts.push(Part { kind, places: part });
        }
        parts
    };
    rounds.into_iter().map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::ports::state::Row;

    fn save(collection: &str, id: &str, expected: u64, bytes: Option<usize>) -> Save {
        let row = bytes.map(|bytes| Row {
            version: expected + 1,
            body: vec![b'x'; bytes],
            ..Row::default()
        });
        Save {
            collection: collection.into(),
            id: id.into(),
            expected,
            row,
        }
    }

    fn places(rounds: &[Vec<Part>]) -> Vec<Vec<(Kind, Vec<usize>)>> {
        let part = |part: &Part| (part.kind, part.places.clone());
        rounds
            .iter()
            .map(|round| round.iter().map(part).collect())
            .collect()
    }

    #[test]
    fn changes_of_one_kind_go_together_and_of_one_row_after_each_other() {
        let saves = [
            save("c", "1", 0, Some(1)),
            save("c", "2", 4, Some(1)),
            save("d", "1", 0, Some(1)),
            save("c", "1", 1, Some(1)),
            save("c", "3", 1, None),
            save("c", "4", 1, None),
            save("c", "5", 0, None),
            save("c", "6", 0, Some(1)),
        ];
        let wanted = vec![
            vec![
                (Kind::Insert, vec![0, 7]),
                (Kind::Update, vec![1]),
                (Kind::Delete, vec![4]),
                (Kind::Delete, vec![5]),
                (Kind::Nothing, vec![6]),
                (Kind::Insert, vec![2]),
            ],
            vec![(Kind::Update, vec![3])],
        ];
        assert_eq!(places(&plan(&saves)), wanted);
        assert_eq!(plan(&[]), Vec::<Vec<Part>>::new());
    }

    #[test]
    fn no_command_is_larger_than_a_server_takes() {
        let small: Vec<_> = (0..300)
            .map(|n| save("c", &n.to_string(), 1, Some(1)))
            .collect();
        let sizes: Vec<_> = plan(&small)[0]
            .iter()
            .map(|part| part.places.len())
            .collect();
        assert_eq!(sizes, [128, 128, 44]);
        let large: Vec<_> = (0..5)
            .map(|n| save("c", &n.to_string(), 1, Some(5 << 20)))
            .collect();
        let sizes: Vec<_> = plan(&large)[0]
            .iter()
            .map(|part| part.places.len())
            .collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn what_no_store_could_keep_is_refused() {
        assert_eq!(check(&save("c", "1", 3, Some(BODY_MAX))), Ok(()));
        assert!(check(&save("c", "1", 3, Some(BODY_MAX + 1))).is_err());
        let mut leap = save("c", "1", 3, Some(1));
        if let Some(row) = &mut leap.row {
            row.version = 5;
        }
        assert!(check(&leap).is_err());
    }
}
