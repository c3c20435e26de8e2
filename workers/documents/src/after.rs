//! What the index says of a document, passed on to the document.
use events::documents::{IndexFailed, IndexReady, IndexRemoved};
use events::knowledge::{EmbeddingFailed, EmbeddingReady, EmbeddingRemoved};
use runtime::{Emits, Moment, emit};

/// A revision can be found.
pub fn index_ready(said: EmbeddingReady, _at: &Moment) -> Emits {
    emit(IndexReady {
        document: said.document,
        revision: said.revision,
        expected: said.expected,
        embedded: said.embedded,
        stored: said.stored,
        retrievable: said.retrievable,
        version: said.version,
    })
}

/// A revision could not be indexed.
pub fn index_failed(said: EmbeddingFailed, _at: &Moment) -> Emits {
    let EmbeddingFailed {
        document,
        chatbot: _,
        revision,
        code,
        reason,
        version,
    } = said;
    emit(IndexFailed {
        document,
        revision,
        code,
        reason,
        version,
    })
}

/// Nothing of the document can be found any more.
pub fn index_removed(said: EmbeddingRemoved, _at: &Moment) -> Emits {
    emit(IndexRemoved {
        document: said.document,
        version: said.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_index_says_reaches_the_document_it_is_about() {
        let at = Moment::for_tests("d1");
        let (document, revision) = (String::from("d1"), String::from("r1"));
        let ready = EmbeddingReady {
            document: document.clone(),
            chatbot: "bot".into(),
            revision: revision.clone(),
            version: 2,
            expected: 4,
            embedded: 3,
            stored: 2,
            retrievable: 1,
        };
        let told = IndexReady {
            document: document.clone(),
            revision: revision.clone(),
            expected: 4,
            embedded: 3,
            stored: 2,
            retrievable: 1,
            version: 2,
        };
        assert!(index_ready(ready, &at).same(&emit(told)));
        let (code, reason) = (String::from("knowledge.no"), String::from("no room"));
        let failed = EmbeddingFailed {
            document: document.clone(),
            chatbot: "bot".into(),
            revision: revision.clone(),
            code: code.clone(),
            reason: reason.clone(),
            version: 5,
        };
        let told = IndexFailed {
            document: document.clone(),
            revision,
            code,
            reason,
            version: 5,
        };
        assert!(index_failed(failed, &at).same(&emit(told)));
        let removed = EmbeddingRemoved {
            document: document.clone(),
            chatbot: "bot".into(),
            version: 3,
        };
        assert!(index_removed(removed, &at).same(&emit(IndexRemoved {
            document,
            version: 3
        })));
    }
}
