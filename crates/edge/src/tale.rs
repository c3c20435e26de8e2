//! An answer while it is written: what to say of each delta, pure (H3).

/// What a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// What was said so far no longer counts: another attempt begins.
    Reset,
    /// More of the answer.
    More(String),
}

/// What was told so far, of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Tale {
    attempt: i64,
    /// The number of the last delta told.
    last: Option<i64>,
    text: String,
}

impl Tale {
    /// One delta: attempts from 1, numbers rising within one. What belongs to a lower attempt, or was told already,
    /// is dropped.
    pub fn hear(&mut self, attempt: i64, n: i64, reset: bool, text: &str) -> Vec<Say> {
        let mut says = Vec::new();
        if attempt < self.attempt {
            return says;
        }
        if attempt > self.attempt {
            if !self.text.is_empty() {
                says.push(Say::Reset);
            }
            *self = Self {
                attempt,
                ..Self::default()
            };
        }
        if self.last.is_some_and(|last| n <= last) {
            return says;
        }
        self.last = Some(n);
        if reset && !self.text.is_empty() {
            self.text.clear();
            says.push(Say::Reset);
        }
        if !text.is_empty() {
            self.text.push_str(text);
            says.push(Say::More(text.to_owned()));
        }
        says
    }

    /// The whole answer is known: what is missing, so that whoever put the pieces together has it too.
    pub fn finish(&mut self, attempt: i64, whole: &str) -> Vec<Say> {
        let mut says = Vec::new();
        let told = if attempt == self.attempt || self.text.is_empty() {
            whole.strip_prefix(self.text.as_str())
        } else {
            None
        };
        match told {
            Some("") => {}
            Some(rest) => says.push(Say::More(rest.to_owned())),
            None => says.extend([Say::Reset, Say::More(whole.to_owned())]),
        }
        *self = Self {
            attempt,
            last: self.last,
            text: whole.to_owned(),
        };
        says
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(text: &str) -> Say {
        Say::More(text.into())
    }
    #[test]
    fn pieces_are_told_once_and_in_order() {
        let mut tale = Tale::default();
        assert_eq!(tale.hear(1, 0, false, "The "), [more("The ")]);
        assert_eq!(tale.hear(1, 0, false, "The "), []);
        assert_eq!(tale.hear(1, 1, false, "answer"), [more("answer")]);
        assert_eq!(tale.finish(1, "The answer"), []);
    }
    #[test]
    fn a_new_attempt_resets_and_a_lower_one_is_dropped() {
        let mut tale = Tale::default();
        tale.hear(1, 0, false, "Wrong");
        assert_eq!(tale.hear(2, 0, true, ""), [Say::Reset]);
        assert_eq!(tale.hear(1, 1, false, " still"), []);
        assert_eq!(tale.hear(2, 1, false, "Right"), [more("Right")]);
    }
    #[test]
    fn what_is_missing_comes_at_the_end() {
        let mut tale = Tale::default();
        tale.hear(1, 0, false, "The ");
        assert_eq!(tale.clone().finish(1, "The answer"), [more("answer")]);
        assert_eq!(
            tale.clone().finish(2, "Another"),
            [Say::Reset, more("Another")]
        );
        assert_eq!(Tale::default().finish(3, "Whole"), [more("Whole")]);
    }
    #[test]
    fn a_gap_is_healed_at_the_end() {
        let mut tale = Tale::default();
        tale.hear(1, 0, false, "a");
        tale.hear(1, 2, false, "c");
        assert_eq!(tale.finish(1, "abc"), [Say::Reset, more("abc")]);
    }
}
