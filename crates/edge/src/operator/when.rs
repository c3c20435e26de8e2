//! A time as a person writes it.

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time: write 2026-01-31T12:00:00Z, or how long ago: 90m, 12h, 7d")]
pub struct NotATime(String);

/// Milliseconds since 1970 of `2026-01-31T12:00:00Z` (fractions of a second may follow), or of a time that long ago:
/// `30s`, `90m`, `12h`, `7d`.
///
/// # Errors
/// [`NotATime`].
pub fn when(text: &str, now_ms: i64) -> Result<i64, NotATime> {
    let text = text.trim();
    let ms = ago(text).map(|ago| now_ms.saturating_sub(ago));
    ms.or_else(|| instant(text))
        .ok_or_else(|| NotATime(text.chars().take(50).collect()))
}

fn ago(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    number(text.strip_suffix(unit)?)?.checked_mul(unit_ms)
}

/// Digits only.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn instant(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.split(':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let ms = number(&format!("{fraction:0<3}")[..3])?;
    if !fits || date.next().is_some() || time.next().is_some() {
        return None;
    }
    // Days since 1970, in years that begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::time::rfc3339;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let leap_day = 951_827_696_789; // 2000-02-29
        for ms in [0, 1, 1_800_000_000_000, leap_day, 4_107_542_400_000] {
            assert_eq!(when(&rfc3339(ms), 0), Ok(ms), "{}", rfc3339(ms));
        }
        assert_eq!(when("1970-01-01T00:01:00Z", 0), Ok(60_000));
    }
    #[test]
    fn or_it_is_said_how_long_ago_it_was() {
        let all = ["30s", "90m", "12h", "7d"].map(|text| when(text, 1_000_000_000));
        let wanted =
            [30_000, 5_400_000, 43_200_000, 604_800_000].map(|ago| Ok(1_000_000_000 - ago));
        assert_eq!(all, wanted);
    }
    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "h",
            "-3h",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-01-01",
            "2026-01-01T24:00:00Z",
        ] {
            assert!(when(text, 0).is_err(), "{text}");
        }
    }
}
