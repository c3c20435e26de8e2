//! CSV: the delimiter is found by trying, every row names its columns.
use super::{Block, Extract, Limits, ParseError, table};
use csv::{Reader, ReaderBuilder};

/// Tried in this order; the first of equally good ones wins.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records looked at to find the delimiter.
const SAMPLE: usize = 50;
/// Longest cell of a file that is surely a table, in characters: commas in prose separate longer pieces.
const CELL: usize = 60;

pub(super) fn extract(text: &str, limits: &Limits) -> Result<Extract, ParseError> {
    let delimiter = delimiter(text).unwrap_or(b',');
    let mut rows = Vec::new();
    let mut cells = 0;
    for record in reader(text, delimiter).records() {
        let record = record.map_err(|error| ParseError::corrupt("a CSV table", error))?;
        cells += record.len();
        limits.check_cells(cells)?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    Ok(Extract {
        title: None,
        blocks: table::lines(rows).into_iter().map(Block::unpaged).collect(),
    })
}

fn reader(text: &str, delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// The delimiter that gives at least two records the same number of cells, two or more; of several the one that fits most
/// records, then the one that gives most cells.
pub(super) fn delimiter(text: &str) -> Option<u8> {
    let mut best = None;
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = sample(text, delimiter).iter().map(Vec::len).collect();
        let width = widths.first().copied().unwrap_or(0);
        let fitting = widths.iter().filter(|found| **found == width).count();
        if width >= 2
            && fitting >= 2
            && best.is_none_or(|(fit, wide, _)| (fitting, width) > (fit, wide))
        {
            best = Some((fitting, width, delimiter));
        }
    }
    best.map(|(_, _, delimiter)| delimiter)
}

/// Whether a text is a table whatever it is called: every record has the same cells, three or more (or two, in at least
/// five records), and they are short.
pub(super) fn is_surely(text: &str) -> bool {
    let Some(delimiter) = delimiter(text) else {
        return false;
    };
    let records = sample(text, delimiter);
    let width = records.first().map_or(0, Vec::len);
    let enough = if width >= 3 {
        records.len() >= 3
    } else {
        records.len() >= 5
    };
    let even = records.iter().all(|record| record.len() == width);
    let short = records
        .iter()
        .flatten()
        .all(|cell| cell.chars().count() <= CELL);
    enough && even && short
}

fn sample(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let records = reader(text, delimiter)
        .into_records()
        .map_while(Result::ok)
        .take(SAMPLE);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_a_table() {
        assert_eq!(delimiter("a,b\n1,2\n"), Some(b','));
        assert_eq!(
            delimiter("Name;Price\n\"Adult; one day\";14,50\nChild;7,00\n"),
            Some(b';')
        );
        assert_eq!(delimiter("a\tb\tc\n1,5\t2,5\t3,5\n"), Some(b'\t'));
        assert_eq!(delimiter("only prose here\nand here\n"), None);
    }

    #[test]
    fn prose_with_commas_is_no_table() {
        assert!(!is_surely("Dear Ann,\nwe came, we saw,\nwe left.\n"));
        assert!(is_surely(
            "date,object,seeing\n2031-01-04,M 42,2.1\n2031-01-05,M 31,1.8\n"
        ));
    }
}
