//! What came out, for a person and for a program.
use super::claims::Claim;
use super::evidence::{Answer, Evidence};
use super::found::{Found, Left, Log};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

/// The longest quote that is shown, in characters.
const QUOTE: usize = 160;
/// The widest cell of the last table.
const CELL: usize = 80;

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    table.add_rows(rows);
    let text = table.to_string();
    text.lines()
        .map(|line| format!("  {}", line.trim_end()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn clip(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// The ledger: a line a document, the made-up ones together.
pub fn ledger(seen: &Evidence) -> String {
    let mut rows = Vec::new();
    let (mut generated, mut sums) = (0, [0; 4]);
    for document in &seen.documents {
        let ledger = document.ledger.unwrap_or_default();
        let counts = [
            ledger.expected,
            ledger.embedded,
            ledger.stored,
            ledger.retrievable,
        ];
        if document.generated {
            generated += 1;
            sums.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
            continue;
        }
        rows.push(row(&document.name, counts));
    }
    if generated > 0 {
        rows.push(row(&format!("{generated} made-up documents"), sums));
    }
    table(
        &["document", "expected", "embedded", "stored", "retrievable"],
        rows,
    )
}
fn row(name: &str, counts: [i64; 4]) -> Vec<String> {
    [name.to_owned()]
        .into_iter()
        .chain(counts.map(|count| count.to_string()))
        .collect()
}

/// A question, its answer, and where that stands.
pub fn answer(answer: &Answer) -> String {
    let mut text = format!(
        "   ? {}\n     {}\n",
        answer.question,
        clip(&answer.text, 3 * QUOTE)
    );
    for (number, citation) in answer.citations.iter().enumerate() {
        let page = citation
            .page
            .map_or_else(String::new, |page| format!(", page {page}"));
        text.push_str(&format!(
            "     [{}] {}{page}: \"{}\"\n",
            number + 1,
            citation.name,
            clip(&citation.quote, QUOTE)
        ));
    }
    if !answer.model.is_empty() {
        text.push_str(&format!("     ({}, {} ms)\n", answer.model, answer.took_ms));
    }
    text.trim_end().to_owned()
}

/// Every claim, and what contradicts those that do not hold.
pub fn claims(claims: &[Claim]) -> String {
    let mark = |claim: &Claim| if claim.holds { "✓" } else { "✗" }.to_owned();
    let rows = claims.iter().map(|claim| {
        vec![
            mark(claim),
            clip(&claim.claim, CELL),
            clip(&claim.figures, 2 * CELL),
        ]
    });
    let mut text = table(&["", "claim", "found"], rows.collect());
    for claim in claims.iter().filter(|claim| !claim.holds) {
        text.push_str(&format!("\n\n  ✗ {}", claim.claim));
        for why in &claim.against {
            text.push_str(&format!("\n    {why}"));
        }
    }
    text
}

/// Everything that was printed, for a program.
#[derive(Serialize)]
pub struct Json<'a> {
    /// Whether all claims hold.
    pub holds: bool,
    claims: &'a [Claim],
    tenant: &'a str,
    chatbot: &'a str,
    documents: Vec<Value>,
    crash: Value,
    answers: &'a [Answer],
    undone: Value,
    left: Option<&'a Left>,
    log: Option<&'a Log>,
    broke_off: Value,
}

/// Everything that was printed, for a program.
pub fn json<'a>(claims: &'a [Claim], seen: &'a Evidence, found: Option<&'a Found>) -> Json<'a> {
    let document = |document: &super::evidence::Document| {
        let shelf = found.and_then(|found| found.documents.get(&document.id));
        json!({
            "id": document.id,
            "name": document.name,
            "generated": document.generated,
            "state": document.state,
            "read": document.read,
            "ledger": document.ledger,
            "in_database": shelf.map(|shelf| shelf.passages.len()),
            "findable": shelf.map(|shelf| shelf.findable),
        })
    };
    Json {
        holds: claims.iter().all(|claim| claim.holds),
        claims,
        tenant: &seen.tenant,
        chatbot: &seen.chatbot,
        documents: seen.documents.iter().map(document).collect(),
        crash: json!(seen.crash),
        answers: &seen.answers,
        undone: json!(seen.undone),
        left: found.map(|found| &found.left),
        log: found.map(|found| &found.log),
        broke_off: json!(seen.broke_off),
    }
}
