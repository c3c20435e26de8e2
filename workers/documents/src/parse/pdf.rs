//! PDF: text page by page, headings by the size of their letters.
use super::text::{one_line, tidy};
use super::{Extract, Limits, ParseError, pdf_bounds, pdf_layout, pdf_streams};
use pdf_extract::{
    Document, Error, MediaBox, Object, OutputDev, OutputError, Transform, decode_text_string,
    output_doc_page,
};
use unicode_normalization::UnicodeNormalization;

const FORMAT: &str = "a PDF";

/// A line of text where the page shows it.
pub(super) struct Line {
    /// What it says; NFKC, which resolves ligatures.
    pub text: String,
    /// Height of its letters, in points, averaged over its characters.
    pub size: f64,
    /// How far below the line before it stands, in points; `None` for the first of a page, negative for a new column.
    pub below: Option<f64>,
}

/// Panics on some damaged files: see [`super::parse_guarded`].
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extract, ParseError> {
    pdf_streams::check_before_loading(bytes, limits)?;
    let mut document = Document::load_mem(bytes).map_err(wrong)?;
    // The reader has tried the empty password; what is still encrypted needs another.
    if document.is_encrypted() {
        return Err(ParseError::Encrypted { format: FORMAT });
    }
    let count = document.get_pages().len();
    if count == 0 {
        return Err(damaged("it has no pages"));
    }
    limits.check_pages(count)?;
    pdf_bounds::prepare(&mut document, limits)?;
    let mut pages = Vec::with_capacity(count);
    let mut characters = 0;
    for number in (1..).take(count) {
        let mut pen = Pen::new(limits.max_text, characters);
        let read = output_doc_page(&document, &mut pen, number);
        if pen.is_full() {
            return Err(ParseError::TooLarge {
                limit: limits.max_text as u64,
                unit: "characters",
            });
        }
        // What the reader says of it is about itself.
        read.map_err(|_| damaged(&format!("page {number} cannot be read")))?;
        characters = pen.characters;
        pages.push(pen.finish());
    }
    if !pages
        .iter()
        .flatten()
        .any(|line| line.text.contains(char::is_alphanumeric))
    {
        return Err(ParseError::NoText { format: FORMAT });
    }
    Ok(Extract {
        title: title(&document),
        blocks: pdf_layout::blocks(pages),
    })
}

/// A file that contradicts itself.
pub(super) fn damaged(detail: &str) -> ParseError {
    ParseError::corrupt(FORMAT, detail)
}

fn wrong(error: Error) -> ParseError {
    match error {
        Error::InvalidPassword | Error::Decryption(_) => ParseError::Encrypted { format: FORMAT },
        // What the reader says of it is about itself, and not for whoever uploaded the file.
        _ => damaged("what is in it cannot be found: the list of its parts is missing or wrong"),
    }
}

fn title(document: &Document) -> Option<String> {
    let info = match document.trailer.get(b"Info").ok()? {
        Object::Reference(id) => document.get_dictionary(*id).ok()?,
        info => info.as_dict().ok()?,
    };
    let title = decode_text_string(info.get(b"Title").ok()?).ok()?;
    // What writers put there when nobody gave a title.
    let title = one_line(&tidy(&title));
    (!title.is_empty() && !["untitled", "anonymous"].contains(&title.to_lowercase().as_str()))
        .then_some(title)
}

/// Puts the characters of a page, which come with their places, into lines.
struct Pen {
    lines: Vec<Line>,
    text: String,
    /// Sum of the sizes of the characters in `text`, and their number.
    sizes: (f64, usize),
    begins_word: bool,
    /// Right end and height of the last character, in points; heights grow downwards.
    last: Option<(f64, f64)>,
    below: Option<f64>,
    characters: usize,
    limit: usize,
}

impl Pen {
    fn new(limit: usize, characters: usize) -> Self {
        Self {
            lines: Vec::new(),
            text: String::new(),
            sizes: (0.0, 0),
            begins_word: false,
            last: None,
            below: None,
            characters,
            limit,
        }
    }

    fn is_full(&self) -> bool {
        self.characters > self.limit
    }

    fn keep_line(&mut self) {
        let text: String = tidy(&self.text).nfkc().filter(|c| *c != '\u{ad}').collect();
        let text = one_line(&text);
        let (sum, count) = std::mem::take(&mut self.sizes);
        self.text.clear();
        if !text.is_empty() {
            self.lines.push(Line {
                text,
                size: sum / count.max(1) as f64,
                below: self.below,
            });
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.keep_line();
        self.lines
    }
}

impl OutputDev for Pen {
    fn begin_page(
        &mut self,
        _: u32,
        _: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        self.characters += text.chars().count().max(1);
        if self.is_full() {
            return Err(OutputError::FormatError(std::fmt::Error));
        }
        // Side of the square with the area that one unit of the font has on the page.
        let area = place.m11 * place.m22 - place.m12 * place.m21;
        let size = Some(font_size.abs() * area.abs().sqrt())
            .filter(|size| size.is_finite() && *size > 0.0)
            .unwrap_or(1.0);
        let (x, y) = (place.m31, -place.m32);
        if self.begins_word
            && let Some((end, height)) = self.last
        {
            let down = y - height;
            if down.abs() > size * 1.5 || (x < end && down.abs() > size * 0.5) {
                self.keep_line();
                self.below = Some(down);
            } else if x > end + size * 0.1 && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
        self.begins_word = false;
        self.text.push_str(text);
        let count = text.chars().count();
        self.sizes = (self.sizes.0 + size * count as f64, self.sizes.1 + count);
        self.last = Some((x + width * size, y));
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.begins_word = true;
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
