//! What a record is, and how it is read and written (rules A1-A4).
use crate::Personal;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::io::{self, Read};

/// A record is one schema. Its Rust type and its schema are held against each other by tests/tests/contracts.
pub trait Record:
    Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + 'static
{
    /// The schema's full name; it selects the arm that decodes it (A3).
    const NAME: &'static str;

    /// The schema, parsed once.
    fn schema() -> &'static RecordSchema;

    /// The fields marked `"personal": true`, each with a name that is unique in the record (`text`,
    /// `turns.3.text`), to be sealed on the way out and opened on the way in (G1).
    fn personal(&mut self) -> Vec<(String, &mut Personal)> {
        vec![]
    }

    /// Whom the personal fields are about, within the tenant (`ce_subjectkey`), if there are any.
    fn subject_key(&self) -> Option<String> {
        None
    }
}

/// An event, or a command: it knows its topic and the id it is about. The tenant of the key is added by
/// the context (I4, G4).
pub trait Addressed: Record {
    /// Where it is published.
    const TOPIC: &'static str;

    /// The id part of its key, `[a-z0-9-]+`.
    fn id(&self) -> &str;
}

/// One of our own schemas with its reader and writer, which live as long as the process.
pub struct RecordSchema {
    /// The full name.
    pub name: &'static str,
    /// The schema as it stands in `schemas/`.
    pub text: &'static str,
    /// The schema, parsed.
    pub schema: &'static Schema,
    reader: GenericDatumReader<'static>,
    writer: GenericDatumWriter<'static>,
}

impl RecordSchema {
    /// Parses one of our own schemas. It is leaked: call it once a schema.
    ///
    /// # Panics
    /// If `text` is not a self-contained Avro schema: a fault in `schemas/`, which every test finds.
    #[allow(clippy::expect_used)] // what was just parsed has both; see above
    pub fn parse(name: &'static str, text: &'static str) -> Self {
        let schema = Schema::parse_str(text).unwrap_or_else(|e| panic!("schema of {name}: {e}"));
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let reader = GenericDatumReader::builder(schema)
            .human_readable(false)
            .build();
        let writer = GenericDatumWriter::builder(schema)
            .human_readable(false)
            .build();
        Self {
            name,
            text,
            schema,
            reader: reader.expect("a parsed schema has a reader"),
            writer: writer.expect("a parsed schema has a writer"),
        }
    }

    /// The record as Avro bytes, without framing.
    ///
    /// # Errors
    /// [`Unencodable`]: an unsealed personal field, or a value that the schema does not know.
    pub fn encode<R: Record>(&self, record: &R) -> Result<Vec<u8>, Unencodable> {
        self.writer
            .write_ser_to_vec(record)
            .map_err(|e| Unencodable {
                record: self.name,
                why: e.to_string(),
            })
    }
}

/// Bytes and the schema that wrote them.
#[derive(Clone, Copy)]
pub struct Datum<'a> {
    /// The writer schema's full name.
    pub record: &'a str,
    /// What wrote the bytes: one of ours (the very same address), or another version.
    pub writer: &'a Schema,
    /// One Avro datum, without framing.
    pub bytes: &'a [u8],
}

/// Why bytes are not the record they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(pub String);

/// Why a record could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot encode {record}: {why}")]
pub struct Unencodable {
    /// The record's full name.
    pub record: &'static str,
    /// What the encoder said.
    pub why: String,
}

/// The most that decoding one message may allocate, in bytes. Messages are at most 256 KB (G2); avro's own
/// limit is 512 MB, enough for a few forged lengths to take the process down.
pub const MAX_ALLOCATION: usize = 16 * 1024 * 1024;

/// Sets [`MAX_ALLOCATION`] for the whole process; to be called at its start, before anything is decoded (A2).
/// Gives the limit that holds: another one if something was decoded before.
pub fn limit_allocations() -> usize {
    apache_avro::util::max_allocation_bytes(MAX_ALLOCATION)
}

/// The bytes of one datum. `read_value` takes the end of its input for `null` wherever a boolean, a string or
/// an optional field should begin, so that a cut message would be read as another one: here the end is an error.
struct Whole<'a>(&'a [u8]);

impl Whole<'_> {
    fn cut() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, "bytes are missing")
    }
    /// `read`, if it took all the bytes.
    fn all_of<T>(self, read: Result<T, apache_avro::Error>) -> Result<T, Undecodable> {
        match read {
            Ok(read) if self.0.is_empty() => Ok(read),
            Ok(_) => Err(Undecodable(format!("{} bytes left over", self.0.len()))),
            Err(e) => Err(Undecodable(e.to_string())),
        }
    }
}

impl Read for Whole<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 if !into.is_empty() => Err(Self::cut()),
            read => Ok(read),
        }
    }
    fn read_exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(into).map_err(|_| Self::cut())
    }
}

/// Reads a record: our own schema straight through serde; any other is resolved against ours first (A1),
/// or an added nested record or enum would be an error. Bytes left over or missing are an error (A2).
///
/// # Errors
/// [`Undecodable`] with the decoder's words.
pub fn decode<R: Record>(datum: &Datum<'_>) -> Result<R, Undecodable> {
    let (ours, mut bytes) = (R::schema(), Whole(datum.bytes));
    let read = if std::ptr::eq(datum.writer, ours.schema) {
        ours.reader.read_deser(&mut bytes)
    } else {
        GenericDatumReader::builder(datum.writer)
            .reader_schema(ours.schema)
            .build()
            .and_then(|reader| reader.read_value(&mut bytes))
            .and_then(|value| from_value(&value))
    };
    bytes.all_of(read)
}

/// Reads any datum as JSON, for people (`trace`, dead letters) and for what keeps a record it does not know.
///
/// # Errors
/// [`Undecodable`] with the decoder's words.
pub fn decode_json(datum: &Datum<'_>) -> Result<serde_json::Value, Undecodable> {
    let mut bytes = Whole(datum.bytes);
    let read = GenericDatumReader::builder(datum.writer)
        .build()
        .and_then(|reader| reader.read_value(&mut bytes));
    serde_json::Value::try_from(bytes.all_of(read)?).map_err(|e| Undecodable(e.to_string()))
}

/// Implements [`Record`] for a type whose schema stands in `schemas/`. With `personal`, two functions say
/// which fields are about whom.
#[macro_export]
macro_rules! record {
    ($type:ty, $name:literal, $file:literal) => {
        $crate::record!($type, $name, $file, {});
    };
    ($type:ty, $name:literal, $file:literal, { $($personal:item)* }) => {
        impl $crate::Record for $type {
            const NAME: &'static str = $name;
            fn schema() -> &'static $crate::RecordSchema {
                static SCHEMA: std::sync::LazyLock<$crate::RecordSchema> = std::sync::LazyLock::new(|| {
                    $crate::RecordSchema::parse($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/", $file)))
                });
                &SCHEMA
            }
            $($personal)*
        }
    };
}

/// Implements [`Addressed`]: the topic, and the field that is the id part of the key.
#[macro_export]
macro_rules! addressed {
    ($type:ty, $topic:expr, $id:ident) => {
        impl $crate::Addressed for $type {
            const TOPIC: &'static str = $topic;
            fn id(&self) -> &str {
                &self.$id
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Ok as Done;

    #[test]
    fn a_forged_length_is_refused_before_it_is_allocated() {
        assert_eq!(limit_allocations(), MAX_ALLOCATION);
        let of_256_mb = [0x80, 0x80, 0x80, 0x80, 0x02];
        let another = Done::schema().schema.clone();
        for writer in [Done::schema().schema, &another] {
            let datum = Datum {
                record: Done::NAME,
                writer,
                bytes: &of_256_mb,
            };
            let said = decode::<Done>(&datum)
                .expect_err("there are no such bytes")
                .0;
            assert!(said.contains("llocat"), "{said}");
        }
    }
}
