//! Zip files (DOCX and XLSX are some), opened only as far as the limits allow.
use super::{Limits, ParseError};
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// From this size on, in bytes, the ratio of an entry counts; below it nobody is harmed.
const RATIO_COUNTS_FROM: u64 = 8 << 20;
/// Bytes unpacked at a time while counting.
const CHUNK: usize = 64 << 10;

pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

pub(super) fn open<'a>(bytes: &'a [u8], format: &'static str) -> Result<Archive<'a>, ParseError> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| corrupt(format, &error))
}

/// Unpacks every entry into nothing and counts: what the directory says of sizes is not believed. After this, a library may
/// unpack the same bytes.
pub(super) fn check(bytes: &[u8], format: &'static str, limits: &Limits) -> Result<(), ParseError> {
    let mut archive = open(bytes, format)?;
    if archive.len() > limits.max_entries {
        return Err(ParseError::TooLarge {
            limit: limits.max_entries as u64,
            unit: "files inside it",
        });
    }
    let mut total = 0;
    let mut chunk = vec![0; CHUNK];
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| corrupt(format, &error))?;
        let packed = entry.compressed_size().max(1);
        let mut unpacked = 0;
        loop {
            let read = entry
                .read(&mut chunk)
                .map_err(|error| ParseError::corrupt(format, error))? as u64;
            if read == 0 {
                break;
            }
            unpacked += read;
            total += read;
            let packs_too_well =
                unpacked > RATIO_COUNTS_FROM && unpacked / packed > limits.max_ratio;
            if total > limits.max_unpacked || packs_too_well {
                return Err(ParseError::ZipBomb {
                    limit: limits.max_unpacked,
                });
            }
        }
    }
    Ok(())
}

/// Reads an entry of XML, `None` if there is none of that name. Call [`check`] before.
pub(super) fn read_xml(
    archive: &mut Archive<'_>,
    name: &str,
    format: &'static str,
) -> Result<Option<String>, ParseError> {
    let mut entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(corrupt(format, &error)),
    };
    let mut bytes = Vec::new();
    entry
        .read_to_end(&mut bytes)
        .map_err(|error| ParseError::corrupt(format, error))?;
    let (encoding, mark) =
        encoding_rs::Encoding::for_bom(&bytes).unwrap_or((encoding_rs::UTF_8, 0));
    match encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]) {
        Some(xml) => Ok(Some(xml.into_owned())),
        None => Err(ParseError::corrupt(
            format,
            format_args!("{name} inside it is not {}", encoding.name()),
        )),
    }
}

fn corrupt(format: &'static str, error: &ZipError) -> ParseError {
    match error {
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            ParseError::Encrypted { format }
        }
        error => ParseError::corrupt(format, error),
    }
}
