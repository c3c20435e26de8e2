//! The door of the owner: a file beside the database that says where its HTTP is, with a key for an operator. Whoever may
//! read it may change the database anyway; so a command that changes something finds the owner without being told (M1).
use crate::clock::SystemClock;
use edge::{KeyHash, OperatorKey};
use runtime::ports::clock::Clock;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the key is called in the owner's log.
const NAME: &str = "local";

/// The key, before the address is known.
pub(super) struct DoorKey(String);

impl DoorKey {
    /// A new one: 256 random bits, good as long as the process.
    pub(super) fn new() -> Self {
        let hex = |byte: &u8| format!("{byte:02x}");
        Self(SystemClock.random().iter().map(hex).collect())
    }
    /// For the edge, which keeps its hash only.
    pub(super) fn operator(&self) -> OperatorKey {
        OperatorKey {
            name: NAME.into(),
            sha256: KeyHash::of(&self.0),
        }
    }
    /// Opens the door. Without it commands have to be told where the owner is not to be found: nothing else is lost.
    pub(super) fn open(self, database: &Path, address: SocketAddr) -> Option<Door> {
        let path = path_of(database);
        let host = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let base = format!("http://{}", SocketAddr::new(host, address.port()));
        match write(&path, &format!("{base}\n{}\n", self.0)) {
            Ok(()) => Some(Door(path)),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "commands on this machine will not find this process");
                None
            }
        }
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // One that a killed process left may be readable for others.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// It is closed when this is dropped.
pub(super) struct Door(PathBuf);

impl Drop for Door {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the door was closed already");
        }
    }
}

fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".door");
    PathBuf::from(name)
}

/// Address and key of the owner of a database, if it has a door.
pub fn find(database: &Path) -> Option<(String, String)> {
    let text = std::fs::read_to_string(path_of(database)).ok()?;
    let mut lines = text.lines();
    Some((lines.next()?.to_owned(), lines.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_door_is_for_its_owner_only_and_gone_when_it_is_closed() {
        let dir = tempfile::tempdir().expect("a directory");
        let database = dir.path().join("troupe.db");
        std::fs::write(path_of(&database), "left by somebody").expect("written");
        let key = DoorKey::new();
        let hash = key.operator().sha256;
        let door = key.open(&database, SocketAddr::from(([0, 0, 0, 0], 80)));
        let mode = std::fs::metadata(path_of(&database))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let (base, key) = find(&database).expect("it is open");
        assert_eq!(base, "http://127.0.0.1:80");
        assert!(hash.matches(&KeyHash::of(&key)));
        drop(door);
        assert_eq!(find(&database), None);
    }
}
