//! Bytes as base64 text in JSON.
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}
pub(crate) fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(
    from: D,
) -> Result<B, D::Error> {
    let text = String::deserialize(from)?;
    let decoded = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
    Ok(decoded.into())
}
