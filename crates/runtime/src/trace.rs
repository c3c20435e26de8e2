//! W3C trace context: what one request caused stays one trace, across the log.

/// Whether `text` is a `traceparent`: `<version>-<trace id>-<span id>-<flags>`, in lower-case hex, of 2, 32, 16 and 2
/// digits. Version `ff` and ids of zeros only are none.
pub fn is_traceparent(text: &str) -> bool {
    parts(text).is_some()
}

/// The `traceparent` of what `parent` caused: the same trace and flags, another span. `None` if `parent` is none.
pub(crate) fn child(parent: &str, span: u64) -> Option<String> {
    let (trace, flags) = parts(parent)?;
    Some(format!("00-{trace}-{span:016x}-{flags}"))
}

/// The trace id and the flags.
fn parts(text: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else {
        return None;
    };
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length| hex(part, length) && part.bytes().any(|b| b != b'0');
    let sound = hex(version, 2) && version != "ff" && id(trace, 32) && id(span, 16);
    (sound && hex(flags, 2)).then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_caused_has_the_trace_and_flags_of_its_cause_and_a_span_of_its_own() {
        let wanted = "00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-01";
        assert_eq!(child(PARENT, 0xab).as_deref(), Some(wanted));
    }
    #[test]
    fn a_traceparent_is_taken_only_if_it_is_one() {
        assert!(is_traceparent(PARENT));
        for wrong in [
            "",
            "00-0af7-b7ad-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
            assert_eq!(child(wrong, 1), None, "{wrong}");
        }
    }
}
