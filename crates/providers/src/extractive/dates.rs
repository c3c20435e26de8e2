//! Dates as tables write them, in the words in which people ask for them.

/// In the order of the calendar.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The months of the ISO dates in a text: `2030-12-10` is in december.
pub(super) fn months(text: &str) -> impl Iterator<Item = &'static str> {
    // Few texts have any: those without are not taken apart.
    let dated = if text.contains('-') { text } else { "" };
    dated
        .split(|c: char| !(c.is_ascii_digit() || c == '-'))
        .filter_map(month)
}

fn month(date: &str) -> Option<&'static str> {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let number: usize = month.parse().ok()?;
    MONTHS.get(number.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_in_its_month() {
        let found = |text| months(text).collect::<Vec<_>>();
        assert_eq!(
            found("Date: 2030-12-10; Until: 2031-01-07"),
            ["december", "january"]
        );
        for none in ["2030-13-01", "2030-00-01", "0555-0147", "12-10", "2030", ""] {
            assert!(found(none).is_empty(), "{none}");
        }
    }
}
