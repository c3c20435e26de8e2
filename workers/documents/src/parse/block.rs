//! What every format becomes before it is cut into passages.

/// A piece of a document as its author made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its kind and text.
    pub content: Content,
    /// The PDF page or the sheet it stands on, from 1; `None` where the format has neither.
    pub page: Option<u32>,
}

/// The kinds of blocks that matter to passages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Stands above what follows, up to the next heading of its level or a lower number.
    Heading {
        /// 0 for a document's title, then 1 to 9.
        level: u8,
        /// One line.
        text: String,
    },
    /// Running text; line breaks in it are the author's.
    Paragraph(String),
    /// A point of a list or a row of a table: stands on a line of its own, close to its neighbours.
    Line(String),
    /// Text whose line breaks and spaces matter.
    Code(String),
}

impl Content {
    /// The text, whatever the kind.
    pub fn text(&self) -> &str {
        match self {
            Self::Heading { text, .. }
            | Self::Paragraph(text)
            | Self::Line(text)
            | Self::Code(text) => text,
        }
    }
}

impl Block {
    /// A block of a format without pages.
    pub fn unpaged(content: Content) -> Self {
        Self {
            content,
            page: None,
        }
    }
}
