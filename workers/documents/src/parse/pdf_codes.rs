//! Code tables of fonts (`ToUnicode`), held to a size: the reader lists every code of every range they name.
use super::ParseError;
use super::pdf::damaged;
use memchr::memmem;

/// Codes that one code table may list. Unicode has 1,114,112; tables are made per font and page.
const MAX_CODES: u64 = 200_000;
/// Longest code table, in bytes. One that lists every character of Unicode by itself has 16 MB; fonts have 65,536 at most.
const MAX_LENGTH: usize = 4 << 20;
/// Brackets within brackets in a code table.
const MAX_BRACKETS: usize = 50;

/// Refuses ranges without end (`<00> <ffffffff>`) and brackets without end, which the reader follows by recursion. Streams
/// that are no code tables pass.
pub(super) fn check(content: &[u8]) -> Result<(), ParseError> {
    if memmem::find(content, b"begincmap").is_none()
        && memmem::find(content, b"beginbfrange").is_none()
    {
        return Ok(());
    }
    if content.len() > MAX_LENGTH {
        return Err(damaged(
            "the code table of a font is longer than any font needs",
        ));
    }
    let mut depth = 0_usize;
    for byte in content {
        match byte {
            b'(' | b'[' | b'<' => depth += 1,
            b')' | b']' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return Err(damaged("the code table of a font is nested without end"));
        }
    }
    // Comments could hold brackets that the reader does not count.
    let text = String::from_utf8_lossy(content);
    let text: String = text
        .lines()
        .map(|line| line.split('%').next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let tables = text
        .split("beginbfrange")
        .skip(1)
        .map(|after| after.split("endbfrange").next().unwrap_or_default());
    let codes = tables
        .flat_map(range_lengths)
        .fold(0_u64, u64::saturating_add);
    if codes > MAX_CODES {
        Err(damaged(
            "the code table of a font lists more codes than there are",
        ))
    } else {
        Ok(())
    }
}

/// How many codes each of `<lo> <hi> <to>` and `<lo> <hi> [<to> …]` lists.
fn range_lengths(table: &str) -> Vec<u64> {
    let mut lengths = Vec::new();
    let mut in_array = false;
    let mut codes: Vec<u64> = Vec::new();
    let mut rest = table;
    while let Some(at) = rest.find(['<', '[', ']']) {
        let (mark, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = after;
        match mark {
            b'[' => in_array = true,
            b']' => {
                in_array = false;
                codes.clear();
            }
            _ if in_array => {}
            _ => {
                let hex = after.split('>').next().unwrap_or_default().trim();
                codes.push(u64::from_str_radix(hex, 16).unwrap_or(0));
                if let [low, high] = codes[..] {
                    lengths.push(high.saturating_sub(low) + 1);
                }
                if codes.len() == 3 {
                    codes.clear();
                }
            }
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_code_tables_are_refused() {
        let table = |range: &str| {
            check(format!("begincmap 1 beginbfrange {range} endbfrange endcmap").as_bytes())
        };
        assert_eq!(table("<0000> <ffff> <0000>"), Ok(()));
        assert_eq!(
            table("<01> <03> [<0041> <ffff> <0043>]\n<20> <7e> <0020>"),
            Ok(())
        );
        assert!(table("<00000000>\n<ffffffff> <0000>").is_err());
        assert!(check(format!("begincmap {}", "(".repeat(1_000)).as_bytes()).is_err());
    }
}
