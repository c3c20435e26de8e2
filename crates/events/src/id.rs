//! Who a message is from, what it is about, and where it goes (rules I1, I2, I4, I5).
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The longest tenant or id, in bytes.
pub const MAX_PART: usize = 128;

/// The namespace of all ids that Troupe derives (I2). It never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x7d0c_9a52_5a1e_5b0e_8f5e_2c5f_3b6a_4f11);

/// Why a text is not a tenant, an id or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Keys and ids are `[a-z0-9-]+`, so that they are safe in keys, paths and URLs.
    #[error("{0:?} is not an id: use 1 to {MAX_PART} of a-z, 0-9 and '-'")]
    Characters(String),
    /// A key is `<tenant>/<id>`.
    #[error("{0:?} is not a key: expected <tenant>/<id>")]
    NoSlash(String),
}

/// Checks that `text` is `[a-z0-9-]+` and not too long.
///
/// # Errors
/// [`InvalidId::Characters`] otherwise.
pub fn check_part(text: &str) -> Result<(), InvalidId> {
    let fits = !text.is_empty() && text.len() <= MAX_PART;
    if fits
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    {
        return Ok(());
    }
    Err(InvalidId::Characters(text.chars().take(MAX_PART).collect()))
}

/// A customer of whoever runs Troupe; nothing is ever shared between two of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// # Errors
    /// If `text` is not `[a-z0-9-]+`.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        check_part(text)?;
        Ok(Self(text.to_owned()))
    }
    /// The tenant as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for TenantId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::new(&text)
    }
}
impl From<TenantId> for String {
    fn from(tenant: TenantId) -> String {
        tenant.0
    }
}
impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `<tenant>/<id>`: the key of every message (I4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    text: String,
    slash: usize,
}

impl Key {
    /// The key of `id` within `tenant`.
    ///
    /// # Errors
    /// If `id` is not `[a-z0-9-]+`.
    pub fn of(tenant: &TenantId, id: &str) -> Result<Self, InvalidId> {
        check_part(id)?;
        Ok(Self {
            text: format!("{tenant}/{id}"),
            slash: tenant.as_str().len(),
        })
    }
    /// # Errors
    /// If `text` is not `<tenant>/<id>`, both `[a-z0-9-]+`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (tenant, id) = text
            .split_once('/')
            .ok_or_else(|| InvalidId::NoSlash(text.chars().take(MAX_PART).collect()))?;
        check_part(tenant)?;
        check_part(id)?;
        Ok(Self {
            text: text.to_owned(),
            slash: tenant.len(),
        })
    }
    /// Who it belongs to.
    pub fn tenant(&self) -> TenantId {
        TenantId(self.text[..self.slash].to_owned())
    }
    /// What it is about, within its tenant.
    pub fn id(&self) -> &str {
        &self.text[self.slash + 1..]
    }
    /// The whole, `<tenant>/<id>`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
impl TryFrom<String> for Key {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}
impl From<Key> for String {
    fn from(key: Key) -> String {
        key.text
    }
}
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A message is (tenant, source, id): CloudEvents ids are unique per source only (I1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Whose message it is.
    pub tenant: String,
    /// Who made the id; ours are `troupe/<consumer>`.
    pub source: String,
    /// Unique within tenant and source.
    pub id: String,
}

impl MessageId {
    /// The UUIDv5 of what `consumer` emits because of this message; `part` is the index among what it
    /// emits, or a reserved name (I2). The same cause gives the same id for ever.
    pub fn derive(&self, consumer: &str, part: &str) -> Uuid {
        let cause = Uuid::new_v5(
            &NAMESPACE,
            format!("{}\n{}\n{}", self.tenant, self.source, self.id).as_bytes(),
        );
        Uuid::new_v5(&cause, format!("{consumer}\n{part}").as_bytes())
    }
}

/// A UUIDv5 of `parts` in Troupe's namespace: for ids that must be the same for the same request (H2).
pub fn derived(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\n").as_bytes())
}

/// The partition of `key` among `partitions`: murmur2 as Kafka's Java client does it (I5).
///
/// # Panics
/// If `partitions` is not positive.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    ((murmur2(key) & 0x7fff_ffff) % partitions.unsigned_abs()) as i32
}

/// MurmurHash2, 32 bits, with the seed that Kafka's producers use.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_is_kafkas() {
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
    #[test]
    fn a_key_is_a_tenant_and_an_id() {
        let key = Key::parse("acme/doc-1").expect("a key");
        assert_eq!((key.tenant().as_str(), key.id()), ("acme", "doc-1"));
        for wrong in ["acme", "acme/", "/x", "acme/a/b", "Acme/x", "acme/ü", ""] {
            assert!(Key::parse(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn the_same_cause_gives_the_same_ids() {
        let cause = MessageId {
            tenant: "acme".into(),
            source: "s".into(),
            id: "1".into(),
        };
        assert_eq!(cause.derive("c", "0"), cause.derive("c", "0"));
        assert_ne!(cause.derive("c", "0"), cause.derive("c", "1"));
        let other = MessageId {
            source: "t".into(),
            ..cause.clone()
        };
        assert_ne!(cause.derive("c", "0"), other.derive("c", "0"));
    }
}
