//! How passages stand in their blob: a JSON array, written by the documents worker, read here.
use serde::{Deserialize, Serialize};

/// The most passages of one document.
pub const MAX_PASSAGES: usize = 1_000_000;

/// A piece of a document that can be found and quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Its place in the document, from 0 without gaps.
    pub ordinal: u32,
    /// What is searched and quoted; never blank.
    pub text: String,
    /// The headings above it, outermost first.
    #[serde(default)]
    pub headings: Vec<String>,
    /// Page or sheet, from 1; absent where the format has neither.
    #[serde(default)]
    pub page: Option<u32>,
}

/// Why bytes are not passages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a JSON array of passages.
    #[error("not a JSON array of passages: {0}")]
    NotPassages(String),
    /// Two passages in one place, or a gap: a count could no longer be trusted.
    #[error("passage {found} stands where {expected} should")]
    OutOfPlace {
        /// The ordinal that should be there.
        expected: usize,
        /// The one that is.
        found: u32,
    },
    /// More than [`MAX_PASSAGES`].
    #[error("{0} passages, and {MAX_PASSAGES} are allowed")]
    TooMany(usize),
}

/// Reads the passages of a blob.
///
/// # Errors
/// [`Unreadable`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Passage>, Unreadable> {
    let passages: Vec<Passage> =
        serde_json::from_slice(bytes).map_err(|e| Unreadable::NotPassages(e.to_string()))?;
    if passages.len() > MAX_PASSAGES {
        return Err(Unreadable::TooMany(passages.len()));
    }
    let out_of_place = passages
        .iter()
        .enumerate()
        .find(|(place, passage)| passage.ordinal as usize != *place);
    match out_of_place {
        Some((expected, passage)) => Err(Unreadable::OutOfPlace {
            expected,
            found: passage.ordinal,
        }),
        None => Ok(passages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_a_json_array_with_headings_and_pages() {
        let bytes = br#"[{"ordinal":0,"text":"a","headings":["H","I"],"page":2},{"ordinal":1,"text":"b","headings":[],"page":null}]"#;
        let read = decode(bytes).expect("passages");
        assert_eq!(read[0].headings, ["H", "I"]);
        assert_eq!((read[0].page, read[1].page), (Some(2), None));
    }
    #[test]
    fn a_gap_or_a_repeat_is_found() {
        let gap = br#"[{"ordinal":0,"text":"a"},{"ordinal":2,"text":"b"}]"#;
        assert_eq!(
            decode(gap),
            Err(Unreadable::OutOfPlace {
                expected: 1,
                found: 2
            })
        );
        let repeat = br#"[{"ordinal":0,"text":"a"},{"ordinal":0,"text":"b"}]"#;
        assert_eq!(
            decode(repeat),
            Err(Unreadable::OutOfPlace {
                expected: 1,
                found: 0
            })
        );
    }
    #[test]
    fn half_a_blob_is_unreadable() {
        assert!(matches!(
            decode(br#"[{"ordinal":0,"te"#),
            Err(Unreadable::NotPassages(_))
        ));
        assert!(matches!(decode(b""), Err(Unreadable::NotPassages(_))));
    }
}
