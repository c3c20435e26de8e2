//! The names of things: collections, points, fields.
use super::QdrantOptions;
use events::TenantId;
use qdrant_client::qdrant::PointId;
use uuid::Uuid;

/// The dense vector of a passage.
pub(super) const DENSE: &str = "dense";
/// The sparse vector of a passage: its words.
pub(super) const TEXT: &str = "text";

/// What a point is.
pub(super) const KIND: &str = "kind";
pub(super) const PASSAGE: &str = "passage";
pub(super) const REVISION: &str = "revision";
pub(super) const DOCUMENT: &str = "document";
pub(super) const SCOPE: &str = "scope";

/// Whose it is.
pub(super) const TENANT: &str = "tenant";
pub(super) const CHATBOT: &str = "chatbot";
/// Which revision it belongs to: a key of its own for each tenant, document and revision.
pub(super) const KEY: &str = "key";
/// The document, as the port names it.
pub(super) const OF_DOCUMENT: &str = "document";
/// The revision, as the port names it.
pub(super) const OF_REVISION: &str = "revision";
/// When it was staged last, in milliseconds since 1970.
pub(super) const STAGED_AT: &str = "staged_at";
/// The version that the document had when it was staged last. A switch deletes what was staged before it, nothing else.
pub(super) const GENERATION: &str = "generation";
/// How often the document was switched.
pub(super) const VERSION: &str = "version";
/// Which call wrote a document's or a scope's point last.
pub(super) const TOKEN: &str = "token";

/// The namespace of our names. Another one makes every stored point another.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0e_3c5a_1d2b_4c7e_9a61_7b1f_55c0_2a94);

/// A name of parts: no two lists of parts have the same.
fn name(parts: &[&str]) -> Uuid {
    let mut bytes = vec![];
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &bytes)
}

/// The collection of a model: readable, and another one for each model, dimension and average.
pub(super) fn collection(options: &QdrantOptions) -> String {
    let readable: String = options
        .model
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(80)
        .collect();
    let (dimension, average) = (
        options.dimension.to_string(),
        options.average_words.to_string(),
    );
    let own = name(&[&options.model, &dimension, &average])
        .simple()
        .to_string();
    format!("{}{readable}-{dimension}-{}", options.prefix, &own[..8])
}

/// The key of a revision.
pub(super) fn revision_key(tenant: &TenantId, document: &str, revision: &str) -> String {
    name(&["key", tenant.as_str(), document, revision]).to_string()
}

fn id(parts: &[&str]) -> PointId {
    PointId::from(name(parts).to_string())
}

/// The point of a passage.
pub(super) fn passage(key: &str, ordinal: u32) -> PointId {
    id(&[PASSAGE, key, &ordinal.to_string()])
}

/// The point that says that a revision was staged.
pub(super) fn revision(key: &str) -> PointId {
    id(&[REVISION, key])
}

/// The point of a document.
pub(super) fn document(tenant: &TenantId, document: &str) -> PointId {
    id(&[DOCUMENT, tenant.as_str(), document])
}

/// The point of a chatbot.
pub(super) fn scope(tenant: &TenantId, chatbot: &str) -> PointId {
    id(&[SCOPE, tenant.as_str(), chatbot])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a tenant")
    }

    #[test]
    fn each_model_has_a_collection_of_its_own() {
        let options = QdrantOptions::new("http://localhost:6334", "org/model v1.5", 8);
        let first = collection(&options);
        assert!(first.starts_with("troupe-org-model-v1-5-8-"), "{first}");
        let model = |model: &str| QdrantOptions {
            model: model.into(),
            ..options.clone()
        };
        let others = [
            collection(&model("org-model v1.5")),
            collection(&QdrantOptions {
                dimension: 9,
                ..options.clone()
            }),
            collection(&QdrantOptions {
                average_words: 9,
                ..options.clone()
            }),
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
        assert_eq!(collection(&options), first, "the same again");
    }

    #[test]
    fn no_two_things_are_one_point() {
        let (acme, rival) = (tenant("acme"), tenant("rival"));
        let keys = [
            revision_key(&acme, "doc", "r1"),
            revision_key(&rival, "doc", "r1"),
            revision_key(&acme, "docr", "1"),
            revision_key(&acme, "doc", "r2"),
        ];
        let mut points: Vec<PointId> = keys
            .iter()
            .flat_map(|key| [passage(key, 0), passage(key, 1), revision(key)])
            .collect();
        points.extend([
            document(&acme, "a"),
            document(&rival, "a"),
            scope(&acme, "a"),
        ]);
        for (n, point) in points.iter().enumerate() {
            assert!(!points[..n].contains(point), "{n}");
        }
        assert_eq!(passage(&keys[0], 7), passage(&keys[0], 7));
    }

    /// Stored points are found by these names: they may not change.
    #[test]
    fn names_stay_as_they_are() {
        let acme = tenant("acme");
        let key = revision_key(&acme, "doc", "r1");
        assert_eq!(key, "826f2130-d447-5e34-a643-4f29152e097f");
    }
}
