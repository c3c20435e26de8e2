//! Files that cannot be read, and files that are not what they are called.
use super::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn every_truncated_example_is_parsed_or_refused_and_office_files_are_always_refused() {
    for (name, bytes) in EXAMPLES {
        let step = (bytes.len() / 60).max(1);
        let near_the_end = bytes.len().saturating_sub(20)..bytes.len();
        for length in (0..bytes.len()).step_by(step).chain(near_the_end) {
            let outcome = verdict(&bytes[..length], name);
            if name.ends_with(".docx") || name.ends_with(".xlsx") {
                let expected = match length {
                    0 => "document.empty",
                    // Not yet the four bytes that make a zip.
                    1..4 => outcome,
                    _ => "document.corrupt",
                };
                assert_eq!(outcome, expected, "{name} at {length}");
            }
        }
    }
}

#[test]
fn every_damaged_example_is_parsed_or_refused() {
    for (name, bytes) in EXAMPLES {
        for place in (0..bytes.len()).step_by((bytes.len() / 50).max(1)) {
            for damage in [0x00, 0xFF, b'9'] {
                let mut damaged = bytes.to_vec();
                damaged[place] = damage;
                let _ = verdict(&damaged, name);
            }
        }
    }
}

#[test]
fn a_file_is_parsed_as_what_it_is() {
    let pdf = read(example("visitor-guide.pdf"), "handbook.docx").unwrap();
    assert_eq!(
        pdf,
        read(example("visitor-guide.pdf"), "visitor-guide.pdf").unwrap()
    );
    let upload = Upload {
        bytes: example("prices.xlsx"),
        file_name: "page.html",
        declared: "text/html",
    };
    assert_eq!(
        parse_guarded(&upload, &Limits::default())
            .unwrap()
            .format
            .name(),
        "xlsx"
    );
}

#[test]
fn what_is_refused_says_why_in_words() {
    let why = |bytes: &[u8], name: &str| read(bytes, name).unwrap_err().to_string();
    assert_eq!(why(b" \n", "a.txt"), "the file is empty");
    assert_eq!(
        why(b"\x89PNG\r\n\x1a\n\0\0\0", "a.pdf"),
        "the file is a PNG image, which cannot be read; upload PDF, DOCX, XLSX, CSV, HTML, Markdown or plain text"
    );
    let cut = &example("prices.xlsx")[..3_000];
    assert!(why(cut, "prices.xlsx").starts_with(
        "the file is damaged or cut off: it should be an Excel workbook (XLSX), but "
    ));
    assert_eq!(
        verdict(&zipped(&[("a.txt", b"x")]), "a.docx"),
        "document.unsupported_media_type"
    );
    assert_eq!(
        verdict(
            &zipped(&[("word/document.xml", b"<w:document><w:p>")]),
            "a.docx"
        ),
        "document.corrupt"
    );
    assert_eq!(
        verdict(&zipped(&[("word/document.xml", b"<d><p/></d>")]), "a.docx"),
        "document.no_text"
    );
    assert_eq!(
        verdict(b"<html><script>x()</script></html>", "a.html"),
        "document.no_text"
    );
}

#[test]
fn text_in_old_encodings_is_read() {
    let table = "Größe;Preis\nklein;14 €\ngroß;22 €\n";
    let utf16: Vec<u8> = format!("\u{feff}{table}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let parsed = read(&utf16, "preise.csv").unwrap();
    assert_eq!(
        (parsed.format.name(), parsed.passages[0].text.as_str()),
        ("csv", "Größe: klein; Preis: 14 €\nGröße: groß; Preis: 22 €")
    );
    let latin: Vec<u8> = "Café à côté de l'église, fermé en été.\n"
        .chars()
        .map(|c| c as u8)
        .collect();
    assert_eq!(
        read(&latin, "note.txt").unwrap().passages[0].text,
        "Café à côté de l'église, fermé en été."
    );
}

#[test]
fn a_zip_bomb_is_refused_by_ratio_by_size_and_by_number() {
    let zeros = vec![b' '; 16 << 20];
    assert_eq!(
        verdict(&zipped(&[("word/document.xml", &zeros)]), "a.docx"),
        "document.zip_bomb"
    );
    assert_eq!(
        verdict(
            &zipped(&[("xl/workbook.xml", b"<x/>"), ("xl/media/a", &zeros)]),
            "a.xlsx"
        ),
        "document.zip_bomb"
    );
    let small = Limits {
        max_unpacked: 10_000,
        max_entries: 12,
        ..Limits::default()
    };
    let refused = |bytes: &[u8]| read_within(bytes, "", &small).unwrap_err().code();
    assert_eq!(
        refused(example("volunteer-handbook.docx")),
        "document.too_large"
    );
    assert_eq!(refused(example("prices.xlsx")), "document.zip_bomb");
}

#[test]
fn limits_hold_for_bytes_cells_text_and_passages() {
    let refused = |limits: Limits, name: &str| {
        read_within(example(name), name, &limits)
            .unwrap_err()
            .to_string()
    };
    let limits = Limits::default();
    assert_eq!(
        refused(
            Limits {
                max_bytes: 100,
                ..limits
            },
            "history.txt"
        ),
        "the file is too large: it has more than 100 bytes"
    );
    assert_eq!(
        refused(
            Limits {
                max_cells: 10,
                ..limits
            },
            "prices.xlsx"
        ),
        "the file is too large: it has more than 10 cells"
    );
    assert_eq!(
        refused(
            Limits {
                max_cells: 10,
                ..limits
            },
            "observing-log.csv"
        ),
        "the file is too large: it has more than 10 cells"
    );
    assert_eq!(
        refused(
            Limits {
                max_text: 500,
                ..limits
            },
            "telescope-care.md"
        ),
        "the file is too large: it has more than 500 characters"
    );
    assert_eq!(
        refused(
            Limits {
                max_text: 500,
                ..limits
            },
            "visitor-guide.pdf"
        ),
        "the file is too large: it has more than 500 characters"
    );
    assert_eq!(
        refused(
            Limits {
                max_passages: 1,
                ..limits
            },
            "history.txt"
        ),
        "the file is too large: it has more than 1 passages of text"
    );
    assert_eq!(
        refused(
            Limits {
                max_pages: 4,
                ..limits
            },
            "visitor-guide.pdf"
        ),
        "the document has 5 pages; at most 4 are read"
    );
}

#[test]
fn one_cell_in_the_last_corner_of_a_sheet_costs_one_cell() {
    let sheet = br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far away</t></is></c></row></sheetData></worksheet>"#;
    let book = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Big" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let root = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let relations = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let bytes = zipped(&[
        ("_rels/.rels", root),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    let parsed = read(&bytes, "big.xlsx").unwrap();
    assert_eq!(parsed.passages[0].text, "1\n\nfar away");
}
