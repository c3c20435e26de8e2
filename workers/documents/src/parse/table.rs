//! Tables to lines that make sense alone: every row names its columns.
use super::Content;
use super::text::one_line;

/// The lines of a table. Where the first row is a header, each row below reads `Ticket: Adult; Price: 14`, so that a row
/// keeps its header wherever a passage is cut; where it is none, or stands alone, cells are separated by ` | `.
pub(super) fn lines(rows: Vec<Vec<String>>) -> Vec<Content> {
    let mut rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    rows.retain(|row: &Vec<String>| row.iter().any(|cell| !cell.is_empty()));
    let header = if rows.len() > 1 && is_header(&rows[0]) {
        Some(rows.remove(0))
    } else {
        None
    };
    rows.iter()
        .map(|row| Content::Line(line(header.as_deref(), row)))
        .filter(|line| !line.text().is_empty())
        .collect()
}

/// A header names things: at least two names, no numbers, no name twice.
fn is_header(row: &[String]) -> bool {
    let mut names: Vec<&str> = row
        .iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let count = names.len();
    let numbers = names.iter().any(|name| !name.contains(char::is_alphabetic));
    names.sort_unstable();
    names.dedup();
    count >= 2 && !numbers && names.len() == count
}

fn line(header: Option<&[String]>, row: &[String]) -> String {
    let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    let Some(header) = header else {
        return cells
            .map(|(_, cell)| cell.as_str())
            .collect::<Vec<_>>()
            .join(" | ");
    };
    let named: Vec<String> = cells
        .map(
            |(column, cell)| match header.get(column).filter(|name| !name.is_empty()) {
                Some(name) => format!("{name}: {cell}"),
                None => cell.clone(),
            },
        )
        .collect();
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]]) -> Vec<String> {
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        lines(rows)
            .iter()
            .map(|line| line.text().to_owned())
            .collect()
    }

    #[test]
    fn every_row_keeps_the_header() {
        let rows = table(&[
            &["Ticket", "Price"],
            &["Adult", "14"],
            &["", ""],
            &["Child", ""],
            &["Dog", "0", "on a lead"],
        ]);
        assert_eq!(
            rows,
            [
                "Ticket: Adult; Price: 14",
                "Ticket: Child",
                "Ticket: Dog; Price: 0; on a lead"
            ]
        );
    }

    #[test]
    fn a_table_without_header_keeps_all_its_rows() {
        assert_eq!(table(&[&["1", "2"], &["3", "4"]]), ["1 | 2", "3 | 4"]);
        assert_eq!(table(&[&["Ticket", "Price"]]), ["Ticket | Price"]);
    }
}
