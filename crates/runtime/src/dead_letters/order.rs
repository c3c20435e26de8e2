//! The order in which letters are redriven: of each key as its hold says, then as they stand.
use super::letter::Brief;
use super::{DeadLetters, Fate, LettersError, Place};
use std::collections::BTreeMap;

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
        let briefs = self.briefs(consumer, partition).await?;
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
        let lines = self.lines(place.consumer(), place.partition).await?;
        let mut lines = lines.into_iter();
        lines
            .find(|line| line.letters.iter().any(|(brief, _)| brief.place == *place))
            .ok_or_else(none)
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
