//! What the driver says, as the port says it.
use mongodb::bson::{Bson, Document};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use runtime::PortError;

/// The code of a server whose disk is full.
const OUT_OF_DISK_SPACE: i32 = 14031;

/// The code of a row that is there already.
pub(super) const DUPLICATE: i32 = 11000;

/// The code of a collection that is not there.
pub(super) const NAMESPACE_NOT_FOUND: i32 = 26;

/// Characters of an error that are told.
const LONGEST: usize = 300;

pub(super) fn unreachable(why: String) -> PortError {
    PortError::Unreachable { port: "state", why }
}

pub(super) fn corrupt(why: String) -> PortError {
    PortError::Corrupt { port: "state", why }
}

/// A server's own words, by its code.
pub(super) fn said(code: i32, why: &str) -> PortError {
    let why: String = format!("{why} (code {code})")
        .chars()
        .take(LONGEST)
        .collect();
    match code {
        OUT_OF_DISK_SPACE => PortError::Full { port: "state", why },
        _ => unreachable(why),
    }
}

/// An error of the driver.
pub(super) fn of(error: &Error) -> PortError {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => said(command.code, &command.message),
        ErrorKind::Write(WriteFailure::WriteError(write)) => said(write.code, &write.message),
        ErrorKind::Bson(error) => corrupt(format!("what the server answered: {error}")),
        kind => unreachable(kind.to_string().chars().take(LONGEST).collect()),
    }
}

/// The number of a field, however a server writes numbers; 0 if it is none.
pub(super) fn count(document: &Document, name: &str) -> i64 {
    match document.get(name) {
        Some(Bson::Int32(n)) => i64::from(*n),
        Some(Bson::Int64(n)) => *n,
        Some(Bson::Double(n)) => *n as i64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::doc;

    #[test]
    fn a_full_disk_is_full_and_everything_else_may_have_been_done() {
        assert!(matches!(said(14031, "no space"), PortError::Full { .. }));
        assert!(matches!(said(1, "what"), PortError::Unreachable { .. }));
        let long = said(1, &"x".repeat(10_000));
        assert!(long.to_string().len() < 400, "an error is short");
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let answer = doc! { "a": 1i32, "b": 2i64, "c": 3.0, "d": "4" };
        let read: Vec<i64> = ["a", "b", "c", "d", "e"]
            .map(|name| count(&answer, name))
            .into();
        assert_eq!(read, [1, 2, 3, 0, 0]);
    }
}
