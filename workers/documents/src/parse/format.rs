//! What a file is, told by its content; names and media types only break ties between formats that are all text.
use super::text_format::{Hint, sniff_text};
use super::{ParseError, text, zip_bounds};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Word, since 2007.
    Docx,
    /// Excel, since 2007.
    Xlsx,
    /// Values separated by commas, semicolons, tabs or bars.
    Csv,
    /// A web page.
    Html,
    /// CommonMark with tables.
    Markdown,
    /// Any other text.
    Plain,
}

impl Format {
    /// The name on the wire, such as `markdown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Plain => "plain",
        }
    }

    /// The name within a sentence, such as `a Word document (DOCX)`.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Pdf => "a PDF",
            Self::Docx => "a Word document (DOCX)",
            Self::Xlsx => "an Excel workbook (XLSX)",
            Self::Csv => "a CSV table",
            Self::Html => "an HTML page",
            Self::Markdown => "a Markdown text",
            Self::Plain => "a plain text",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The PDF header may stand behind other bytes, up to here (ISO 32000-1, annex H.3.4.1).
const PDF_HEADER_WITHIN: usize = 1_024;

/// How other files begin, to name them in the refusal.
const OTHERS: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"RIFF", "an image, sound or film (RIFF)"),
    (b"OggS", "a sound or film (Ogg)"),
    (b"ID3", "a sound (MP3)"),
    (b"\x1A\x45\xDF\xA3", "a film (Matroska)"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xFD7zXZ", "an xz archive"),
    (b"\x28\xB5\x2F\xFD", "a zstd archive"),
    (b"\x7FELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"{\\rtf", "a Rich Text document (RTF)"),
    (b"%!PS", "a PostScript document"),
];

/// Tells what a file is. A PDF named `.docx` is a PDF.
///
/// # Errors
/// [`ParseError::Empty`]; [`ParseError::UnsupportedMediaType`]; [`ParseError::Encrypted`] for an encrypted office file;
/// [`ParseError::Corrupt`] for a zip file whose directory is damaged; what decoding text can fail with.
pub fn sniff(bytes: &[u8], file_name: &str, declared: &str) -> Result<Format, ParseError> {
    if bytes.iter().all(|byte| byte.is_ascii_whitespace()) {
        return Err(ParseError::Empty);
    }
    if let Some(begin) = begin_of(bytes, b"%PDF-")
        && (begin == 0 || !bytes.starts_with(b"PK"))
    {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return sniff_zip(bytes, file_name);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(sniff_compound(bytes));
    }
    let other = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic));
    match (text::decode(bytes, declared), other) {
        // Text may begin with any letters, "BM" and "MZ" among them; the rest of those files is not text.
        (Ok(text), Some((magic, found))) if magic.len() > 3 && text.starts_with(['{', '%']) => {
            Err(unsupported(found))
        }
        (Ok(text), _) if text.trim().is_empty() => Err(ParseError::Empty),
        (Ok(text), _) => Ok(sniff_text(&text, Hint::of(file_name, declared))),
        (Err(_), Some((_, found))) => Err(unsupported(found)),
        (Err(error), None) if bytes.get(4..8) == Some(b"ftyp") => Err(match error {
            ParseError::UnsupportedMediaType { .. } => unsupported("a film or sound (MP4)"),
            error => error,
        }),
        (Err(error), None) => Err(error),
    }
}

fn unsupported(found: &str) -> ParseError {
    ParseError::UnsupportedMediaType {
        found: found.to_owned(),
    }
}

fn begin_of(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(PDF_HEADER_WITHIN)];
    head.windows(mark.len()).position(|window| window == mark)
}

fn sniff_zip(bytes: &[u8], file_name: &str) -> Result<Format, ParseError> {
    let format = match Hint::of(file_name, "") {
        Hint::Docx => Format::Docx.with_article(),
        Hint::Xlsx => Format::Xlsx.with_article(),
        _ => "a zip file",
    };
    let archive = zip_bounds::open(bytes, format)?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("word/document.xml") {
        Ok(Format::Docx)
    } else if has("xl/workbook.xml") {
        Ok(Format::Xlsx)
    } else if has("xl/workbook.bin") {
        Err(unsupported("a binary Excel workbook (XLSB)"))
    } else if has("ppt/presentation.xml") {
        Err(unsupported("a PowerPoint presentation (PPTX)"))
    } else if has("META-INF/container.xml") {
        Err(unsupported("an electronic book (EPUB)"))
    } else if has("content.xml") {
        Err(unsupported("an OpenDocument file"))
    } else {
        Err(unsupported("a zip archive"))
    }
}

/// Office files before 2007, and encrypted ones since: their directory names `EncryptedPackage` (MS-OFFCRYPTO 1.3.3).
fn sniff_compound(bytes: &[u8]) -> ParseError {
    let encrypted: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if memchr::memmem::find(bytes, &encrypted).is_some() {
        return ParseError::Encrypted {
            format: "the office document",
        };
    }
    unsupported("an office document from before 2007 (DOC, XLS or PPT)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str, file_name: &str) -> Result<Format, ParseError> {
        sniff(text.as_bytes(), file_name, "")
    }

    #[test]
    fn content_decides_over_the_name() {
        assert_eq!(format("%PDF-1.7\n", "contract.docx"), Ok(Format::Pdf));
        assert_eq!(
            format("<!-- x --><!DOCTYPE HTML><p>a", "page.txt"),
            Ok(Format::Html)
        );
        assert_eq!(
            format("# Title\n\n[a](b)\n", "unknown"),
            Ok(Format::Markdown)
        );
        assert_eq!(
            format("a,b,c\n1,2,3\n4,5,6\n7,8,9\n", "table.docx"),
            Ok(Format::Csv)
        );
        assert_eq!(
            format("Just a line, and words.\nAnother, here.\n", "prices.xlsx"),
            Ok(Format::Plain)
        );
    }

    #[test]
    fn a_hint_decides_between_formats_that_are_all_text() {
        let two_columns = "name;price\nadult;14\n";
        assert_eq!(format(two_columns, "a.csv"), Ok(Format::Csv));
        assert_eq!(
            sniff(two_columns.as_bytes(), "upload", "text/csv; charset=utf-8"),
            Ok(Format::Csv)
        );
        assert_eq!(format("no marks at all", "a.md"), Ok(Format::Markdown));
        assert_eq!(format("<p>one</p>", "a.html"), Ok(Format::Html));
        assert_eq!(
            format("# not a heading, a comment", "a.txt"),
            Ok(Format::Plain)
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let found = |bytes: &[u8]| match sniff(bytes, "a.pdf", "application/pdf") {
            Err(ParseError::UnsupportedMediaType { found }) => found,
            other => format!("{other:?}"),
        };
        assert_eq!(found(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "a PNG image");
        assert_eq!(found(b"{\\rtf1\\ansi hello}"), "a Rich Text document (RTF)");
        assert_eq!(
            found(b"\0\0\0\x18ftypmp42\0\0\0\0"),
            "a film or sound (MP4)"
        );
        assert_eq!(
            found(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"),
            "an office document from before 2007 (DOC, XLS or PPT)"
        );
        assert_eq!(
            found(b"\x01\x02\x03\x04\x05"),
            "binary data of an unknown kind"
        );
        assert_eq!(
            format("BMW and MZ are just letters.", "a.txt"),
            Ok(Format::Plain)
        );
    }

    #[test]
    fn an_encrypted_office_file_says_so() {
        let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(
            sniff(&bytes, "a.xlsx", "").map_err(|error| error.code()),
            Err("document.encrypted")
        );
    }

    #[test]
    fn nothing_and_white_space_are_empty() {
        for text in ["", " \r\n\t", "\u{feff}\n", "\u{a0}"] {
            assert_eq!(format(text, "a.txt"), Err(ParseError::Empty));
        }
    }
}
