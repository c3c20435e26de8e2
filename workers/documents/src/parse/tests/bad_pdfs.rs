//! PDFs that would take their reader with them.
use super::*;
use std::fmt::Write as _;
use std::io::Write as _;

/// A PDF of these objects, numbered from 1; the first is the catalog.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.5\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        writeln!(table, "{:010} 00000 n ", bytes.len()).unwrap();
        bytes.extend(format!("{number} 0 obj\n").bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let begin = bytes.len();
    bytes.extend(table.bytes());
    bytes.extend(
        format!(
            "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n",
            objects.len() + 1
        )
        .bytes(),
    );
    bytes
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<< {dictionary} /Length {} >>\nstream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

fn packed(length: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; length]).unwrap();
    encoder.finish().unwrap()
}

/// One page that shows a word and draws what it is told to.
fn one_page(drawn: &str, parent: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [3 0 R] /Count 1 {parent} >>").into_bytes(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources 5 0 R >>"
            .to_vec(),
        stream(
            "",
            format!("BT /F1 12 Tf 10 100 Td (Hello there) Tj ET {drawn}").as_bytes(),
        ),
        b"<< /Font << /F1 6 0 R >> /XObject << /A 7 0 R /B 8 0 R >> >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf(&objects)
}

const FORM: &str = "/Type /XObject /Subtype /Form /BBox [0 0 9 9]";

#[test]
fn a_page_is_read_with_what_it_draws_and_its_images_are_not() {
    let form = stream(
        &format!("{FORM} /Resources 5 0 R"),
        b"BT /F1 12 Tf 10 50 Td (Drawn) Tj ET",
    );
    let image = stream(
        "/Subtype /Image /Width 4096 /Height 4096 /Filter /FlateDecode",
        &packed(48 << 20),
    );
    let parsed = read(&one_page("/A Do /B Do", "", &[form, image]), "a.pdf").unwrap();
    assert_eq!(parsed.passages[0].text, "Hello there\n\nDrawn");
}

#[test]
fn a_page_without_text_is_a_scan() {
    let image = stream("/Subtype /Image /Width 1 /Height 1", b"\0");
    let scan = one_page("", "", &[image.clone(), image]);
    let scan: Vec<u8> = String::from_utf8_lossy(&scan)
        .replace("(Hello there)", "(           )")
        .into_bytes();
    let refused = read(&scan, "scan.pdf").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no text in a PDF; if it is a scan, run text recognition (OCR) on it first"
    );
}

#[test]
fn an_encrypted_pdf_says_so() {
    let sealed = include_bytes!("../../../../../examples/broken/sealed-contract.pdf");
    let refused = read(sealed, "sealed-contract.pdf").unwrap_err();
    assert_eq!(refused.code(), "document.encrypted");
    assert_eq!(
        refused.to_string(),
        "the file is encrypted; upload a copy of a PDF that opens without a password"
    );
}

#[test]
fn streams_that_unpack_too_far_are_refused_before_or_after_loading() {
    let word = stream("", b"");
    let content = stream("/Filter /FlateDecode", &packed(17 << 20));
    let bomb = one_page("/B Do", "", &[word.clone(), content]);
    assert_eq!(verdict(&bomb, "a.pdf"), "document.zip_bomb");
    let objects = stream(
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
        &packed(130 << 20),
    );
    assert_eq!(
        verdict(&one_page("", "", &[word.clone(), objects]), "a.pdf"),
        "document.zip_bomb"
    );
    let twice = stream(
        "/Type /Obj#53tm /Filter [/FlateDecode /FlateDecode]",
        &packed(100),
    );
    assert_eq!(
        verdict(&one_page("", "", &[word, twice]), "a.pdf"),
        "document.zip_bomb"
    );
}

#[test]
fn drawings_without_end_are_refused() {
    let form = |content: &str| stream(&format!("{FORM} /Resources 5 0 R"), content.as_bytes());
    assert_eq!(
        verdict(
            &one_page("/A Do", "", &[form("/B Do"), form("/A Do")]),
            "a.pdf"
        ),
        "document.corrupt"
    );
    let own = |content: &str, next: usize| {
        stream(
            &format!("{FORM} /Resources << /XObject << /A {next} 0 R >> >>"),
            content.as_bytes(),
        )
    };
    let ten = "/A Do ".repeat(10);
    let forms: Vec<Vec<u8>> = (8..18)
        .map(|next| own(&ten, next))
        .chain([own("q Q", 7)])
        .collect();
    assert_eq!(
        verdict(&one_page("/A Do", "", &forms), "a.pdf"),
        "document.zip_bomb"
    );
}

#[test]
fn page_trees_without_end_are_refused() {
    let empty = stream("", b"");
    assert_eq!(
        verdict(
            &one_page("", "/Parent 3 0 R", &[empty.clone(), empty]),
            "a.pdf"
        ),
        "document.corrupt"
    );
    let none = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec(),
    ]);
    assert_eq!(verdict(&none, "a.pdf"), "document.corrupt");
}

#[test]
fn a_panic_of_the_reader_is_a_damaged_file() {
    let empty = stream("", b"");
    let refused = read(
        &one_page("/F9 12 Tf BT (x) Tj ET", "", &[empty.clone(), empty]),
        "a.pdf",
    )
    .unwrap_err();
    assert_eq!(refused.code(), "document.corrupt");
}

#[test]
fn a_pdf_that_is_cut_off_says_so_in_words_for_whoever_uploaded_it() {
    let whole = example("visitor-guide.pdf");
    for cut in [&whole[..whole.len() / 2], &whole[..whole.len() - 200]] {
        let said = read(cut, "a.pdf").expect_err("it is cut off").to_string();
        let wanted = "the file is damaged or cut off: it should be a PDF, but what is in it cannot be found: the list \
                      of its parts is missing or wrong";
        assert_eq!(said, wanted);
    }
}
