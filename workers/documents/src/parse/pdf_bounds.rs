//! What must hold before a PDF is handed to its reader, which unpacks, follows and repeats whatever it is told to.
//!
//! A panic in the reader can be caught; a full memory, an overflowing stack or an endless loop cannot. These are looked for
//! here, on the same bytes: streams that unpack too far, drawings that draw themselves, page trees and code tables without
//! end.
use super::pdf::damaged;
use super::pdf_streams::{unescape, unpack_stream};
use super::{Limits, ParseError, pdf_codes};
use memchr::memmem;
use pdf_extract::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeMap;

/// Page trees are a few levels deep; the reader follows `Parent` without end.
const MAX_PARENTS: usize = 64;
/// Drawings inside drawings.
const MAX_FORMS: usize = 16;
/// What drawing one page may cost, as a multiple of [`Limits::max_page_content`]: drawings are drawn again and again.
const MAX_REPEATS: u64 = 8;
/// What drawing a stream costs besides its length, in bytes.
const PER_STREAM: u64 = 256;

/// Empties the images, which have no text and which the reader would take for text; then holds every stream, every page and
/// every code table to its limit.
pub(super) fn prepare(document: &mut Document, limits: &Limits) -> Result<(), ParseError> {
    for object in document.objects.values_mut() {
        if let Object::Stream(stream) = object
            && stream
                .dict
                .get(b"Subtype")
                .and_then(Object::as_name)
                .is_ok_and(|subtype| subtype == b"Image")
        {
            stream.dict.remove(b"Filter");
            stream.set_content(Vec::new());
        }
    }
    let mut left = limits.max_unpacked;
    let mut forms = BTreeMap::new();
    for (id, object) in &document.objects {
        let Object::Stream(stream) = object else {
            continue;
        };
        let bomb = ParseError::ZipBomb {
            limit: limits.max_unpacked,
        };
        let content = unpack_stream(stream, left).map_err(|_| bomb.clone())?;
        // What is not packed is no larger than the file.
        let packed = stream.dict.has(b"Filter");
        left = left
            .checked_sub(if packed { content.len() as u64 } else { 0 })
            .ok_or(bomb)?;
        pdf_codes::check(&content)?;
        forms.insert(
            *id,
            Drawing {
                length: content.len() as u64,
                draws: draws(&content),
            },
        );
    }
    let mut costs = Costs {
        document,
        forms: &forms,
        known: BTreeMap::new(),
        open: Vec::new(),
        longest: limits.max_page_content,
    };
    let limit = limits.max_page_content.saturating_mul(MAX_REPEATS);
    let bomb = || ParseError::ZipBomb {
        limit: limits.max_page_content,
    };
    let mut total = 0_u64;
    for id in document.get_pages().into_values() {
        let resources = check_parents(document, id)?;
        let contents = document.get_page_contents(id);
        let drawings: Vec<&Drawing> = contents
            .iter()
            .filter_map(|content| forms.get(content))
            .collect();
        let length = drawings
            .iter()
            .map(|drawing| drawing.length + PER_STREAM)
            .sum::<u64>();
        let mut cost = length;
        for drawing in drawings {
            cost = cost.saturating_add(costs.of_draws(drawing, resources)?);
        }
        total = total.saturating_add(cost);
        if length > limits.max_page_content
            || cost > limit
            || total > limit.saturating_mul(MAX_REPEATS)
        {
            return Err(bomb());
        }
    }
    Ok(())
}

/// Follows a page's parents to the root; gives the resources that it inherits.
fn check_parents(document: &Document, page: ObjectId) -> Result<Option<&Dictionary>, ParseError> {
    let mut resources = None;
    let mut next = Some(page);
    for _ in 0..MAX_PARENTS {
        let Some(node) = next.and_then(|id| document.get_dictionary(id).ok()) else {
            return Ok(resources);
        };
        resources = resources.or_else(|| dictionary(document, node, b"Resources"));
        next = node.get(b"Parent").and_then(Object::as_reference).ok();
    }
    Err(damaged("its pages are nested without end"))
}

fn dictionary<'a>(
    document: &'a Document,
    within: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Dictionary> {
    match within.get(key).ok()? {
        Object::Reference(id) => document.get_dictionary(*id).ok(),
        object => object.as_dict().ok(),
    }
}

/// What a stream would be if it were drawn.
struct Drawing {
    length: u64,
    /// The names of the drawings that it draws, and how often; `None` where the name is not to be seen.
    draws: BTreeMap<Option<Vec<u8>>, u64>,
}

/// Finds `/Name Do`. Finding more than there are is harmless.
fn draws(content: &[u8]) -> BTreeMap<Option<Vec<u8>>, u64> {
    let mut found = BTreeMap::new();
    for at in memmem::find_iter(content, b"Do") {
        let after = content
            .get(at + 2)
            .is_none_or(|byte| byte.is_ascii_whitespace() || b"/[]<>()%".contains(byte));
        let before = content[..at].trim_ascii_end();
        if !after || (before.len() == at && !before.is_empty() && !before.ends_with(b"]")) {
            continue;
        }
        let token = before
            .iter()
            .rposition(|byte| byte.is_ascii_whitespace() || *byte == b'/')
            .map_or(before, |begin| &before[begin..]);
        let name = token
            .strip_prefix(b"/")
            .map(|name| unescape(name).into_bytes());
        *found.entry(name).or_default() += 1;
    }
    found
}

/// What drawing costs, in bytes to be read, counting repeats.
struct Costs<'a> {
    document: &'a Document,
    forms: &'a BTreeMap<ObjectId, Drawing>,
    known: BTreeMap<ObjectId, u64>,
    /// Drawings within which the current one stands.
    open: Vec<ObjectId>,
    /// Longest drawing that is read, in bytes.
    longest: u64,
}

impl<'a> Costs<'a> {
    fn of_draws(
        &mut self,
        drawing: &'a Drawing,
        resources: Option<&'a Dictionary>,
    ) -> Result<u64, ParseError> {
        let Some(drawn) =
            resources.and_then(|resources| dictionary(self.document, resources, b"XObject"))
        else {
            return Ok(0);
        };
        let mut cost = 0_u64;
        for (name, times) in &drawing.draws {
            let named: Vec<&Object> = match name {
                Some(name) => drawn.get(name).into_iter().collect(),
                None => drawn.iter().map(|(_, object)| object).collect(),
            };
            let mut most = 0;
            for id in named
                .into_iter()
                .filter_map(|object| object.as_reference().ok())
            {
                most = most.max(self.of_form(id, resources)?);
            }
            cost = cost.saturating_add(most.saturating_mul(*times));
        }
        Ok(cost)
    }

    fn of_form(
        &mut self,
        id: ObjectId,
        inherited: Option<&'a Dictionary>,
    ) -> Result<u64, ParseError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        if self.open.contains(&id) || self.open.len() >= MAX_FORMS {
            return Err(damaged("a drawing in it draws itself"));
        }
        let (Some(drawing), Ok(Object::Stream(stream))) =
            (self.forms.get(&id), self.document.get_object(id))
        else {
            return Ok(0);
        };
        if drawing.length > self.longest {
            return Err(ParseError::ZipBomb {
                limit: self.longest,
            });
        }
        let resources = dictionary(self.document, &stream.dict, b"Resources").or(inherited);
        self.open.push(id);
        let cost = self
            .of_draws(drawing, resources)?
            .saturating_add(drawing.length + PER_STREAM);
        self.open.pop();
        self.known.insert(id, cost);
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_found_however_it_is_written() {
        let names = |content: &[u8]| -> Vec<Option<String>> {
            draws(content)
                .into_keys()
                .map(|name| name.map(|name| String::from_utf8_lossy(&name).into_owned()))
                .collect()
        };
        assert_eq!(
            names(b"q/Fm1 Do Q /F#6d2\nDo"),
            [Some("Fm1".to_owned()), Some("Fm2".to_owned())]
        );
        assert_eq!(names(b"(Document) Tj /Fm1 % x\nDo"), [None]);
    }
}
