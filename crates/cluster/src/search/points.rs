//! Points: what is written of passages, revisions, documents and scopes, and what is read of them.
use super::names::{
    self, CHATBOT, DENSE, DOCUMENT, GENERATION, KEY, KIND, OF_DOCUMENT, OF_REVISION, PASSAGE,
    REVISION, SCOPE, STAGED_AT, TENANT, TEXT, TOKEN, VERSION,
};
use super::{fault, words};
use events::TenantId;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{
    NamedVectors, PointStruct, RetrievedPoint, Value, Vector, Vectors, vector_output,
};
use runtime::PortError;
use runtime::ports::search::{IndexedPassage, Revision};
use std::collections::HashMap;

const NAME: &str = "name";
const ORDINAL: &str = "ordinal";
const BODY: &str = "body";
const HEADING: &str = "heading";
const PAGE: &str = "page";

/// The version of a document that never was switched: below every other. Exact as floating point.
pub(super) const NEVER: i64 = -(1 << 53);

/// When something was staged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staged {
    pub(super) at_ms: i64,
    pub(super) generation: i64,
}

type Payload = HashMap<String, Value>;

fn payload<const N: usize>(fields: [(&str, Value); N]) -> Payload {
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// What staging again changes of points that are there.
pub(super) fn restaged(staged: Staged) -> Payload {
    payload([
        (STAGED_AT, staged.at_ms.into()),
        (GENERATION, staged.generation.into()),
    ])
}

fn of_revision(kind: &str, tenant: &TenantId, revision: &Revision, staged: Staged) -> Payload {
    let Revision {
        chatbot,
        document,
        name,
        revision,
    } = revision;
    let mut payload = payload([
        (KIND, kind.into()),
        (TENANT, tenant.as_str().into()),
        (CHATBOT, chatbot.as_str().into()),
        (OF_DOCUMENT, document.as_str().into()),
        (OF_REVISION, revision.as_str().into()),
        (KEY, names::revision_key(tenant, document, revision).into()),
        (NAME, name.as_str().into()),
    ]);
    payload.extend(restaged(staged));
    payload
}

/// A point without vectors; named vectors may be left out, the list of them may not.
fn plain(id: qdrant_client::qdrant::PointId, payload: Payload) -> PointStruct {
    PointStruct {
        id: Some(id),
        payload,
        vectors: Some(Vectors::from(NamedVectors::default())),
    }
}

/// The point of a passage. A vector that is not of this dimension, or has no direction, is left out.
pub(super) fn passage(
    tenant: &TenantId,
    revision: &Revision,
    passage: &IndexedPassage,
    staged: Staged,
    (dimension, average_words): (usize, u32),
) -> PointStruct {
    let key = names::revision_key(tenant, &revision.document, &revision.revision);
    let mut payload = of_revision(PASSAGE, tenant, revision, staged);
    payload.insert(ORDINAL.into(), i64::from(passage.ordinal).into());
    payload.insert(BODY.into(), passage.text.as_str().into());
    payload.insert(HEADING.into(), passage.heading.as_str().into());
    if let Some(page) = passage.page {
        payload.insert(PAGE.into(), i64::from(page).into());
    }
    let mut vectors = NamedVectors::default();
    if passage.vector.len() == dimension && unit(&passage.vector).is_some() {
        vectors = vectors.add_vector(DENSE, Vector::new_dense(passage.vector.clone()));
    }
    let weights = words::of_passage(&passage.heading, &passage.text, average_words);
    if !weights.words.is_empty() {
        vectors = vectors.add_vector(TEXT, Vector::new_sparse(weights.words, weights.weights));
    }
    PointStruct {
        id: Some(names::passage(&key, passage.ordinal)),
        payload,
        vectors: Some(Vectors::from(vectors)),
    }
}

/// The point that says that a revision was staged.
pub(super) fn revision(tenant: &TenantId, revision: &Revision, staged: Staged) -> PointStruct {
    let key = names::revision_key(tenant, &revision.document, &revision.revision);
    let payload = of_revision(REVISION, tenant, revision, staged);
    plain(names::revision(&key), payload)
}

/// What a document's point says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Switched {
    pub(super) version: i64,
    /// The key of the published revision.
    pub(super) published: Option<String>,
    /// The chatbot that finds it.
    pub(super) chatbot: Option<String>,
    /// Which call wrote it.
    pub(super) token: String,
}

/// The point of a document.
pub(super) fn document(tenant: &TenantId, document: &str, switched: &Switched) -> PointStruct {
    let mut payload = payload([
        (KIND, DOCUMENT.into()),
        (TENANT, tenant.as_str().into()),
        (OF_DOCUMENT, document.into()),
        (VERSION, switched.version.into()),
        (TOKEN, switched.token.as_str().into()),
    ]);
    let more = [(KEY, &switched.published), (CHATBOT, &switched.chatbot)];
    for (name, value) in more {
        if let Some(value) = value {
            payload.insert(name.into(), value.as_str().into());
        }
    }
    plain(names::document(tenant, document), payload)
}

/// What a document's point says.
pub(super) fn to_switched(point: &RetrievedPoint) -> Result<Switched, PortError> {
    let optional = |name| text(point, name).ok().map(str::to_owned);
    Ok(Switched {
        version: number(point, VERSION)?,
        published: optional(KEY),
        chatbot: optional(CHATBOT),
        token: text(point, TOKEN)?.to_owned(),
    })
}

/// The point of a chatbot.
pub(super) fn scope(tenant: &TenantId, chatbot: &str, token: &str) -> PointStruct {
    let payload = payload([
        (KIND, SCOPE.into()),
        (TENANT, tenant.as_str().into()),
        (TOKEN, token.into()),
    ]);
    plain(names::scope(tenant, chatbot), payload)
}

/// A passage that was found.
pub(super) struct Found {
    pub(super) document: String,
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) passage: IndexedPassage,
}

/// The passage of a point; its vector is of unit length, or empty.
pub(super) fn to_passage(point: &RetrievedPoint) -> Result<Found, PortError> {
    let own = |name| text(point, name).map(str::to_owned);
    let small = |number: i64| {
        u32::try_from(number).map_err(|_| fault::corrupt(format!("{number} is no place")))
    };
    let page = match point.payload.get(PAGE) {
        Some(_) => Some(small(number(point, PAGE)?)?),
        None => None,
    };
    Ok(Found {
        document: own(OF_DOCUMENT)?,
        name: own(NAME)?,
        revision: own(OF_REVISION)?,
        passage: IndexedPassage {
            ordinal: small(number(point, ORDINAL)?)?,
            text: own(BODY)?,
            heading: own(HEADING)?,
            page,
            vector: dense(point)
                .and_then(|vector| unit(&vector))
                .unwrap_or_default(),
        },
    })
}

fn dense(point: &RetrievedPoint) -> Option<Vec<f32>> {
    let options = point.vectors.as_ref()?.vectors_options.as_ref()?;
    let VectorsOptions::Vectors(named) = options else {
        return None;
    };
    match named.vectors.get(DENSE)?.clone().into_vector() {
        vector_output::Vector::Dense(dense) => Some(dense.data),
        _ => None,
    }
}

/// A text of a point.
pub(super) fn text<'a>(point: &'a RetrievedPoint, name: &str) -> Result<&'a str, PortError> {
    let value = point
        .payload
        .get(name)
        .and_then(|value| value.kind.as_ref());
    match value {
        Some(Kind::StringValue(text)) => Ok(text),
        _ => Err(fault::corrupt(format!("a point without the text {name}"))),
    }
}

fn number(point: &RetrievedPoint, name: &str) -> Result<i64, PortError> {
    let value = point
        .payload
        .get(name)
        .and_then(|value| value.kind.as_ref());
    match value {
        Some(Kind::IntegerValue(number)) => Ok(*number),
        _ => Err(fault::corrupt(format!("a point without the number {name}"))),
    }
}

/// The vector at length 1; `None` if it has no direction.
pub(super) fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    (length > 0.0 && length.is_finite()).then(|| vector.iter().map(|x| x / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> TenantId {
        TenantId::new("acme").expect("a tenant")
    }

    fn wanted() -> (Revision, IndexedPassage) {
        let revision = Revision {
            chatbot: "bot".into(),
            document: "doc".into(),
            name: "doc.pdf".into(),
            revision: "r1".into(),
        };
        let passage = IndexedPassage {
            ordinal: 7,
            text: "a zebra".into(),
            heading: "Animals".into(),
            page: Some(3),
            vector: vec![0.6, 0.8],
        };
        (revision, passage)
    }

    const STAGED: Staged = Staged {
        at_ms: 1_700_000_000_000,
        generation: 5,
    };

    fn back(point: PointStruct) -> RetrievedPoint {
        RetrievedPoint {
            id: point.id,
            payload: point.payload,
            ..RetrievedPoint::default()
        }
    }

    #[test]
    fn a_passage_is_the_same_after_it_was_a_point() {
        let (revision, mut first) = wanted();
        for page in [Some(3), None] {
            first.page = page;
            let point = passage(&acme(), &revision, &first, STAGED, (2, 256));
            let found = to_passage(&back(point)).expect("reads");
            assert_eq!(
                (found.document.as_str(), found.name.as_str()),
                ("doc", "doc.pdf")
            );
            assert_eq!(found.revision, "r1");
            let vector = vec![];
            assert_eq!(
                found.passage,
                IndexedPassage {
                    vector,
                    ..first.clone()
                }
            );
        }
        assert!(to_passage(&RetrievedPoint::default()).is_err());
    }

    #[test]
    fn only_vectors_of_the_models_dimension_are_sent() {
        let (revision, first) = wanted();
        let vectors = |dimension, vector: Vec<f32>| {
            let changed = IndexedPassage {
                vector,
                ..first.clone()
            };
            let point = passage(&acme(), &revision, &changed, STAGED, (dimension, 256));
            let Some(qdrant_client::qdrant::vectors::VectorsOptions::Vectors(named)) =
                point.vectors.and_then(|vectors| vectors.vectors_options)
            else {
                panic!("named vectors")
            };
            let mut names: Vec<_> = named.vectors.into_keys().collect();
            names.sort_unstable();
            names
        };
        assert_eq!(vectors(2, vec![0.6, 0.8]), [DENSE, TEXT]);
        assert_eq!(vectors(3, vec![0.6, 0.8]), [TEXT]);
        assert_eq!(vectors(2, vec![0.0, 0.0]), [TEXT]);
        assert_eq!(vectors(2, vec![f32::NAN, 0.0]), [TEXT]);
        assert_eq!(vectors(2, vec![]), [TEXT]);
    }

    #[test]
    fn a_document_says_what_it_was_told() {
        let published = Switched {
            version: 3,
            published: Some("key".into()),
            chatbot: Some("bot".into()),
            token: "t".into(),
        };
        let retired = Switched {
            published: None,
            chatbot: None,
            ..published.clone()
        };
        for switched in [published, retired] {
            let read = to_switched(&back(document(&acme(), "doc", &switched)));
            assert_eq!(read, Ok(switched));
        }
    }
}
