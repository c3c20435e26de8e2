//! What the demo works on: documents.
use super::trouble::Trouble;
use documents::parse::{Limits, Passage, Upload, parse_guarded};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::Path;

/// The documents that ship with Troupe, for whoever runs the binary somewhere else.
const DOCUMENTS: [(&str, &[u8]); 8] = [
    (
        "dome-troubleshooting.md",
        include_bytes!("../../../../examples/documents/dome-troubleshooting.md"),
    ),
    (
        "history.txt",
        include_bytes!("../../../../examples/documents/history.txt"),
    ),
    (
        "observing-log.csv",
        include_bytes!("../../../../examples/documents/observing-log.csv"),
    ),
    (
        "prices.xlsx",
        include_bytes!("../../../../examples/documents/prices.xlsx"),
    ),
    (
        "public-nights.html",
        include_bytes!("../../../../examples/documents/public-nights.html"),
    ),
    (
        "telescope-care.md",
        include_bytes!("../../../../examples/documents/telescope-care.md"),
    ),
    (
        "visitor-guide.pdf",
        include_bytes!("../../../../examples/documents/visitor-guide.pdf"),
    ),
    (
        "volunteer-handbook.docx",
        include_bytes!("../../../../examples/documents/volunteer-handbook.docx"),
    ),
];
/// Where they are looked for first, so that a person can change one and see what happens.
const DIRECTORY: &str = "examples/documents";
/// A source that can be read, and one that cannot: it opens with a password only.
const BROKEN: [(&str, &[u8]); 2] = [
    (
        "telescope-care.md",
        include_bytes!("../../../../examples/documents/telescope-care.md"),
    ),
    (
        "sealed-contract.pdf",
        include_bytes!("../../../../examples/broken/sealed-contract.pdf"),
    ),
];

/// The most documents that are taken: a chatbot is created with at most 500.
const MOST: usize = 400;
/// Ingesting less than this, in bytes, is over before anybody can interrupt it: the rest is generated.
const ENOUGH: usize = 800_000;
/// Plates of one generated document; each becomes a passage.
const PLATES: usize = 40;

/// A file to be uploaded.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's name.
    pub name: String,
    /// The file.
    pub bytes: Cow<'static, [u8]>,
    /// Whether it was made up, so that there is enough to do.
    pub generated: bool,
}

/// The documents of `directory`, or the examples; and so many generated ones that there is enough to do.
///
/// # Errors
/// [`Trouble::Usage`] if there are none, or too many; [`Trouble::File`] if one cannot be read.
pub fn documents(directory: Option<&Path>) -> Result<Vec<Source>, Trouble> {
    let here = Path::new(DIRECTORY);
    let mut sources = match directory {
        Some(directory) => files(directory)?,
        None if here.is_dir() => files(here)?,
        None => shipped(),
    };
    let given: usize = sources.iter().map(|source| source.bytes.len()).sum();
    let mut missing = ENOUGH.saturating_sub(given);
    for box_no in 1.. {
        if missing == 0 {
            break;
        }
        let archive = plate_archive(box_no);
        missing = missing.saturating_sub(archive.bytes.len());
        sources.push(archive);
    }
    Ok(sources)
}

/// The documents that ship with Troupe.
pub fn shipped() -> Vec<Source> {
    compiled_in(&DOCUMENTS)
}

/// The sources of a chatbot whose creation must fail: the second cannot be read.
pub fn broken() -> Vec<Source> {
    compiled_in(&BROKEN)
}

fn compiled_in(files: &[(&str, &'static [u8])]) -> Vec<Source> {
    let source = |(name, bytes): &(&str, &'static [u8])| Source {
        name: (*name).to_owned(),
        bytes: Cow::Borrowed(bytes),
        generated: false,
    };
    files.iter().map(source).collect()
}

fn files(directory: &Path) -> Result<Vec<Source>, Trouble> {
    let failed = |source| Trouble::File {
        path: directory.to_owned(),
        source,
    };
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !path.is_file() || name.starts_with('.') {
            continue;
        }
        if sources.len() == MOST {
            return Err(Trouble::Usage(format!(
                "{} has more than {MOST} files; name a smaller directory",
                directory.display()
            )));
        }
        let bytes = std::fs::read(&path).map_err(|source| Trouble::File { path, source })?;
        sources.push(Source {
            name,
            bytes: Cow::Owned(bytes),
            generated: false,
        });
    }
    if sources.is_empty() {
        return Err(Trouble::Usage(format!(
            "there is no file in {}",
            directory.display()
        )));
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

/// A made-up inventory that has nothing to do with any question: the same for ever.
fn plate_archive(box_no: usize) -> Source {
    const EMULSIONS: [&str; 4] = ["Agfa", "Ilford", "Kodak", "Orwo"];
    const STATES: [&str; 4] = [
        "clean",
        "scratched at the rim",
        "with a fingerprint",
        "with a crack in one corner",
    ];
    let mut text = format!("# Plate archive, carton {box_no}\n");
    for plate in 1..=PLATES {
        // Mixes the two numbers well enough for an inventory.
        let n = (box_no * 7_919 + plate * 104_729) % 1_000_003;
        text.push_str(&format!(
            "\n## Plate {box_no}-{plate}\n\nGlass negative {n} from carton {box_no}, slot {plate}. Emulsion by {}, {} by {} \
             millimetres, developed {} minutes. The centre lies at {} degrees of right ascension and {} of declination, and \
             {} sources were measured on it to magnitude {}.{}. The glass is {}. It was scanned at {} dots per inch, and the \
             scan is filed as image {:06} of series {}.\n",
            EMULSIONS[n % 4], 90 + n % 7 * 10, 120 + n % 5 * 10, 3 + n % 9, n % 360, n % 85, 12 + n % 900, 9 + n % 6, n % 10,
            STATES[n / 7 % 4], 1_200 * (1 + n % 3), n, n % 40,
        ));
    }
    Source {
        name: format!("plates-{box_no:02}.md"),
        bytes: Cow::Owned(text.into_bytes()),
        generated: true,
    }
}

/// The passages of a file as the demo itself reads them, to be held against what is found in the database.
///
/// # Errors
/// [`Trouble::Usage`] if the file cannot be read: one such would undo the whole chatbot.
pub fn passages(source: &Source, limits: &Limits) -> Result<Vec<Passage>, Trouble> {
    let upload = Upload {
        bytes: &source.bytes,
        file_name: &source.name,
        declared: "",
    };
    let parsed = parse_guarded(&upload, limits);
    let unreadable = |e| {
        Trouble::Usage(format!(
            "{}: {e}; the demo needs documents that can be read",
            source.name
        ))
    };
    Ok(parsed.map_err(unreadable)?.passages)
}

/// One number for a sequence of texts: which, and in which order.
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_of_the_broken_chatbot_can_be_read_and_one_cannot() {
        let readable: Vec<bool> = broken()
            .iter()
            .map(|source| passages(source, &Limits::default()).is_ok())
            .collect();
        assert_eq!(readable, [true, false]);
    }
    #[test]
    fn a_generated_document_has_a_passage_a_plate_and_no_two_alike() {
        let (one, two) = (plate_archive(1), plate_archive(2));
        let texts: std::collections::BTreeSet<String> = [&one, &two]
            .into_iter()
            .flat_map(|source| passages(source, &Limits::default()).expect("read"))
            .map(|passage| passage.text)
            .collect();
        assert_eq!(texts.len(), 2 * PLATES);
    }
    #[test]
    fn a_digest_tells_texts_and_their_order() {
        assert_eq!(digest(["a", "b"]), digest(["a", "b"]));
        assert_ne!(digest(["a", "b"]), digest(["b", "a"]));
        assert_ne!(digest(["a", "b"]), digest(["ab"]));
    }
}
