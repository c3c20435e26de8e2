//! What an entry says of its blob, in its user metadata.
use super::fault;
use events::BlobRef;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Attribute, Attributes, GetOptions, ObjectStore};
use runtime::PortError;

const SHA256: &str = "troupe-sha256";
const SIZE: &str = "troupe-size";
/// The key of large content.
const CONTENT: &str = "troupe-content";

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) size: i64,
    pub(super) sha256: String,
    /// Where the content is, if it is not the entry's own.
    pub(super) content: Option<Path>,
}

impl Entry {
    /// Whether it is of this content.
    pub(super) fn is_of(&self, blob: &BlobRef) -> bool {
        self.size == blob.size && self.sha256 == blob.sha256
    }
}

/// What an entry says of a blob.
pub(super) fn attributes(blob: &BlobRef, content: Option<&Path>) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(
        Attribute::Metadata(SHA256.into()),
        blob.sha256.clone().into(),
    );
    attributes.insert(
        Attribute::Metadata(SIZE.into()),
        blob.size.to_string().into(),
    );
    if let Some(content) = content {
        attributes.insert(
            Attribute::Metadata(CONTENT.into()),
            content.to_string().into(),
        );
    }
    attributes
}

fn text<'a>(attributes: &'a Attributes, name: &'static str) -> Option<&'a str> {
    let value = attributes.get(&Attribute::Metadata(name.into()))?;
    Some(value.as_ref())
}

/// Where the content is, if it is not the entry's own.
pub(super) fn content(attributes: &Attributes) -> Result<Option<Path>, PortError> {
    let path = text(attributes, CONTENT).map(Path::parse).transpose();
    path.map_err(|error| fault::corrupt(format!("an entry names no content: {error}")))
}

fn read(attributes: &Attributes) -> Result<Entry, PortError> {
    let missing = |name| fault::corrupt(format!("an entry without {name}"));
    let size = text(attributes, SIZE).and_then(|size| size.parse().ok());
    Ok(Entry {
        size: size.ok_or_else(|| missing(SIZE))?,
        sha256: text(attributes, SHA256)
            .ok_or_else(|| missing(SHA256))?
            .to_owned(),
        content: content(attributes)?,
    })
}

/// The entry at a key, if there is one.
pub(super) async fn look(store: &AmazonS3, key: &Path) -> Result<Option<Entry>, PortError> {
    let only_head = GetOptions {
        head: true,
        ..GetOptions::default()
    };
    match store.get_opts(key, only_head).await {
        Ok(found) => read(&found.attributes).map(Some),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(fault::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_it_was_told() {
        let blob = BlobRef {
            id: "a/b".into(),
            size: 7,
            sha256: "00ff".into(),
        };
        let elsewhere = Path::from("parts/acme/a/b/1");
        for content in [None, Some(elsewhere)] {
            let entry = read(&attributes(&blob, content.as_ref())).expect("reads");
            assert!(entry.is_of(&blob));
            assert_eq!(entry.content, content);
            assert!(!entry.is_of(&BlobRef {
                size: 8,
                ..blob.clone()
            }));
        }
        assert!(
            matches!(
                read(&Attributes::new()),
                Err(PortError::Corrupt { port: "blobs", .. })
            ),
            "an object that somebody else put there"
        );
    }
}
