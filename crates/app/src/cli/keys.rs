//! `troupe keys`: an API key is made here, shown once, and kept nowhere (G3).
use super::Failed;
use super::output::say;
use crate::clock::SystemClock;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::TenantId;
use runtime::ports::clock::Clock;
use sha2::{Digest, Sha256};

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key, print it once, and print what the configuration needs of it
    New {
        /// Whose data it opens: a-z, 0-9 and '-'
        #[arg(long, required_unless_present = "operator")]
        tenant: Option<String>,
        /// For an operator: dead letters and stuck sagas of every tenant, and no tenant's data besides
        #[arg(long, conflicts_with = "tenant")]
        operator: bool,
        /// Tells keys apart, in logs and operations
        #[arg(long, default_value = "default")]
        name: String,
    },
}

pub(super) fn run(command: Command) -> Result<(), Failed> {
    let Command::New { tenant, name, .. } = command;
    let tenant = tenant
        .map(|tenant| TenantId::new(&tenant))
        .transpose()
        .map_err(|e| Failed::Usage(format!("--tenant: {e}")))?;
    events::id::check_part(&name).map_err(|e| Failed::Usage(format!("--name: {e}")))?;
    let key = new_key();
    eprintln!("The key, which is shown only now:\n");
    say(&key)?;
    eprintln!("\nAdd this to troupe.toml, and start `troupe up` again:\n");
    let whose = match tenant {
        Some(tenant) => format!("[[access.keys]]\ntenant = \"{tenant}\""),
        None => "[[access.operators]]".to_owned(),
    };
    say(format_args!(
        "{whose}\nname = \"{name}\"\nsha256 = \"{}\"",
        hash(&key)
    ))
}

/// A new key: `troupe_` and 256 random bits.
pub(crate) fn new_key() -> String {
    format!("troupe_{}", URL_SAFE_NO_PAD.encode(SystemClock.random()))
}

/// What of a key may be kept: its SHA-256 in hexadecimal.
pub(crate) fn hash(key: &str) -> String {
    Sha256::digest(key.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_known_by_its_hash_and_never_the_same() {
        let (one, two) = (new_key(), new_key());
        assert_ne!(one, two);
        let known = edge::KeyHash::try_from(hash(&one)).expect("a hash");
        assert!(known.matches(&edge::KeyHash::of(&one)));
    }
}
