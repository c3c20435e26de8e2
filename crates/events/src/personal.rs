//! Fields about a person or a source, sealed in the message (rule G1): the log cannot forget; a key can.
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use sha2::{Digest, Sha256};
use std::fmt;

const SEALED: &str = "~1.";
const ERASED: &str = "~0.";

/// A text about somebody. On the wire it is sealed; in a worker it is clear.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal {
    /// As a person wrote it. It cannot be serialized: it must be sealed first.
    Clear(String),
    /// `~1.<base64>`.
    Sealed(String),
    /// The key is gone: nobody can read it any more.
    Erased,
}

/// What to show for a text whose key was destroyed.
pub const ERASED_TEXT: &str = "(erased)";

impl Personal {
    /// The clear text; what was erased reads as [`ERASED_TEXT`]. `None` while it is sealed, which never
    /// reaches a worker.
    pub fn reveal(&self) -> Option<&str> {
        match self {
            Self::Clear(text) => Some(text),
            Self::Sealed(_) => None,
            Self::Erased => Some(ERASED_TEXT),
        }
    }
    /// As it is written to somebody outside, on a topic that is theirs alone: the clear text itself
    /// (docs/adr/0004). Never for a topic that others read.
    pub fn for_outside(&self) -> Self {
        let text = match self {
            Self::Clear(text) | Self::Sealed(text) => text,
            Self::Erased => ERASED_TEXT,
        };
        // What is written of this variant is its text as it stands.
        Self::Sealed(text.to_owned())
    }
}
impl From<&str> for Personal {
    fn from(text: &str) -> Self {
        Self::Clear(text.to_owned())
    }
}
impl From<String> for Personal {
    fn from(text: String) -> Self {
        Self::Clear(text)
    }
}
impl Default for Personal {
    fn default() -> Self {
        Self::Clear(String::new())
    }
}
/// Never shows the text: a log line is not the place for it.
impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear(_) => "Personal(clear)",
            Self::Sealed(_) => "Personal(sealed)",
            Self::Erased => "Personal(erased)",
        })
    }
}
impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(ser::Error::custom("a personal field was not sealed (G1)")),
            Self::Sealed(text) => to.serialize_str(text),
            Self::Erased => to.serialize_str(ERASED),
        }
    }
}
impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from).map_err(de::Error::custom)?;
        Ok(if text == ERASED {
            Self::Erased
        } else if text.starts_with(SEALED) {
            Self::Sealed(text)
        } else {
            Self::Clear(text)
        })
    }
}

/// The key of one person or source of one tenant. It does not print.
#[derive(Clone)]
pub struct SubjectKey(pub [u8; 32]);
impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(secret)")
    }
}

/// What a sealed text is bound to: moved to another tenant, person or field, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The message's tenant.
    pub tenant: &'a str,
    /// Whom the text is about.
    pub subject: &'a str,
    /// The field's name within its record.
    pub field: &'a str,
}
impl Binding<'_> {
    fn associated_data(&self) -> Vec<u8> {
        format!("{}\n{}\n{}", self.tenant, self.subject, self.field).into_bytes()
    }
}

/// A sealed text that does not open: another key, another binding, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed field does not open with this key")]
pub struct DoesNotOpen;

/// Seals `text`. The nonce is made from the message id and the field, so that a repeat is the very same
/// bytes; GCM-SIV stays safe where a nonce repeats.
///
/// # Errors
/// [`DoesNotOpen`] if the text is too long to seal (64 GiB).
pub fn seal(
    text: &str,
    key: &SubjectKey,
    to: Binding<'_>,
    message: &str,
) -> Result<Personal, DoesNotOpen> {
    let digest = Sha256::digest(format!("{message}\n{}", to.field).as_bytes());
    let nonce: [u8; 12] = std::array::from_fn(|i| digest[i]);
    let payload = Payload {
        msg: text.as_bytes(),
        aad: &to.associated_data(),
    };
    let sealed = Aes256GcmSiv::new(&key.0.into())
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| DoesNotOpen)?;
    let whole = [&nonce[..], &sealed].concat();
    Ok(Personal::Sealed(format!(
        "{SEALED}{}",
        STANDARD_NO_PAD.encode(whole)
    )))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`DoesNotOpen`].
pub fn open(sealed: &str, key: &SubjectKey, to: Binding<'_>) -> Result<Personal, DoesNotOpen> {
    let text = sealed.strip_prefix(SEALED).ok_or(DoesNotOpen)?;
    let whole = STANDARD_NO_PAD.decode(text).map_err(|_| DoesNotOpen)?;
    let (nonce, rest) = whole.split_first_chunk::<12>().ok_or(DoesNotOpen)?;
    let payload = Payload {
        msg: rest,
        aad: &to.associated_data(),
    };
    let clear = Aes256GcmSiv::new(&key.0.into())
        .decrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| DoesNotOpen)?;
    String::from_utf8(clear)
        .map(Personal::Clear)
        .map_err(|_| DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;
    const TO: Binding<'_> = Binding {
        tenant: "acme",
        subject: "visitor-1",
        field: "text",
    };

    #[test]
    fn what_is_sealed_opens_with_its_key_and_binding_only() {
        let key = SubjectKey([7; 32]);
        let Personal::Sealed(text) = seal("hello", &key, TO, "m1").expect("seals") else {
            panic!("not sealed")
        };
        assert_eq!(open(&text, &key, TO), Ok(Personal::Clear("hello".into())));
        assert_eq!(open(&text, &SubjectKey([8; 32]), TO), Err(DoesNotOpen));
        assert_eq!(
            open(
                &text,
                &key,
                Binding {
                    tenant: "other",
                    ..TO
                }
            ),
            Err(DoesNotOpen)
        );
        assert_eq!(
            open(
                &text,
                &key,
                Binding {
                    field: "name",
                    ..TO
                }
            ),
            Err(DoesNotOpen)
        );
    }
    #[test]
    fn a_repeat_is_the_very_same_bytes() {
        let key = SubjectKey([7; 32]);
        assert_eq!(seal("hello", &key, TO, "m1"), seal("hello", &key, TO, "m1"));
        assert_ne!(seal("hello", &key, TO, "m1"), seal("hello", &key, TO, "m2"));
    }
    #[test]
    fn what_goes_outside_is_clear() {
        let told = Personal::from("my name").for_outside();
        let written = serde_json::to_string(&told).expect("it may be written");
        assert_eq!(written, "\"my name\"");
        assert_eq!(
            serde_json::to_string(&Personal::Erased.for_outside()).expect("so may this"),
            format!("\"{ERASED_TEXT}\"")
        );
    }
    #[test]
    fn clear_text_is_never_serialized_or_printed() {
        let secret = Personal::from("my name");
        assert!(serde_json::to_string(&secret).is_err());
        assert!(!format!("{secret:?}").contains("my name"));
    }
}
