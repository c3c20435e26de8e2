//! Packed streams of a PDF, unpacked only as far as the limits allow.
use super::pdf::damaged;
use super::{Limits, ParseError};
use flate2::read::{DeflateDecoder, ZlibDecoder};
use memchr::memmem;
use pdf_extract::{Dictionary, Object, Stream};
use std::borrow::Cow;
use std::io::{Read, Write};
use weezl::{BitOrder, decode::Decoder};

/// A stream's dictionary is looked for in this many bytes before it.
const DICTIONARY_WITHIN: usize = 64 << 10;
/// Looking for dictionaries may cost as many bytes as the file has, so many times, and [`FREE`] more.
const LOOKS: usize = 4;
/// Bytes that may be looked at in any file, however short.
const FREE: usize = 16 << 20;
/// What an encrypted file may hold of object streams as they stand, as a part of the limit: they pack 3 to 10 times.
const ENCRYPTED_PART: u64 = 64;

/// Filters that the reader undoes.
const FILTERS: [&str; 3] = ["ASCII85Decode", "FlateDecode", "LZWDecode"];

/// Unpacks into nothing what loading will unpack: streams of objects and of cross references. Streams that are surely
/// neither are left to [`super::pdf_bounds::prepare`], when their dictionaries are known.
///
/// What is encrypted cannot be unpacked here, so its packed length is held to a part of the limit.
pub(super) fn check_before_loading(bytes: &[u8], limits: &Limits) -> Result<(), ParseError> {
    let bomb = || ParseError::ZipBomb {
        limit: limits.max_unpacked,
    };
    let encrypted = memmem::find(bytes, b"/Encrypt").is_some();
    let mut looked_at = 0;
    let mut packed = 0;
    let mut left = limits.max_unpacked;
    for at in memmem::find_iter(bytes, b"stream").filter(|at| !bytes[..*at].ends_with(b"end")) {
        let Some(begin) = begin_of_data(bytes, at + b"stream".len()) else {
            continue;
        };
        let before = &bytes[at.saturating_sub(DICTIONARY_WITHIN)..at];
        let dictionary =
            &before[memmem::rfind(before, b"obj").map_or(0, |object| object + b"obj".len())..];
        looked_at += dictionary.len();
        let dictionary = unescape(dictionary);
        if may_be_unpacked_by_loading(&dictionary) {
            let filters: Vec<&str> = FILTERS
                .into_iter()
                .filter(|name| dictionary.contains(name))
                .collect();
            if ["Flate", "LZW"]
                .iter()
                .map(|name| dictionary.matches(name).count())
                .sum::<usize>()
                > 1
            {
                return Err(bomb());
            }
            if encrypted {
                let length =
                    memmem::find(&bytes[begin..], b"endstream").unwrap_or(bytes.len() - begin);
                looked_at += length;
                packed += length as u64;
            }
            if filters.len() > 1 {
                looked_at += bytes.len() - begin;
            }
            // Data may hold the word "endstream", so it is unpacked to its own end.
            let unpacked = unpack(&filters, &bytes[begin..], left)
                .map_err(|_| bomb())?
                .len() as u64;
            left = left
                .checked_sub(if filters.is_empty() { 0 } else { unpacked })
                .ok_or_else(bomb)?;
        }
        if looked_at > bytes.len().saturating_mul(LOOKS) + FREE {
            return Err(damaged("its objects do not end"));
        }
        if encrypted && packed > limits.max_unpacked / ENCRYPTED_PART {
            return Err(bomb());
        }
    }
    Ok(())
}

/// Data begins in the line after the word `stream`; without a line end the word is just a word.
fn begin_of_data(bytes: &[u8], after_word: usize) -> Option<usize> {
    let rest = &bytes[after_word..];
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let line_end = match &rest[blanks..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    Some(after_word + blanks + line_end)
}

/// Resolves `#41` in names (ISO 32000-1, 7.3.5).
pub(super) fn unescape(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut parts = text.split('#');
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                done.push(char::from(byte));
                done.push_str(&part[2..]);
            }
            None => done.push_str(part),
        }
    }
    done
}

/// `false` only for what is surely an ordinary stream. A string in a dictionary may hold anything, the word `obj` too, so
/// one with strings or comments is not sure.
fn may_be_unpacked_by_loading(dictionary: &str) -> bool {
    let named = dictionary.contains("/ObjStm") || dictionary.contains("/XRef");
    named || !dictionary.trim_start().starts_with("<<") || dictionary.contains(['(', ')', '%'])
}

/// Unpacks a stream; at most `limit` bytes, more are refused.
pub(super) fn unpack_stream(stream: &Stream, limit: u64) -> Result<Cow<'_, [u8]>, ParseError> {
    let Ok(filters) = stream.filters() else {
        return Ok(Cow::Borrowed(&stream.content));
    };
    let filters: Vec<&str> = filters
        .into_iter()
        .filter_map(|filter| std::str::from_utf8(filter).ok())
        .collect();
    unpack(&filters, &stream.content, limit)
}

/// Unpacks at most `limit` bytes; more are refused. What is damaged ends where it is damaged, as in the reader.
fn unpack<'a>(
    filters: &[&str],
    content: &'a [u8],
    limit: u64,
) -> Result<Cow<'a, [u8]>, ParseError> {
    let bomb = ParseError::ZipBomb { limit };
    let unpacks = |filter: &&str| matches!(*filter, "FlateDecode" | "LZWDecode");
    let Some(place) = filters.iter().position(unpacks) else {
        // The others shrink; `z` in ASCII85 grows four times at most.
        return Ok(plain(filters, content));
    };
    if filters[place + 1..].iter().any(unpacks) {
        return Err(bomb);
    }
    let before = plain(&filters[..place], content);
    let mut unpacked = Vec::new();
    match filters[place] {
        "FlateDecode" => {
            // Errors mean that the data ends too early; the reader goes on with what it has.
            let _ = ZlibDecoder::new(&*before)
                .take(limit + 1)
                .read_to_end(&mut unpacked);
            if unpacked.is_empty() && before.len() > 2 {
                let _ = DeflateDecoder::new(&before[2..])
                    .take(limit + 1)
                    .read_to_end(&mut unpacked);
            }
        }
        _ => {
            let mut bounded = Bounded {
                bytes: Vec::new(),
                limit: limit + 1,
            };
            let _ = Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
                .into_stream(&mut bounded)
                .decode_all(&*before);
            unpacked = bounded.bytes;
        }
    }
    if unpacked.len() as u64 > limit {
        Err(bomb)
    } else {
        Ok(Cow::Owned(unpacked))
    }
}

/// Undoes the filters that do not unpack.
fn plain<'a>(filters: &[&str], content: &'a [u8]) -> Cow<'a, [u8]> {
    if filters.is_empty() {
        return Cow::Borrowed(content);
    }
    let names = filters
        .iter()
        .map(|filter| Object::Name(filter.as_bytes().to_vec()))
        .collect();
    let mut dictionary = Dictionary::new();
    dictionary.set("Filter", Object::Array(names));
    let stream = Stream::new(dictionary, content.to_vec());
    stream
        .decompressed_content()
        .map_or(Cow::Borrowed(content), Cow::Owned)
}

/// Takes what fits; the rest is an error, which stops who writes.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hidden_in_escapes_are_seen() {
        assert_eq!(unescape(b"/Obj#53tm /A#zz#"), "/ObjStm /Azz");
        assert!(may_be_unpacked_by_loading("<< /Type /ObjStm >>"));
        assert!(may_be_unpacked_by_loading("<< ) /Subtype /Image >>"));
        assert!(!may_be_unpacked_by_loading(
            " << /Subtype /Image /Filter /FlateDecode >>\n"
        ));
    }
}
