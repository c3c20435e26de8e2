//! What Qdrant says, as the port says it.
use qdrant_client::QdrantError;
use runtime::PortError;

/// Characters of an error that are told.
const LONGEST: usize = 300;

pub(super) fn corrupt(why: String) -> PortError {
    PortError::Corrupt {
        port: "search",
        why,
    }
}

pub(super) fn unreachable(why: &str) -> PortError {
    PortError::Unreachable {
        port: "search",
        why: why.chars().take(LONGEST).collect(),
    }
}

/// An error of the client.
pub(super) fn of(error: &QdrantError) -> PortError {
    match error {
        // The metadata of an answer is left out: it is long and says nothing.
        QdrantError::ResponseError { status }
        | QdrantError::ResourceExhaustedError { status, .. } => {
            classified(&format!("{}: {}", status.code(), status.message()))
        }
        QdrantError::ConversionError(why) => corrupt(why.clone()),
        other => unreachable(&other.to_string()),
    }
}

fn classified(why: &str) -> PortError {
    // What the system says when a disk is full stands within what Qdrant says.
    if why.contains("No space left on device") || why.contains("out of disk space") {
        PortError::Full {
            port: "search",
            why: why.chars().take(LONGEST).collect(),
        }
    } else {
        unreachable(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_server_that_is_away() {
        let full = classified("Internal: Service internal error: No space left on device");
        assert!(matches!(full, PortError::Full { port: "search", .. }));
        let away = classified(&"Unavailable: tcp connect error ".repeat(100));
        assert!(matches!(away, PortError::Unreachable { .. }));
        assert!(away.to_string().len() < 400);
    }
}
