//! What one topic carries: a table from record name to the variant that it becomes.
use events::personal::{Binding, SubjectKey, open};
use events::record::{Datum, Record, Undecodable, decode};
use events::{Envelope, Personal};

/// A message on its way into a worker: bytes, headers, and the key to its personal fields.
pub struct Incoming<'a> {
    /// The bytes and the schema that wrote them.
    pub datum: Datum<'a>,
    /// Its headers.
    pub envelope: &'a Envelope,
    /// Whose it is.
    pub tenant: &'a str,
    /// Opens its personal fields (G1).
    pub opening: &'a Opening,
}

/// What there is to open personal fields with.
#[derive(Clone, Debug)]
pub enum Opening {
    /// The message names nobody.
    Nobody,
    /// The key of whom it is about.
    Key(SubjectKey),
    /// The key was destroyed: sealed fields read as erased.
    Erased,
    /// Sealed fields stay sealed: nobody needs to read them.
    Shut,
}

impl Incoming<'_> {
    /// Decodes a record and opens its personal fields.
    ///
    /// # Errors
    /// [`Undecodable`]: not this record, or sealed with another key.
    pub fn read<R: Record>(&self) -> Result<R, Undecodable> {
        let mut record: R = decode(&self.datum)?;
        let subject = self.envelope.subject_key.as_deref().unwrap_or_default();
        for (field, value) in record.personal() {
            let opened = match (&*value, self.opening) {
                (Personal::Sealed(_), Opening::Erased) => Personal::Erased,
                (Personal::Sealed(sealed), Opening::Key(key)) => {
                    let binding = Binding {
                        tenant: self.tenant,
                        subject,
                        field: &field,
                    };
                    open(sealed, key, binding).map_err(|e| Undecodable(format!("{field}: {e}")))?
                }
                (Personal::Sealed(_), Opening::Nobody) => {
                    return Err(Undecodable(format!(
                        "{field}: sealed, but no ce_subjectkey"
                    )));
                }
                (Personal::Clear(_) | Personal::Erased, _) | (_, Opening::Shut) => continue,
            };
            *value = opened;
        }
        Ok(record)
    }
}

type Read<M> = Box<dyn Fn(&Incoming<'_>) -> Result<M, Undecodable> + Send + Sync>;

/// One line of the table.
pub struct Arm<M> {
    /// The full name of the record, or `*` for any other.
    pub record: &'static str,
    /// How it is read.
    pub read: Read<M>,
}

/// `arm(Self::Captured)`: a tuple variant is a function, so one line a record builds the table of an enum.
pub fn arm<R: Record, M: 'static>(wrap: fn(R) -> M) -> Arm<M> {
    Arm {
        record: R::NAME,
        read: Box::new(move |incoming| incoming.read().map(wrap)),
    }
}

/// The arm for records that no other arm names: they are not decoded. A saga hears `Done` so, whatever
/// record says it; a view of replies keeps them as JSON.
pub fn any<M: 'static>(wrap: fn(&Incoming<'_>) -> Result<M, Undecodable>) -> Arm<M> {
    Arm {
        record: "*",
        read: Box::new(wrap),
    }
}

/// What one topic carries.
pub trait Inbox: Sized + Send + 'static {
    /// A line a record.
    fn arms() -> Vec<Arm<Self>>;
}
impl<R: Record> Inbox for R {
    fn arms() -> Vec<Arm<R>> {
        vec![arm(|record: R| record)]
    }
}

/// An inbox's table, ready to use.
pub struct Table<M>(Vec<Arm<M>>);
impl<M: Inbox> Table<M> {
    /// # Panics
    /// If two arms take the same record: a fault of wiring, found at start.
    pub fn new() -> Self {
        let arms = M::arms();
        for (i, arm) in arms.iter().enumerate() {
            let twice = arms[..i].iter().any(|other| other.record == arm.record);
            assert!(!twice, "{} has two arms", arm.record);
        }
        Self(arms)
    }
    /// The records that it takes.
    pub fn records(&self) -> Vec<&'static str> {
        self.0.iter().map(|arm| arm.record).collect()
    }
    /// Reads a message by the name of the schema that wrote it (A3).
    ///
    /// # Errors
    /// [`Undecodable`]: no arm takes it, or the bytes are not what it says.
    pub fn read(&self, incoming: &Incoming<'_>) -> Result<M, Undecodable> {
        let named = self
            .0
            .iter()
            .find(|arm| arm.record == incoming.datum.record);
        match named.or_else(|| self.0.iter().find(|arm| arm.record == "*")) {
            Some(arm) => (arm.read)(incoming),
            None => Err(Undecodable(format!(
                "{} is not taken here",
                incoming.datum.record
            ))),
        }
    }
}
impl<M: Inbox> Default for Table<M> {
    fn default() -> Self {
        Self::new()
    }
}
