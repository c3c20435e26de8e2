//! What the double knows.
use super::StartError;
use std::path::Path;
use std::time::Duration;

#[derive(Clone)]
pub(super) struct Store;

impl Store {
    pub(super) fn open(_dir: Option<&Path>, _lag: Duration) -> Result<Self, StartError> {
        Ok(Self)
    }
}
