//! How a call is refused: with the codes and, where a client may look for them, the words of Qdrant.
use tonic::Status;

/// The loud one: a test that meets it asks the double for more than it plays.
pub(super) fn not_played(what: impl AsRef<str>) -> Status {
    Status::unimplemented(format!(
        "the double of Qdrant does not play {}",
        what.as_ref()
    ))
}

pub(super) fn wrong_input(why: impl AsRef<str>) -> Status {
    Status::invalid_argument(format!("Wrong input: {}", why.as_ref()))
}

/// What strict mode forbids.
pub(super) fn forbidden(why: impl AsRef<str>, help: &str) -> Status {
    Status::invalid_argument(format!("Bad request: {}. Help: {help}", why.as_ref()))
}

pub(super) fn no_collection(name: &str) -> Status {
    Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
}

/// Refuses what is set although the double does not play it.
pub(super) fn without<T>(what: &str, set: &Option<T>) -> Result<(), Status> {
    match set {
        None => Ok(()),
        Some(_) => Err(not_played(what)),
    }
}
