//! Every claim can fail: each kind of lie is caught by the claim that it is about.
use super::claims::claims;
use super::evidence::{Answer, Citation, Crash, Document, Evidence, Ledger, Undone};
use super::found::{Found, Left, Log, Shelf};
use super::material::digest;
use super::questions::Expected;

const TEXTS: [&str; 2] = ["Dogs are welcome. Cats are not.", "Tickets cost 14 euros."];

fn good() -> (Evidence, Found) {
    let count = TEXTS.len() as i64;
    let document = |name: &str, id: &str| Document {
        name: name.into(),
        generated: false,
        read: TEXTS.len() as u64,
        digest: digest(TEXTS),
        id: id.into(),
        state: "ready".into(),
        ledger: Some(Ledger {
            expected: count,
            embedded: count,
            stored: count,
            retrievable: count,
        }),
    };
    let citation = Citation {
        document: "d1".into(),
        name: "guide.pdf".into(),
        page: Some(1),
        heading: String::new(),
        quote: "Dogs are welcome. … Cats are not.".into(),
    };
    let stands = Expected::Stands {
        document: "guide.pdf".into(),
        page: Some(1),
        phrase: "Cats are not".into(),
    };
    let seen = Evidence {
        tenant: "demo".into(),
        cluster: false,
        began_ms: 1,
        chatbot: "bot".into(),
        created: Some("done".into()),
        documents: vec![document("guide.pdf", "d1"), document("prices.md", "d2")],
        crash: Some(Crash {
            killed_pid: 1,
            signal: Some(9),
            killed_at_ms: 100,
            ready_before: 1,
            of: 2,
            restarted_pid: 2,
            ready_again_ms: 50,
        }),
        answers: vec![
            Answer {
                question: "May I bring a cat?".into(),
                expected: Some(stands),
                text: "No. [1]".into(),
                known: true,
                citations: vec![citation],
                ..Answer::default()
            },
            Answer {
                question: "A sauna?".into(),
                expected: Some(Expected::Unknown),
                text: "I don't know".into(),
                ..Answer::default()
            },
        ],
        questions: 2,
        undone: Some(Undone {
            chatbot: "broken".into(),
            sources: vec!["a.md".into(), "sealed.pdf".into()],
            unreadable: "sealed.pdf".into(),
            status: 422,
            code: "chatbots.sources_rejected".into(),
            reason: "sealed.pdf: the file is encrypted".into(),
            chatbot_status: 404,
            documents_status: 404,
            listed: false,
        }),
        exit_code: Some(0),
        broke_off: None,
    };
    let shelf = |ready_at_ms| Shelf {
        passages: TEXTS
            .iter()
            .map(|text| ((*text).to_owned(), Some(1)))
            .collect(),
        findable: 2,
        revisions: 1,
        parsed_events: 1,
        ready_events: 1,
        ready_at_ms,
    };
    let found = Found {
        documents: [("d1".to_owned(), shelf(50)), ("d2".to_owned(), shelf(150))].into(),
        passages: 4,
        full_text: 4,
        left: Left {
            tombstones: 2,
            ..Left::default()
        },
        log: Log {
            messages: 90,
            emitted: 80,
            checkpoints: 20,
            ..Log::default()
        },
    };
    (seen, found)
}

/// The claims that fail when the good is changed so.
fn failing(change: impl FnOnce(&mut Evidence, &mut Found)) -> Vec<String> {
    let (mut seen, mut found) = good();
    change(&mut seen, &mut found);
    let failing = claims(&seen, Some(&found))
        .into_iter()
        .filter(|claim| !claim.holds);
    failing.map(|claim| claim.id).collect()
}
fn shelf(found: &mut Found) -> &mut Shelf {
    found.documents.get_mut("d2").expect("it is there")
}

#[test]
fn all_claims_hold_of_what_is_right() {
    assert_eq!(failing(|_, _| {}), [""; 0]);
}
#[test]
fn without_a_database_nothing_that_needs_it_is_claimed() {
    let (seen, _) = good();
    let failing: Vec<String> = claims(&seen, None)
        .into_iter()
        .filter(|claim| !claim.holds)
        .map(|claim| claim.id)
        .collect();
    assert_eq!(
        failing,
        [
            "crash",
            "ledger",
            "not-doubled",
            "answer-1",
            "nothing-left",
            "all-done"
        ]
    );
}
#[test]
fn of_a_demo_that_saw_nothing_no_claim_holds() {
    let all = claims(&Evidence::default(), Some(&Found::default()));
    assert!(all.iter().all(|claim| !claim.holds), "{all:?}");
}
#[test]
fn a_lost_passage_is_named_with_its_document() {
    let (seen, mut found) = good();
    shelf(&mut found).passages.pop();
    found.passages -= 1;
    let all = claims(&seen, Some(&found));
    let ledger = all
        .iter()
        .find(|claim| claim.id == "ledger")
        .expect("it is claimed");
    assert!(
        !ledger.holds && ledger.against[0].contains("prices.md"),
        "{ledger:?}"
    );
}
#[test]
fn whatever_the_ledger_could_hide_is_found() {
    assert_eq!(failing(|_, found| shelf(found).findable = 1), ["ledger"]);
    assert_eq!(
        failing(|_, found| found.passages += 1),
        ["ledger"],
        "a passage of nobody"
    );
    assert_eq!(
        failing(|_, found| found.full_text += 1),
        ["ledger"],
        "an entry of nobody"
    );
    assert_eq!(
        failing(|seen, _| seen.documents[0].ledger = None),
        ["ledger"]
    );
    let wrong = |change: fn(&mut Ledger)| {
        failing(|seen, _| seen.documents[0].ledger.iter_mut().for_each(change))
    };
    assert_eq!(wrong(|ledger| ledger.expected = 1), ["ledger"]);
    assert_eq!(wrong(|ledger| ledger.embedded = 3), ["ledger"]);
    assert_eq!(wrong(|ledger| ledger.stored = 3), ["ledger"]);
    assert_eq!(wrong(|ledger| ledger.retrievable = 1), ["ledger"]);
}
#[test]
fn whatever_is_doubled_is_found() {
    assert_eq!(
        failing(|_, found| shelf(found).passages[1] = (TEXTS[0].into(), Some(1))),
        ["not-doubled"]
    );
    assert_eq!(
        failing(|_, found| shelf(found).revisions = 2),
        ["not-doubled"]
    );
    assert_eq!(
        failing(|_, found| shelf(found).parsed_events = 2),
        ["not-doubled"]
    );
    assert_eq!(
        failing(|_, found| shelf(found).ready_events = 2),
        ["not-doubled"]
    );
    assert_eq!(
        failing(|_, found| found.log.repeated.push("embedding.ready x 1".into())),
        ["not-doubled"]
    );
}
#[test]
fn a_crash_is_one_only_in_the_middle_and_by_force() {
    let wrong = |change: fn(&mut Crash)| failing(|seen, _| seen.crash.iter_mut().for_each(change));
    assert_eq!(wrong(|crash| crash.signal = Some(15)), ["crash"]);
    assert_eq!(wrong(|crash| crash.signal = None), ["crash"]);
    assert_eq!(wrong(|crash| crash.restarted_pid = 1), ["crash"]);
    assert_eq!(wrong(|crash| crash.ready_before = 0), ["crash"]);
    assert_eq!(
        wrong(|crash| crash.killed_at_ms = 1_000),
        ["crash"],
        "all were ready already"
    );
    assert_eq!(failing(|seen, _| seen.crash = None), ["crash"]);
}
#[test]
fn an_answer_must_quote_what_really_stands_there() {
    let wrong = |change: fn(&mut Answer)| failing(|seen, _| change(&mut seen.answers[0]));
    assert_eq!(
        wrong(|answer| answer.citations[0].quote = "Cats are not invited.".into()),
        ["answer-1"]
    );
    assert_eq!(
        wrong(|answer| answer.citations[0].quote.clear()),
        ["answer-1"]
    );
    assert_eq!(
        wrong(|answer| answer.citations[0].page = Some(2)),
        ["answer-1"]
    );
    assert_eq!(
        wrong(|answer| answer.citations[0].document = "d3".into()),
        ["answer-1"]
    );
    assert_eq!(
        wrong(|answer| answer.citations[0].name = "prices.md".into()),
        ["answer-1"]
    );
    assert_eq!(wrong(|answer| answer.citations.clear()), ["answer-1"]);
    assert_eq!(wrong(|answer| answer.known = false), ["answer-1"]);
}
#[test]
fn what_stands_nowhere_must_not_be_known() {
    let lie = |seen: &mut Evidence, _: &mut Found| {
        let cited = seen.answers[0].citations.clone();
        (seen.answers[1].known, seen.answers[1].citations) = (true, cited);
    };
    assert_eq!(failing(lie), ["answer-2"]);
    assert_eq!(failing(|seen, _| seen.questions = 3), ["asked"]);
}
#[test]
fn a_creation_that_fails_says_why_and_leaves_nothing() {
    let wrong =
        |change: fn(&mut Undone)| failing(|seen, _| seen.undone.iter_mut().for_each(change));
    assert_eq!(wrong(|undone| undone.status = 201), ["undone"]);
    assert_eq!(
        wrong(|undone| undone.reason = "something".into()),
        ["undone"]
    );
    assert_eq!(
        wrong(|undone| undone.chatbot_status = 200),
        ["nothing-left"]
    );
    assert_eq!(
        wrong(|undone| undone.documents_status = 200),
        ["nothing-left"]
    );
    assert_eq!(wrong(|undone| undone.listed = true), ["nothing-left"]);
    let rest = |change: fn(&mut Left)| failing(|_, found| change(&mut found.left));
    assert_eq!(rest(|left| left.passages = 1), ["nothing-left"]);
    assert_eq!(rest(|left| left.full_text = 1), ["nothing-left"]);
    assert_eq!(rest(|left| left.revisions = 1), ["nothing-left"]);
    assert_eq!(rest(|left| left.published = 1), ["nothing-left"]);
    assert_eq!(rest(|left| left.listed_documents = 1), ["nothing-left"]);
    assert_eq!(rest(|left| left.listed = true), ["nothing-left"]);
    assert_eq!(rest(|left| left.blobs = 1), ["nothing-left"]);
    assert_eq!(
        rest(|left| left.tombstones = 0),
        ["nothing-left"],
        "there was nothing to undo"
    );
}
#[test]
fn messages_that_wait_or_died_are_found() {
    assert_eq!(failing(|_, found| found.log.dead_letters = 1), ["all-done"]);
    assert_eq!(
        failing(|_, found| found.log.behind.push("operations replies/1".into())),
        ["all-done"]
    );
    assert_eq!(failing(|seen, _| seen.exit_code = Some(143)), ["stopped"]);
}
#[test]
fn documents_that_are_not_ready_and_a_creation_without_an_end_are_found() {
    assert_eq!(
        failing(|seen, _| seen.documents[0].state = "indexing".into()),
        ["ingested"]
    );
    assert_eq!(
        failing(|seen, _| seen.created = Some("failed".into())),
        ["ingested"]
    );
}
