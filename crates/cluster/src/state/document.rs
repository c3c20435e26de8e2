//! A row as a document: `{_id, version, partition, wake_at?, expires_at?, by, body}`.
//!
//! `by` names the call that wrote it, so that of many rows changed by one command those that were changed can be
//! told from those that another writer changed.
use super::fault::corrupt;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, RawBsonRef, RawDocument, RawDocumentBuf, rawdoc};
use runtime::PortError;
use runtime::ports::state::Row;

/// Bytes that a body may have; a document has at most 16 MiB, with what else is in it.
pub(super) const BODY_MAX: usize = 15 << 20;

/// Names a call.
pub(super) type By = [u8; 16];

/// A version as MongoDB keeps numbers.
pub(super) fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Bytes as MongoDB keeps them.
pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// The document of a row.
pub(super) fn of_row(id: &str, row: &Row, by: &By) -> RawDocumentBuf {
    let mut document = rawdoc! {
        "_id": id,
        "version": number(row.version),
        "partition": row.partition,
        "by": binary(by),
        "body": binary(&row.body),
    };
    // Absent where there is none, so that the indexes hold only rows that have one.
    if let Some(at) = row.wake_at_ms {
        document.append(mongodb::bson::cstr!("wake_at"), at);
    }
    if let Some(at) = row.expires_at_ms {
        document.append(mongodb::bson::cstr!("expires_at"), at);
    }
    document
}

/// The id of a document.
pub(super) fn id(document: &RawDocument) -> Result<String, PortError> {
    document
        .get_str("_id")
        .map(str::to_owned)
        .map_err(|error| corrupt(format!("a row without an id: {error}")))
}

/// The row in a document.
pub(super) fn to_row(document: &RawDocument) -> Result<Row, PortError> {
    let wrong = |error: mongodb::bson::error::Error| corrupt(format!("a row: {error}"));
    Ok(Row {
        version: document.get_i64("version").map_err(wrong)?.unsigned_abs(),
        partition: document.get_i32("partition").map_err(wrong)?,
        wake_at_ms: moment(document, "wake_at")?,
        expires_at_ms: moment(document, "expires_at")?,
        body: document.get_binary("body").map_err(wrong)?.bytes.to_vec(),
    })
}

/// A time of a row, if it has it.
pub(super) fn moment(document: &RawDocument, name: &str) -> Result<Option<i64>, PortError> {
    match document.get(name) {
        Ok(None) => Ok(None),
        Ok(Some(RawBsonRef::Int64(at))) => Ok(Some(at)),
        Ok(Some(other)) => Err(corrupt(format!("{name} is {other:?}"))),
        Err(error) => Err(corrupt(format!("{name}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_same_after_it_was_a_document() {
        let rows = [
            Row::default(),
            Row {
                version: 7,
                partition: -1,
                wake_at_ms: Some(i64::MIN),
                expires_at_ms: Some(i64::MAX),
                body: vec![0, 255],
            },
        ];
        for row in rows {
            let document = of_row("acme/1", &row, &[7; 16]);
            assert_eq!(to_row(&document), Ok(row));
            assert_eq!(id(&document), Ok("acme/1".into()));
        }
    }

    #[test]
    fn what_is_no_row_is_said_to_be_corrupt() {
        let strange = [
            rawdoc! {},
            rawdoc! { "version": "1", "partition": 0, "body": binary(b"") },
            rawdoc! { "version": 1i64, "partition": 0, "body": "text" },
            rawdoc! { "version": 1i64, "partition": 0, "body": binary(b""), "wake_at": "soon" },
        ];
        for document in strange {
            let read = to_row(&document);
            assert!(
                matches!(&read, Err(PortError::Corrupt { port: "state", .. })),
                "{read:?}"
            );
        }
        assert!(id(&rawdoc! { "_id": 1 }).is_err());
    }
}
