//! Word documents: headings by style, paragraphs, lists, tables, notes (ECMA-376, part 1, WordprocessingML).
use super::text::{one_line, tidy};
use super::{Block, Content, Extract, Format, Limits, ParseError, table, zip_bounds};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::BTreeMap;

const FORMAT: &str = "a Word document (DOCX)";
/// A style may be based on another; longer chains than this are loops.
const MAX_BASED_ON: usize = 16;

pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extract, ParseError> {
    debug_assert_eq!(FORMAT, Format::Docx.with_article());
    zip_bounds::check(bytes, FORMAT, limits)?;
    let mut archive = zip_bounds::open(bytes, FORMAT)?;
    let mut part = |name: &str| zip_bounds::read_xml(&mut archive, name, FORMAT);
    let styles =
        part("word/styles.xml")?.map_or(Ok(BTreeMap::new()), |xml| heading_styles(&xml))?;
    let title = part("docProps/core.xml")?.map_or(Ok(None), |xml| core_title(&xml))?;
    let mut blocks = Vec::new();
    let body = part("word/document.xml")?
        .ok_or_else(|| ParseError::corrupt(FORMAT, "its text is missing"))?;
    for xml in [
        Some(body),
        part("word/footnotes.xml")?,
        part("word/endnotes.xml")?,
    ]
    .into_iter()
    .flatten()
    {
        blocks.extend(Body::read(&xml, &styles, limits)?);
    }
    let title = title.or_else(|| blocks.iter().find_map(document_title));
    Ok(Extract { title, blocks })
}

fn document_title(block: &Block) -> Option<String> {
    match &block.content {
        Content::Heading { level: 0, text } => Some(text.clone()),
        _ => None,
    }
}

fn wrong(error: impl std::fmt::Display) -> ParseError {
    ParseError::corrupt(FORMAT, error)
}

/// The attribute of this local name, unescaped.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes
        .with_checks(false)
        .flatten()
        .find(|found| found.key.local_name().as_ref() == name)?;
    found
        .normalized_value(XmlVersion::Implicit1_0)
        .ok()
        .map(|value| value.into_owned())
}

/// Style id -> heading level. A level is named (`heading 2`, `Title`), given as `outlineLvl`, or inherited.
fn heading_styles(xml: &str) -> Result<BTreeMap<String, u8>, ParseError> {
    let mut levels = BTreeMap::new();
    let mut based_on = BTreeMap::new();
    let mut style = String::new();
    let mut reader = Reader::from_str(xml);
    loop {
        let element = match reader.read_event().map_err(wrong)? {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof => break,
            _ => continue,
        };
        let value = attribute(&element, "val").unwrap_or_default();
        match element.local_name().as_ref() {
            "style" => style = attribute(&element, "styleId").unwrap_or_default(),
            "name" => {
                if let Some(level) = named_level(&value) {
                    levels.insert(style.clone(), level);
                }
            }
            "basedOn" => drop(based_on.insert(style.clone(), value)),
            "outlineLvl" => {
                if let Some(level) = outline_level(&value) {
                    levels.entry(style.clone()).or_insert(level);
                }
            }
            _ => {}
        }
    }
    let inherited = based_on.keys().filter_map(|id| {
        let mut chain = std::iter::successors(Some(id), |id| based_on.get(*id)).take(MAX_BASED_ON);
        chain
            .find_map(|ancestor| levels.get(ancestor))
            .map(|level| (id.clone(), *level))
    });
    let inherited: Vec<_> = inherited.collect();
    levels.extend(inherited);
    Ok(levels)
}

fn named_level(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(0);
    }
    name.strip_prefix("heading ")?
        .parse()
        .ok()
        .filter(|level| (1..=9).contains(level))
}

/// Outline levels count from 0; 9 means running text.
fn outline_level(value: &str) -> Option<u8> {
    value
        .parse::<u8>()
        .ok()
        .filter(|level| *level < 9)
        .map(|level| level + 1)
}

fn core_title(xml: &str) -> Result<Option<String>, ParseError> {
    let mut reader = Reader::from_str(xml);
    let mut title = None;
    loop {
        match reader.read_event().map_err(wrong)? {
            Event::Start(element) if element.local_name().as_ref() == "title" => {
                title = Some(String::new())
            }
            Event::End(element) if element.local_name().as_ref() == "title" => break,
            Event::Text(text) => title.iter_mut().for_each(|title| title.push_str(&text)),
            Event::GeneralRef(entity) => title
                .iter_mut()
                .for_each(|title| push_entity(title, &entity)),
            Event::Eof => break,
            _ => {}
        }
    }
    Ok(title.filter(|title| !title.trim().is_empty()))
}

/// `&amp;` and `&#8364;`; other entities XML does not have.
fn push_entity(text: &mut String, entity: &quick_xml::events::BytesRef<'_>) {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        text.push(c);
    } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(entity) {
        text.push_str(known);
    }
}

/// A paragraph being read. Text boxes put paragraphs inside paragraphs, so there is a stack of them.
#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    in_list: bool,
}

/// Walks the text of a document, without recursion.
struct Body<'a> {
    styles: &'a BTreeMap<String, u8>,
    blocks: Vec<Block>,
    paragraphs: Vec<Paragraph>,
    /// Rows of the outermost table. Tables inside its cells are read as text of the cell.
    rows: Vec<Vec<String>>,
    tables: usize,
    /// Inside `w:t`: the only place where text is text.
    in_text: bool,
    /// Depth of `mc:Fallback`, which repeats its `mc:Choice` for old readers.
    fallbacks: usize,
}

impl<'a> Body<'a> {
    fn read(
        xml: &str,
        styles: &'a BTreeMap<String, u8>,
        limits: &Limits,
    ) -> Result<Vec<Block>, ParseError> {
        let mut body = Body {
            styles,
            blocks: Vec::new(),
            paragraphs: Vec::new(),
            rows: Vec::new(),
            tables: 0,
            in_text: false,
            fallbacks: 0,
        };
        let mut reader = Reader::from_str(xml);
        let mut depth = 0_usize;
        loop {
            match reader.read_event().map_err(wrong)? {
                Event::Start(element) => {
                    depth += 1;
                    if depth > limits.max_depth {
                        return Err(wrong("its elements are nested too deeply"));
                    }
                    body.start(&element);
                }
                Event::Empty(element) => {
                    body.start(&element);
                    body.end(element.local_name().as_ref());
                }
                Event::End(element) => {
                    depth = depth.saturating_sub(1);
                    body.end(element.local_name().as_ref());
                }
                Event::Text(text) if body.in_text => body.push(&text),
                Event::CData(text) if body.in_text => body.push(&text),
                Event::GeneralRef(entity) if body.in_text => {
                    let mut text = String::new();
                    push_entity(&mut text, &entity);
                    body.push(&text);
                }
                Event::Eof if depth > 0 => return Err(wrong("its text ends too early")),
                Event::Eof => return Ok(body.blocks),
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        if self.fallbacks == 0
            && let Some(paragraph) = self.paragraphs.last_mut()
        {
            paragraph.text.push_str(text);
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "Fallback" => self.fallbacks += 1,
            "t" => self.in_text = true,
            "tab" if self.in_run() => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "p" => self.paragraphs.push(Paragraph::default()),
            "pStyle" => {
                let style = attribute(element, "val").unwrap_or_default();
                let level = self.styles.get(&style).copied();
                let in_list = style.starts_with("List");
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.level = level;
                    paragraph.in_list |= in_list && level.is_none();
                }
            }
            "outlineLvl" => {
                let level = attribute(element, "val").as_deref().and_then(outline_level);
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.level = level.or(paragraph.level);
                }
            }
            "numPr" => self
                .paragraphs
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|paragraph| paragraph.in_list = true),
            "tbl" => self.tables += 1,
            "tr" if self.tables == 1 => self.rows.push(Vec::new()),
            "tc" if self.tables == 1 => self
                .rows
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|row| row.push(String::new())),
            _ => {}
        }
    }

    /// `w:tab` is also a tab stop among a paragraph's properties, before any text.
    fn in_run(&self) -> bool {
        self.paragraphs
            .last()
            .is_some_and(|paragraph| !paragraph.text.is_empty())
    }

    fn end(&mut self, name: &str) {
        match name {
            "Fallback" => self.fallbacks = self.fallbacks.saturating_sub(1),
            "t" => self.in_text = false,
            "p" => self.end_paragraph(),
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    let lines = table::lines(std::mem::take(&mut self.rows));
                    self.blocks.extend(lines.into_iter().map(Block::unpaged));
                }
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else {
            return;
        };
        let text = tidy(&paragraph.text).trim().to_owned();
        if text.is_empty() {
            return;
        }
        if self.tables > 0 {
            if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
                cell.push_str(&text);
                cell.push(' ');
            }
            return;
        }
        let content = match paragraph.level {
            Some(level) => Content::Heading {
                level,
                text: one_line(&text),
            },
            None if paragraph.in_list => Content::Line(text),
            None => Content::Paragraph(text),
        };
        self.blocks.push(Block::unpaged(content));
    }
}
