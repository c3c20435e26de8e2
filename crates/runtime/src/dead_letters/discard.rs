//! Discarding: a letter that will not be handled. Its key waits for one less.
use super::letter::{Brief, brief};
use super::{DeadLetters, Fate, LettersError, Place, signed};

/// What a discard did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Discarded {
    /// What is kept of it: who, why, when.
    pub fate: Fate,
    /// Dead letters that hold the key still. At 0 it is free for what comes from now on; until then the letters
    /// behind this one must be redriven or discarded, too.
    pub still_held: usize,
}

impl DeadLetters {
    /// The letter will not be handled; `by` says who decided it, and `why`. Interrupted, it may be called again.
    ///
    /// # Errors
    /// [`LettersError::Settled`] if it was redriven, or is being redriven; see [`LettersError`] for the rest.
    pub async fn discard(
        &self,
        place: &Place,
        by: &str,
        why: &str,
    ) -> Result<Discarded, LettersError> {
        let (by, why) = (
            signed(by, "who discards it")?,
            signed(why, "why it is discarded")?,
        );
        let message = self.message(place).await?;
        let brief = brief(&message);
        let begun = loop {
            let (version, fate) = self.fate_row(&brief).await?;
            match fate {
                Fate::Waiting => {}
                Fate::Discarding { by, why, at_ms } => break (version, by, why, at_ms),
                Fate::Discarded { .. } => {
                    let still_held = self.held(&brief).await?;
                    return Ok(Discarded { fate, still_held });
                }
                fate => {
                    return Err(LettersError::Settled {
                        place: place.clone(),
                        fate,
                    });
                }
            }
            let (by, why, at_ms) = (by.clone(), why.clone(), self.ports.clock.now_ms());
            let fate = Fate::Discarding {
                by: by.clone(),
                why: why.clone(),
                at_ms,
            };
            if self.decide(&brief, version, &fate).await? {
                break (version + 1, by, why, at_ms);
            }
        };
        let still_held = self.let_go(&brief).await?;
        let (version, by, why, at_ms) = begun;
        let told = self.decided(&brief, &message, "discarded", &by, &why, at_ms);
        if let Some(told) = told.await? {
            self.ports.log.append(vec![told]).await?;
        }
        let fate = Fate::Discarded { by, why, at_ms };
        // If it is lost, somebody else went on with it and was faster: it is discarded all the same.
        self.decide(&brief, version, &fate).await?;
        Ok(Discarded { fate, still_held })
    }

    async fn held(&self, brief: &Brief) -> Result<usize, LettersError> {
        let Some(id) = &brief.holds else { return Ok(0) };
        Ok(self
            .hold(brief.place.consumer(), id)
            .await?
            .map_or(0, |(_, hold)| hold.held.len()))
    }

    /// Takes the letter out of its hold. The consumer's lane may know the hold as it was: it then loses its
    /// next save of it, and begins anew from the store.
    async fn let_go(&self, brief: &Brief) -> Result<usize, LettersError> {
        let Some(id) = &brief.holds else { return Ok(0) };
        let consumer = brief.place.consumer();
        loop {
            let Some((row, mut hold)) = self.hold(consumer, id).await? else {
                return Ok(0);
            };
            if !self.is_last_of_its_message(brief).await? {
                return Ok(hold.held.len());
            }
            let before = hold.held.len();
            hold.held.retain(|held| !held.is(&brief.id));
            if hold.held.len() == before || self.save_hold(consumer, id, row, &hold).await? {
                return Ok(hold.held.len());
            }
        }
    }

    /// Whether no other letter of the same message (a copy that was sent again) is open or on its way.
    async fn is_last_of_its_message(&self, brief: &Brief) -> Result<bool, LettersError> {
        let line = self.line_of(&brief.place).await?;
        let others = line
            .letters
            .iter()
            .filter(|(other, _)| other.place != brief.place && other.id == brief.id);
        // One that was redriven and died again is this one, or one of those that are looked at here.
        let died_again = |place: &Place| {
            line.letters
                .iter()
                .any(|(other, _)| other.redriven.as_ref() == Some(place))
        };
        let mut holding = others.filter(|(other, fate)| match fate {
            Fate::Waiting | Fate::Redriving { .. } | Fate::Redriven { .. } => {
                !died_again(&other.place)
            }
            Fate::Discarding { .. } | Fate::Discarded { .. } => false,
        });
        Ok(holding.next().is_none())
    }
}
