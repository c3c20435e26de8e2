//! What the store says, as the port says it.
use object_store::Error;
use runtime::PortError;
use runtime::ports::blobs::BlobError;

/// Characters of an error that are told.
const LONGEST: usize = 400;

/// What stores say when they are full: the status, MinIO's codes, Ceph's.
const FULL: [&str; 4] = [
    "507 Insufficient Storage",
    "XMinioStorageFull",
    "XMinioAdminBucketQuotaExceeded",
    "QuotaExceeded",
];

pub(super) fn corrupt(why: String) -> PortError {
    PortError::Corrupt { port: "blobs", why }
}

/// An error of the store.
pub(super) fn of(error: &Error) -> PortError {
    classified(&error.to_string())
}

fn classified(error: &str) -> PortError {
    let why = error.chars().take(LONGEST).collect();
    if FULL.iter().any(|full| error.contains(full)) {
        PortError::Full { port: "blobs", why }
    } else {
        PortError::Unreachable { port: "blobs", why }
    }
}

/// An error when a blob is read: it may not be there. A bucket that is not there is another matter.
pub(super) fn of_blob(id: &str, error: &Error) -> BlobError {
    match error {
        Error::NotFound { .. } if !error.to_string().contains("NoSuchBucket") => {
            BlobError::Missing(id.to_owned())
        }
        other => of(other).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_is_told_from_one_that_is_away() {
        for full in FULL {
            let error = classified(&format!("Generic S3 error: {full}"));
            assert!(matches!(error, PortError::Full { .. }), "{full}");
        }
        let away = classified(&"connection refused ".repeat(1_000));
        assert!(matches!(away, PortError::Unreachable { .. }));
        assert!(away.to_string().len() < 500);
    }

    #[test]
    fn a_blob_is_missing_only_in_a_bucket_that_is_there() {
        let not_found = |why: &str| Error::NotFound {
            path: "p".into(),
            source: why.to_owned().into(),
        };
        assert_eq!(
            of_blob("a", &not_found("NoSuchKey")),
            BlobError::Missing("a".into())
        );
        assert!(matches!(
            of_blob("a", &not_found("<Code>NoSuchBucket</Code>")),
            BlobError::Port(PortError::Unreachable { .. })
        ));
    }
}
