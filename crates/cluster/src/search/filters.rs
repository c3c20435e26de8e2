//! Which points are meant. Every field that is named here has an index: see `prepare`.
use super::names::{
    CHATBOT, DOCUMENT, GENERATION, KEY, KIND, OF_DOCUMENT, PASSAGE, REVISION, STAGED_AT, TENANT,
    VERSION,
};
use events::TenantId;
use qdrant_client::qdrant::{Condition, Filter, PointId, Range};

fn is(field: &str, value: &str) -> Condition {
    Condition::matches(field, value.to_owned())
}

/// Numbers are compared as floating point: milliseconds and versions are far below 2^53.
fn below(field: &str, limit: i64) -> Condition {
    let range = Range {
        lt: Some(limit as f64),
        ..Range::default()
    };
    Condition::range(field, range)
}

/// The passages of a revision.
pub(super) fn passages_of(key: &str) -> Filter {
    Filter::must([is(KIND, PASSAGE), is(KEY, key)])
}

/// All that belongs to a revision.
pub(super) fn of_revision(key: &str) -> Filter {
    Filter::must([is(KEY, key), either_kind()])
}

/// A revision's own points, not the document that names it.
fn either_kind() -> Condition {
    Condition::matches(KIND, vec![PASSAGE.to_owned(), REVISION.to_owned()])
}

/// A chatbot's passages, published or not.
pub(super) fn of_chatbot(tenant: &TenantId, chatbot: &str) -> Filter {
    Filter::must([
        is(KIND, PASSAGE),
        is(TENANT, tenant.as_str()),
        is(CHATBOT, chatbot),
    ])
}

/// A chatbot's passages that a query may find, of the revisions with these keys.
pub(super) fn findable(tenant: &TenantId, chatbot: &str, keys: &[String]) -> Filter {
    let mut filter = of_chatbot(tenant, chatbot);
    filter.must.push(Condition::matches(KEY, keys.to_vec()));
    filter
}

/// The documents of which a chatbot finds something.
pub(super) fn documents(tenant: &TenantId, chatbot: &str) -> Filter {
    Filter::must([
        is(KIND, DOCUMENT),
        is(TENANT, tenant.as_str()),
        is(CHATBOT, chatbot),
    ])
}

/// All points of a kind that are a tenant's.
pub(super) fn of_kind(tenant: &TenantId, kind: &str) -> Filter {
    Filter::must([is(KIND, kind), is(TENANT, tenant.as_str())])
}

/// A document's point, if its version is below.
pub(super) fn version_below(version: i64) -> Filter {
    Filter::must([below(VERSION, version)])
}

/// What belongs to a revision and was not staged again since the document had this version.
pub(super) fn given_up(key: &str, version: i64) -> Filter {
    let mut filter = of_revision(key);
    filter.must.push(below(GENERATION, version));
    filter
}

/// The same of all revisions of a document.
pub(super) fn retired(tenant: &TenantId, document: &str, version: i64) -> Filter {
    Filter::must([
        is(TENANT, tenant.as_str()),
        is(OF_DOCUMENT, document),
        either_kind(),
        below(GENERATION, version),
    ])
}

/// Revisions that were staged before.
pub(super) fn staged_before(before_ms: i64) -> Filter {
    Filter::must([is(KIND, REVISION), below(STAGED_AT, before_ms)])
}

/// A revision's passages that were staged before.
pub(super) fn passages_before(key: &str, before_ms: i64) -> Filter {
    let mut filter = passages_of(key);
    filter.must.push(below(STAGED_AT, before_ms));
    filter
}

/// These points, as far as they were staged before.
pub(super) fn these_before(ids: Vec<PointId>, before_ms: i64) -> Filter {
    Filter::must([Condition::has_id(ids), below(STAGED_AT, before_ms)])
}

/// These points.
pub(super) fn these(ids: Vec<PointId>) -> Filter {
    Filter::must([Condition::has_id(ids)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use qdrant_client::qdrant::condition::ConditionOneOf;

    fn fields(filter: &Filter) -> Vec<&str> {
        let mut fields = vec![];
        for condition in &filter.must {
            match &condition.condition_one_of {
                Some(ConditionOneOf::Field(field)) => fields.push(field.key.as_str()),
                other => panic!("only fields here: {other:?}"),
            }
        }
        fields
    }

    /// G4: what is searched is a tenant's and a chatbot's, always.
    #[test]
    fn whatever_is_found_is_the_tenants() {
        let acme = TenantId::new("acme").expect("a tenant");
        let keys = ["k".to_owned()];
        for filter in [
            of_chatbot(&acme, "bot"),
            findable(&acme, "bot", &keys),
            documents(&acme, "bot"),
        ] {
            let fields = fields(&filter);
            assert!(
                fields.contains(&TENANT) && fields.contains(&CHATBOT),
                "{fields:?}"
            );
        }
        assert!(fields(&retired(&acme, "doc", 1)).contains(&TENANT));
    }

    #[test]
    fn nothing_that_was_staged_again_is_deleted() {
        let acme = TenantId::new("acme").expect("a tenant");
        assert!(fields(&given_up("k", 7)).contains(&GENERATION));
        assert!(fields(&retired(&acme, "doc", 7)).contains(&GENERATION));
        assert!(fields(&passages_before("k", 7)).contains(&STAGED_AT));
    }
}
