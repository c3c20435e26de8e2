//! Why a file cannot be read, each reason in a sentence that its uploader understands.
use thiserror::Error;

/// Longest detail taken over from a library, in characters; the rest helps nobody.
const MAX_DETAIL: usize = 200;

/// A file that cannot become passages. The same bytes fail the same way, so none of these is worth a retry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// Cut off or damaged.
    #[error("the file is damaged or cut off: it should be {format}, but {detail}")]
    Corrupt {
        /// What it should be, such as `a PDF`.
        format: &'static str,
        /// What is wrong with it; at most 200 characters.
        detail: String,
    },
    /// Opens with a password only.
    #[error("the file is encrypted; upload a copy of {format} that opens without a password")]
    Encrypted {
        /// What it is, such as `a PDF`.
        format: &'static str,
    },
    /// None of the formats that are read.
    #[error(
        "the file is {found}, which cannot be read; upload PDF, DOCX, XLSX, CSV, HTML, Markdown or plain text"
    )]
    UnsupportedMediaType {
        /// What the content is, such as `a PNG image`.
        found: String,
    },
    /// More than a limit of [`super::Limits`] allows.
    #[error("the file is too large: it has more than {limit} {unit}")]
    TooLarge {
        /// The limit that was passed.
        limit: u64,
        /// What is counted, such as `bytes`.
        unit: &'static str,
    },
    /// More pages than [`super::Limits::max_pages`].
    #[error("the document has {pages} pages; at most {limit} are read")]
    TooManyPages {
        /// Pages it has.
        pages: u64,
        /// Pages that are read.
        limit: u64,
    },
    /// Unpacks to far more than it looks.
    #[error("the file unpacks to more than {limit} bytes of what it needs; that is refused")]
    ZipBomb {
        /// The limit that was passed, in bytes.
        limit: u64,
    },
    /// Opens well, but has no text: a scan, or an empty form.
    #[error("there is no text in {format}{}", advice(format))]
    NoText {
        /// What it is, such as `a PDF`.
        format: &'static str,
    },
    /// Text whose characters cannot be told.
    #[error("the characters of the text cannot be made out: {detail}; save it as UTF-8")]
    Undecodable {
        /// What was tried; at most 200 characters.
        detail: String,
    },
}

/// Only PDFs are scanned.
fn advice(format: &str) -> &'static str {
    if format == "a PDF" {
        "; if it is a scan, run text recognition (OCR) on it first"
    } else {
        ""
    }
}

impl ParseError {
    /// Stable, `document.<what>`; each has a page under docs/errors/.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "document.empty",
            Self::Corrupt { .. } => "document.corrupt",
            Self::Encrypted { .. } => "document.encrypted",
            Self::UnsupportedMediaType { .. } => "document.unsupported_media_type",
            Self::TooLarge { .. } => "document.too_large",
            Self::TooManyPages { .. } => "document.too_many_pages",
            Self::ZipBomb { .. } => "document.zip_bomb",
            Self::NoText { .. } => "document.no_text",
            Self::Undecodable { .. } => "document.undecodable",
        }
    }

    /// A [`ParseError::Corrupt`] whose detail is kept to one short line.
    pub(super) fn corrupt(format: &'static str, detail: impl std::fmt::Display) -> Self {
        let detail = detail.to_string();
        let line = detail.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Corrupt {
            format,
            detail: line.chars().take(MAX_DETAIL).collect(),
        }
    }
}
