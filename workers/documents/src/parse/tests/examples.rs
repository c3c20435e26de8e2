//! What becomes of the example documents.
use super::*;
use crate::parse::{Format, Passage, sniff};

/// The one passage that holds the phrase.
fn passage_with(file_name: &str, phrase: &str) -> Passage {
    let parsed = read(example(file_name), file_name).unwrap();
    let mut found = parsed
        .passages
        .iter()
        .filter(|passage| passage.text.contains(phrase));
    let passage = found
        .next()
        .unwrap_or_else(|| panic!("nowhere in {file_name}: {phrase:?} {:#?}", parsed.passages));
    assert!(found.next().is_none(), "twice in {file_name}: {phrase}");
    passage.clone()
}

#[test]
fn every_format_is_told_by_its_content_whatever_the_file_is_called() {
    let formats = [
        Format::Pdf,
        Format::Docx,
        Format::Xlsx,
        Format::Html,
        Format::Markdown,
        Format::Markdown,
        Format::Csv,
        Format::Plain,
    ];
    for ((name, bytes), format) in EXAMPLES.into_iter().zip(formats) {
        for called in [name, "upload", "wrong.docx", "wrong.pdf", "wrong.txt"] {
            assert_eq!(
                sniff(bytes, called, "application/octet-stream"),
                Ok(format),
                "{name} called {called}"
            );
        }
    }
}

#[test]
fn a_pdf_keeps_its_headings_and_page_numbers() {
    let passage = passage_with(
        "visitor-guide.pdf",
        "Only red torches are allowed on the observing terrace",
    );
    assert_eq!(passage.page, Some(4));
    assert_eq!(passage.headings, ["Rules and safety", "Light"]);
    let parsed = read(example("visitor-guide.pdf"), "").unwrap();
    assert_eq!(
        parsed.title.as_deref(),
        Some("Visitor guide, Harlow Ridge Observatory")
    );
    assert_eq!(
        parsed.passages.last().and_then(|passage| passage.page),
        Some(5)
    );
    assert!(
        !parsed
            .passages
            .iter()
            .any(|passage| passage.text.contains("· page")),
        "the running foot is no text"
    );
    assert!(passage_with("visitor-guide.pdf", "Dogs are welcome").text.contains("\n• Dogs are welcome on the terrace on a lead of at most two metres, but not in the dome."));
}

#[test]
fn a_docx_keeps_its_headings_lists_and_tables() {
    let crank = passage_with(
        "volunteer-handbook.docx",
        "The key of the hand crank hangs in the red box",
    );
    assert_eq!(crank.headings, ["Volunteer handbook", "Closing the dome"]);
    assert!(crank.text.contains("\nCount the red torches. Thirty.\n"));
    let shifts = passage_with(
        "volunteer-handbook.docx",
        "Role: Operator; Arrives: 19:15; Leaves: after closing the dome; Training needed: six evenings and the dome test",
    );
    assert_eq!(shifts.headings, ["Volunteer handbook", "Shifts"]);
    let unwell = passage_with("volunteer-handbook.docx", "defibrillator");
    assert_eq!(
        unwell.headings,
        ["Volunteer handbook", "With visitors", "Somebody is unwell"]
    );
}

#[test]
fn an_xlsx_keeps_sheets_and_names_columns_in_every_row() {
    let hire = passage_with(
        "prices.xlsx",
        "Telescope: Wren 80; Aperture (mm): 80; Evening (EUR): 18; Weekend (EUR): 38; Deposit (EUR): 150",
    );
    assert_eq!(
        (hire.headings, hire.page),
        (vec!["Telescope hire".to_owned()], Some(2))
    );
    let child = passage_with(
        "prices.xlsx",
        "Ticket: Child, 6 to 15 years; Museum (EUR): 4.5; Planetarium show (EUR): 3; Public night (EUR): 7",
    );
    assert!(child.text.starts_with("Admission from 1 April 2031"));
    assert_eq!(child.page, Some(1));
}

#[test]
fn an_html_page_loses_its_navigation_and_scripts_only() {
    let comet = passage_with(
        "public-nights.html",
        "Date: Friday, 18 April 2031; Begins: 21:00; Topic: Comet night: how a comet is found; Speaker: Dr Imre Vass",
    );
    assert_eq!(comet.headings, ["Public nights, spring 2031", "Programme"]);
    let parsed = read(example("public-nights.html"), "").unwrap();
    assert_eq!(
        parsed.title.as_deref(),
        Some("Public nights – Harlow Ridge Observatory")
    );
    assert!(
        !parsed
            .passages
            .iter()
            .any(|passage| passage.text.contains("has-script") || passage.text.contains("Shop"))
    );
    assert_eq!(
        passage_with("public-nights.html", "cancelled free of charge")
            .headings
            .len(),
        3
    );
}

#[test]
fn markdown_csv_and_plain_text_keep_what_their_authors_meant() {
    let bolts = passage_with("telescope-care.md", "to a torque of 9 newton metres");
    assert_eq!(
        bolts.headings,
        [
            "Care of the Corvin reflector",
            "Collimation",
            "Bolts of the mirror cell"
        ]
    );
    assert!(
        passage_with(
            "dome-troubleshooting.md",
            "domectl codes --last 10\ndomectl position"
        )
        .headings
        .contains(&"Error codes of the controller".to_owned())
    );
    passage_with(
        "observing-log.csv",
        "Date: 2030-11-05; Observer: Priya Raman; Object: M 45; Instrument: Wren 80; Seeing (arcsec): 2.4; Remarks: reflection nebula suspected, not certain",
    );
    let asteroid = passage_with(
        "history.txt",
        "It bears the number 2871 and the name Harlowia.",
    );
    assert_eq!(
        asteroid.headings,
        [
            "A SHORT HISTORY OF THE HARLOW RIDGE OBSERVATORY",
            "AGNES CORVIN"
        ]
    );
    assert!(
        asteroid.text.contains(
            "she ground the mirror of 61 centimetres that is still in use, in the cellar"
        )
    );
}

#[test]
fn each_question_has_its_answer_in_one_document_and_the_last_in_none() {
    let questions = include_str!("../../../../../examples/questions.txt");
    let mut asked = questions
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(asked.clone().count(), 6);
    let answers = [
        (
            "visitor-guide.pdf",
            "Only red torches are allowed on the observing terrace",
        ),
        (
            "prices.xlsx",
            "Telescope: Wren 80; Aperture (mm): 80; Evening (EUR): 18; Weekend (EUR): 38",
        ),
        (
            "volunteer-handbook.docx",
            "The key of the hand crank hangs in the red box",
        ),
        ("telescope-care.md", "to a torque of 9 newton metres"),
        (
            "public-nights.html",
            "Date: Friday, 18 April 2031; Begins: 21:00; Topic: Comet night",
        ),
    ];
    let holds = |bytes: &[u8], name: &str, phrase: &str| {
        let passages = read(bytes, name).unwrap().passages;
        passages
            .iter()
            .any(|passage| passage.text.to_lowercase().contains(&phrase.to_lowercase()))
    };
    for (answering, phrase) in answers {
        let holding = EXAMPLES
            .into_iter()
            .filter(|(name, bytes)| holds(bytes, name, phrase));
        assert_eq!(
            holding.map(|(name, _)| name).collect::<Vec<_>>(),
            [answering],
            "{phrase}"
        );
    }
    assert_eq!(
        asked.next_back(),
        Some("Does the swimming pool have a sauna?")
    );
    for word in ["swim", " pool", "sauna"] {
        assert!(
            !EXAMPLES
                .into_iter()
                .any(|(name, bytes)| holds(bytes, name, word)),
            "{word}"
        );
    }
}

#[test]
fn passages_obey_every_limit_number_themselves_and_come_out_the_same_again() {
    for (name, bytes) in EXAMPLES {
        for max_passage in [1, 7, 80, 300, 1_200, 100_000] {
            let limits = Limits {
                max_passage,
                max_passages: usize::MAX,
                ..Limits::default()
            };
            let parsed = read_within(bytes, name, &limits).unwrap();
            assert_eq!(read_within(bytes, name, &limits).as_ref(), Ok(&parsed));
            for (number, passage) in parsed.passages.iter().enumerate() {
                assert_eq!(passage.ordinal as usize, number);
                assert!(
                    passage.text.chars().count() <= max_passage,
                    "{name}, {max_passage}"
                );
                assert!(!passage.text.trim().is_empty(), "{name}, {max_passage}");
            }
        }
    }
}
