//! Where things are in the bucket.
use super::fault::corrupt;
use events::TenantId;
use object_store::path::Path;
use runtime::PortError;

/// The keys below a prefix. Ids are written as they are: they are `[a-z0-9-/.]+` and need no escaping.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// Whether an id can be a key: of its characters only, and no part of it empty, `.` or `..`.
pub(super) fn is_key(id: &str) -> bool {
    let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' | b'.');
    id.bytes().all(plain) && id.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

impl Keys {
    /// # Errors
    /// If the prefix cannot be the beginning of a key.
    pub(super) fn under(prefix: &str) -> Result<Self, PortError> {
        match Path::parse(prefix) {
            Ok(path) if prefix.is_empty() || format!("{path}/") == prefix => Ok(Self {
                prefix: prefix.to_owned(),
            }),
            _ => Err(corrupt(format!(
                "the prefix {prefix:?} is not empty and not a/path/"
            ))),
        }
    }

    /// The entry of a blob; `None` if no blob can have this id.
    pub(super) fn entry(&self, tenant: &TenantId, id: &str) -> Option<Path> {
        is_key(id).then(|| Path::from(format!("{}blobs/{tenant}/{id}", self.prefix)))
    }

    /// Where all of a tenant's entries are, or those in a directory of theirs.
    pub(super) fn entries(&self, tenant: &TenantId, directory: &str) -> Path {
        Path::from(format!("{}blobs/{tenant}/{directory}", self.prefix))
    }

    /// The id of an entry.
    pub(super) fn id<'a>(&self, tenant: &TenantId, entry: &'a Path) -> Option<&'a str> {
        let rest = entry.as_ref().strip_prefix(self.prefix.as_str())?;
        let rest = rest.strip_prefix("blobs/")?.strip_prefix(tenant.as_str())?;
        rest.strip_prefix('/')
    }

    /// A new place for large content of a blob.
    pub(super) fn content(&self, tenant: &TenantId, id: &str) -> Path {
        let own = uuid::Uuid::now_v7().simple();
        Path::from(format!("{}parts/{tenant}/{id}/{own}", self.prefix))
    }

    /// Where all large content is.
    pub(super) fn contents(&self) -> Path {
        Path::from(format!("{}parts", self.prefix))
    }

    /// The entry that would name this content.
    pub(super) fn entry_of(&self, content: &Path) -> Option<Path> {
        let rest = content.as_ref().strip_prefix(self.prefix.as_str())?;
        let (blob, _) = rest.strip_prefix("parts/")?.rsplit_once('/')?;
        Some(Path::from(format!("{}blobs/{blob}", self.prefix)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_key_of_its_own_or_none() {
        let keys = Keys::under("env/one/").expect("a prefix");
        let acme = TenantId::new("acme").expect("a tenant");
        let key = keys.entry(&acme, "documents/1.pdf").expect("a key");
        assert_eq!(key.as_ref(), "env/one/blobs/acme/documents/1.pdf");
        assert_eq!(keys.id(&acme, &key), Some("documents/1.pdf"));
        let other = TenantId::new("acm").expect("a tenant");
        assert_eq!(keys.id(&other, &key), None);
        for id in [
            "", "/a", "a/", "a//b", "a/./b", "..", "a/../b", "A", "a%2fb", "ü",
        ] {
            assert_eq!(keys.entry(&acme, id), None, "{id}");
        }
    }

    #[test]
    fn content_is_beside_the_entry_that_names_it() {
        let keys = Keys::under("").expect("no prefix");
        let acme = TenantId::new("acme").expect("a tenant");
        let content = keys.content(&acme, "a/b");
        assert!(content.as_ref().starts_with("parts/acme/a/b/"));
        assert_eq!(keys.entry_of(&content), keys.entry(&acme, "a/b"));
        assert_ne!(content, keys.content(&acme, "a/b"), "never the same twice");
    }

    #[test]
    fn a_prefix_is_a_path() {
        assert!(Keys::under("a/b/").is_ok());
        for prefix in ["a", "/a/", "a//", "a/../b/"] {
            assert!(Keys::under(prefix).is_err(), "{prefix}");
        }
    }
}
