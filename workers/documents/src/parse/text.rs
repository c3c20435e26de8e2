//! Bytes to text, whatever encoding they have, and text to tidy text.
use super::ParseError;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use unicode_normalization::UnicodeNormalization;

/// Bytes at the beginning in which an HTML page names its encoding (HTML standard, 13.2.3.2).
const PRESCAN: usize = 1_024;
/// Bytes by which UTF-16 without a mark is recognised.
const UTF16_SAMPLE: usize = 4_096;

/// Decodes text: by its byte order mark, as UTF-8, as UTF-16 without a mark, by the declared `charset`, else by what the
/// bytes look like. Line ends become `\n`; control characters vanish; NFC.
///
/// # Errors
/// [`ParseError::UnsupportedMediaType`] for what is no text, [`ParseError::Undecodable`], or [`ParseError::Corrupt`] for
/// UTF-8 that ends within a character.
pub(super) fn decode(bytes: &[u8], declared: &str) -> Result<String, ParseError> {
    let (encoding, bytes) = detect(bytes, declared)?;
    let (decoded, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        return Err(ParseError::Undecodable {
            detail: format!("it is not {} throughout", encoding.name()),
        });
    }
    let controls = decoded.chars().filter(|c| is_noise(*c)).count();
    if controls * 100 > decoded.chars().count() {
        return Err(binary());
    }
    Ok(tidy(&decoded))
}

fn detect<'a>(
    bytes: &'a [u8],
    declared: &str,
) -> Result<(&'static Encoding, &'a [u8]), ParseError> {
    if bytes.starts_with(&[0xFF, 0xFE, 0, 0]) || bytes.starts_with(&[0, 0, 0xFE, 0xFF]) {
        return Err(ParseError::Undecodable {
            detail: "it is UTF-32".to_owned(),
        });
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok((encoding, &bytes[mark..]));
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return Ok((encoding, bytes));
    }
    if bytes.contains(&0) {
        return Err(binary());
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => return Ok((UTF_8, bytes)),
        // Cut within a character; plain ASCII before it would rather be an old encoding that ends in an accent.
        Err(error) if error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii() => {
            return Err(ParseError::corrupt(
                "a text",
                "it ends in the middle of a character",
            ));
        }
        Err(_) => {}
    }
    let named =
        charset(declared.as_bytes()).or_else(|| charset(&bytes[..bytes.len().min(PRESCAN)]));
    if let Some(encoding) =
        named.filter(|encoding| *encoding != UTF_8 && encoding.is_ascii_compatible())
    {
        return Ok((encoding, bytes));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Ok((detector.guess(None, Utf8Detection::Deny), bytes))
}

/// Finds `charset=…` in a media type or at the beginning of an HTML page.
fn charset(text: &[u8]) -> Option<&'static Encoding> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let (_, after) = text.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let end = label
        .find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c))
        .unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// Latin text in UTF-16 has a zero in every second byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(UTF16_SAMPLE) & !1];
    let zeros = |offset: usize| {
        sample
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let most = sample.len() * 2 / 5;
    match (even, odd) {
        (0, odd) if odd > 0 && odd >= most => Some(UTF_16LE),
        (even, 0) if even > 0 && even >= most => Some(UTF_16BE),
        _ => None,
    }
}

fn binary() -> ParseError {
    ParseError::UnsupportedMediaType {
        found: "binary data of an unknown kind".to_owned(),
    }
}

/// Characters that text does not have: controls but for line ends, tabs and form feeds.
fn is_noise(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{85}')
}

/// Line ends to `\n`, no controls, no byte order marks, NFC.
pub(super) fn tidy(text: &str) -> String {
    let lines = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{c}'], "\n");
    lines
        .chars()
        .filter(|c| !is_noise(*c) && *c != '\u{feff}')
        .nfc()
        .collect()
}

/// All white space to single spaces, none at the ends.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_whatever_its_encoding() {
        let text = "Öffnungszeiten: täglich für 14 €\n";
        let utf16 = |little: bool, mark: bool| -> Vec<u8> {
            let mark = if mark { "\u{feff}" } else { "" };
            let units = format!("{mark}{text}").encode_utf16().collect::<Vec<_>>();
            units
                .iter()
                .flat_map(|unit| {
                    if little {
                        unit.to_le_bytes()
                    } else {
                        unit.to_be_bytes()
                    }
                })
                .collect()
        };
        let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked,
            windows,
            utf16(true, true),
            utf16(false, true),
            utf16(true, false),
            utf16(false, false),
        ] {
            assert_eq!(decode(&bytes, "").as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn the_declared_encoding_decides_where_bytes_could_be_many() {
        let cyrillic = encoding_rs::KOI8_R.encode("Луна").0;
        assert_eq!(
            decode(&cyrillic, "text/plain; charset=koi8-r").as_deref(),
            Ok("Луна")
        );
        let page = [b"<meta charset='koi8-r'>".as_slice(), &cyrillic].concat();
        assert_eq!(
            decode(&page, "").as_deref(),
            Ok("<meta charset='koi8-r'>Луна")
        );
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"ab\0\x01\x02cd", ""), Err(binary()));
        assert_eq!(decode(b"ab\x01\x02\x03cd", ""), Err(binary()));
        assert!(matches!(
            decode(
                "déjà vu, à"
                    .as_bytes()
                    .split_last()
                    .map_or(&[], |(_, rest)| rest),
                ""
            ),
            Err(ParseError::Corrupt { .. })
        ));
        assert!(matches!(
            decode(&[0xFF, 0xFE, 0, 0, 65, 0, 0, 0], ""),
            Err(ParseError::Undecodable { .. })
        ));
        assert!(matches!(
            decode(&[0xFF, 0xFE, 65, 0, 0, 0xD8, 66, 0], ""),
            Err(ParseError::Undecodable { .. })
        ));
    }

    #[test]
    fn line_ends_and_controls_are_tidied() {
        assert_eq!(tidy("a\r\nb\rc\u{feff}\u{7}d e\u{301}"), "a\nb\ncd é");
    }
}
