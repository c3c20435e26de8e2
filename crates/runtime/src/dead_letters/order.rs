//! The order in which letters are redriven: of each key as its hold says, then as they stand.
use super::letter::{Brief, brief};
use super::{DeadLetters, Fate, LettersError, Place};
use std::collections::{BTreeMap, BTreeSet};

/// So many letters are looked up one by one; of more the whole partition is read for them.
const FEW: usize = 20;

/// Letters that belong in one order: of one key, or of one view key.
pub(super) struct Line {
    pub consumer: String,
    /// As people know it.
    pub key: String,
    /// The hold that they are in, if order matters.
    pub hold: Option<String>,
    /// Those that may still be redriven come in the order in which they must be; then the others.
    pub letters: Vec<(Brief, Fate)>,
}

impl DeadLetters {
    /// All letters of a partition, line by line, in the order of each line's first letter.
    pub(super) async fn lines(
        &self,
        consumer: &str,
        partition: i32,
    ) -> Result<Vec<Line>, LettersError> {
        self.lines_where(consumer, partition, |_| true).await
    }

    /// The lines in which these letters stand. (A line is short, a topic of dead letters may be long.)
    pub(super) async fn lines_with(
        &self,
        consumer: &str,
        partition: i32,
        places: &BTreeSet<&Place>,
    ) -> Result<Vec<Line>, LettersError> {
        let mut lines = BTreeSet::new();
        if places.len() <= FEW {
            for place in places {
                match self.message(place).await {
                    Ok(message) => lines.insert(brief(&message).line()),
                    Err(LettersError::NoSuchLetter(_)) => false,
                    Err(error) => return Err(error),
                };
            }
        } else {
            let named = |brief: &Brief| places.contains(&brief.place);
            let found = self.briefs(consumer, partition, named).await?;
            lines.extend(found.iter().map(Brief::line));
        }
        self.lines_where(consumer, partition, |brief| lines.contains(&brief.line()))
            .await
    }

    /// Lines of a partition, each wanted as a whole or not at all.
    pub(super) async fn lines_where(
        &self,
        consumer: &str,
        partition: i32,
        wanted: impl Fn(&Brief) -> bool,
    ) -> Result<Vec<Line>, LettersError> {
        let briefs = self.briefs(consumer, partition, wanted).await?;
        let fates = self.fates(&briefs).await?;
        let mut places: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut lines: Vec<Line> = vec![];
        for (brief, fate) in briefs.into_iter().zip(fates) {
            let place = *places.entry(brief.line()).or_insert_with(|| {
                lines.push(Line {
                    consumer: consumer.to_owned(),
                    key: String::from_utf8_lossy(&brief.key).into_owned(),
                    hold: brief.holds.clone(),
                    letters: vec![],
                });
                lines.len() - 1
            });
            lines[place].hold = lines[place].hold.take().or_else(|| brief.holds.clone());
            lines[place].letters.push((brief, fate));
        }
        for line in &mut lines {
            self.put_in_order(line).await?;
        }
        Ok(lines)
    }

    /// One line only.
    pub(super) async fn line_of(&self, place: &Place) -> Result<Line, LettersError> {
        let none = || LettersError::NoSuchLetter(place.clone());
        let places = BTreeSet::from([place]);
        let lines = self.lines_with(place.consumer(), place.partition, &places);
        lines.await?.into_iter().next().ok_or_else(none)
    }

    async fn put_in_order(&self, line: &mut Line) -> Result<(), LettersError> {
        let some_open = line.letters.iter().any(|(_, fate)| fate.is_open());
        let hold = match &line.hold {
            Some(id) if some_open => self.hold(&line.consumer, id).await?,
            _ => None,
        };
        let held = hold.map_or_else(Vec::new, |(_, hold)| hold.held);
        // What an undo cancelled is in no hold any more: it comes last.
        line.letters.sort_by_key(|(brief, fate)| {
            let turn = held
                .iter()
                .position(|held| held.is(&brief.id))
                .unwrap_or(usize::MAX);
            (!fate.is_open(), turn, brief.place.offset)
        });
        Ok(())
    }
}
