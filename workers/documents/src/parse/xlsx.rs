//! Excel workbooks: a heading per sheet, a line per row that names its columns.
use super::{Block, Content, Extract, Format, Limits, ParseError, table, zip_bounds};
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use std::collections::BTreeMap;
use std::io::Cursor;

const FORMAT: &str = "an Excel workbook (XLSX)";

/// Row -> column -> text. Sparse: one cell in the last corner of a sheet must not cost 17 thousand million others.
type Rows = BTreeMap<u32, BTreeMap<u32, String>>;

/// Reads the visible sheets; hidden ones are not what the author shows. The page of a block is the number of its sheet.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extract, ParseError> {
    debug_assert_eq!(FORMAT, Format::Xlsx.with_article());
    zip_bounds::check(bytes, FORMAT, limits)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(wrong)?;
    let sheets = book.sheets_metadata().to_vec();
    limits.check_pages(sheets.len())?;
    let mut blocks = Vec::new();
    let mut cells = 0;
    for (number, sheet) in (1..).zip(&sheets) {
        if sheet.typ != SheetType::WorkSheet || sheet.visible != SheetVisible::Visible {
            continue;
        }
        let rows = read_rows(&mut book, &sheet.name, &mut cells, limits)?;
        let on_sheet = |content| Block {
            content,
            page: Some(number),
        };
        if !rows.is_empty() {
            blocks.push(on_sheet(Content::Heading {
                level: 1,
                text: sheet.name.clone(),
            }));
        }
        blocks.extend(regions(rows).into_iter().map(on_sheet));
    }
    Ok(Extract {
        title: None,
        blocks,
    })
}

fn wrong(error: impl std::fmt::Display) -> ParseError {
    ParseError::corrupt(FORMAT, error)
}

fn read_rows(
    book: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    cells: &mut usize,
    limits: &Limits,
) -> Result<Rows, ParseError> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(wrong)?;
    let mut rows = Rows::new();
    while let Some(cell) = reader.next_cell().map_err(wrong)? {
        let text = text_of(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        *cells += 1;
        limits.check_cells(*cells)?;
        let (row, column) = cell.get_position();
        rows.entry(row).or_default().insert(column, text);
    }
    Ok(rows)
}

/// A sheet is tables and remarks. Tables are separated by empty rows; a row of one cell outside a table is a remark.
fn regions(rows: Rows) -> Vec<Content> {
    let mut contents = Vec::new();
    let mut open: Vec<BTreeMap<u32, String>> = Vec::new();
    let mut expected = 0;
    for (number, row) in rows {
        if number != expected {
            contents.extend(close(std::mem::take(&mut open)));
        }
        expected = number + 1;
        if row.len() == 1 && open.is_empty() {
            contents.extend(row.into_values().map(Content::Paragraph));
        } else {
            open.push(row);
        }
    }
    contents.extend(close(open));
    contents
}

/// Lines up the cells of a table by the columns that it uses.
fn close(rows: Vec<BTreeMap<u32, String>>) -> Vec<Content> {
    let used: BTreeMap<u32, usize> = {
        let mut columns: Vec<u32> = rows.iter().flat_map(|row| row.keys().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns.into_iter().zip(0..).collect()
    };
    // Rows are as short as they can be, so that a wide sheet with few cells stays small.
    let aligned = rows.into_iter().map(|row| {
        let width = row
            .keys()
            .next_back()
            .and_then(|last| used.get(last))
            .map_or(0, |last| last + 1);
        let mut cells = vec![String::new(); width];
        for (column, text) in row {
            if let Some(cell) = used.get(&column).and_then(|place| cells.get_mut(*place)) {
                *cell = text;
            }
        }
        cells
    });
    table::lines(aligned.collect())
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "yes".to_owned(),
        DataRef::Bool(false) => "no".to_owned(),
        DataRef::DateTime(moment) => moment_text(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// Ten decimals are what a person typed; what lies below them comes from adding in binary.
fn number_text(number: f64) -> String {
    let text = format!("{number:.10}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A date, a time, or both; a duration as hours and minutes.
fn moment_text(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        let minutes = (moment.as_f64() * 24.0 * 60.0).round();
        return format!("{}:{:02}", (minutes / 60.0).trunc(), (minutes % 60.0).abs());
    }
    let (year, month, day, hour, minute, _, _) = moment.to_ymd_hms_milli();
    let (date, time) = (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{hour:02}:{minute:02}"),
    );
    match moment.as_f64() {
        value if value < 1.0 => time,
        value if value.fract() == 0.0 => date,
        _ => format!("{date} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_were_typed() {
        assert_eq!(number_text(14.0), "14");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(-2.50), "-2.5");
        assert_eq!(number_text(1_000.0), "1000");
    }

    #[test]
    fn a_remark_above_a_table_does_not_take_the_place_of_its_header() {
        let rows: Rows = [
            (0, vec![(0, "Prices from May")]),
            (1, vec![(0, "Ticket"), (2, "Price")]),
            (2, vec![(0, "Adult"), (2, "14")]),
            (5, vec![(1, "closed on Mondays")]),
        ]
        .into_iter()
        .map(|(row, cells)| {
            (
                row,
                cells
                    .into_iter()
                    .map(|(column, text)| (column, text.to_owned()))
                    .collect(),
            )
        })
        .collect();
        let texts: Vec<_> = regions(rows)
            .iter()
            .map(|content| content.text().to_owned())
            .collect();
        assert_eq!(
            texts,
            [
                "Prices from May",
                "Ticket: Adult; Price: 14",
                "closed on Mondays"
            ]
        );
    }
}
