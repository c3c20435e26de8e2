//! On the real registry.
use super::*;
use crate::servers::{Own, shared};
use events::RecordSchema;
use runtime::codec::{Schemas, UnknownSchema};
use std::time::Instant;

fn at(url: &str) -> RegistryAt {
    RegistryAt {
        url: url.to_owned(),
        user: None,
    }
}
fn registry(url: &str) -> Registry {
    Registry::new(&at(url), TopicMap::embedded()).expect("an address")
}
/// As `troupe topics apply` leaves it, for some records.
async fn register(url: &str, records: &[&'static RecordSchema]) {
    let confluent = Confluent::new(at(url)).expect("a client");
    let map = TopicMap::embedded();
    for record in records {
        let here = |subject: &Subject<'_>| subject.record == record.name;
        for subject in subjects(map).into_iter().filter(here) {
            let done = confluent.register(&subject.name, record.text).await;
            done.expect("registered");
        }
    }
}
fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::now_v7())
}
fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","namespace":"tests","fields":[{fields}]}}"#)
}

#[tokio::test]
async fn what_apply_registered_is_resolved_and_a_registry_that_stops_stops_nothing_that_is_known() {
    let own = Own::start("registry.sh", &[]);
    let url = own.said("TROUPE_TEST_REGISTRY_URL");
    // One that stands in several topics, and some that do not.
    let mut records = events::all_records();
    records.retain(|record| record.name == "troupe.reply.Ok" || record.name.ends_with("ed"));
    let early = Schemas::start(Arc::new(registry(url)), &records).await;
    let why = early.err().expect("nothing is registered yet").to_string();
    assert!(why.contains("troupe topics apply"), "{why}");
    let before = Confluent::new(at(url)).expect("a client");
    let before = before.subjects().await.expect("asked");
    assert_eq!(before, Vec::<String>::new(), "a lookup registers nothing");

    register(url, &records).await;
    let ours = Arc::new(registry(url));
    let schemas = Schemas::start(ours.clone(), &records)
        .await
        .expect("all are known");
    let foreign = Confluent::new(at(url)).expect("a client");
    let (met, later) = (
        record(""),
        record(r#"{"name":"x","type":"int","default":1}"#),
    );
    let met = foreign.register("upstream-value", &met).await.expect("new");
    let later = foreign
        .register("upstream-value", &later)
        .await
        .expect("compatible");
    let framed = |id: u32| [&[0][..], &id.to_be_bytes(), &[1, 2, 3]].concat();
    let seen = framed(met);
    assert_eq!(schemas.datum(&seen).await.expect("met").record, "tests.R");

    own.freeze();
    let payload = schemas
        .frame(records[0].name, &[7])
        .expect("ours need nobody");
    let datum = schemas.datum(&payload).await.expect("known");
    assert_eq!((datum.record, datum.bytes), (records[0].name, &[7][..]));
    assert_eq!(schemas.datum(&seen).await.expect("met").record, "tests.R");
    let began = Instant::now();
    let stranger = framed(later);
    let error = schemas
        .datum(&stranger)
        .await
        .err()
        .expect("nobody answers");
    assert!(
        matches!(error, UnknownSchema::Registry(_)),
        "a registry that is down condemns no message: {error:?}"
    );
    assert!(began.elapsed() < 2 * TIME_OUT, "{:?}", began.elapsed());

    own.thaw();
    assert_eq!(
        schemas.datum(&stranger).await.expect("back").record,
        "tests.R",
        "the failure was not kept"
    );
}

#[tokio::test]
async fn a_registry_that_is_down_at_the_start_is_an_error_that_goes_away() {
    let mut own = Own::start("registry.sh", &["--persistent"]);
    let url = own.said("TROUPE_TEST_REGISTRY_URL").to_owned();
    let records = &events::all_records()[..3];
    register(&url, records).await;
    own.kill();
    let ours = Arc::new(registry(&url));
    let down = Schemas::start(ours.clone(), records).await.err();
    assert!(
        matches!(down, Some(PortError::Unreachable { port: PORT, .. })),
        "{down:?}"
    );
    own.start_again(&[]);
    Schemas::start(ours, records)
        .await
        .expect("the same registry, asked again");
}

#[tokio::test]
async fn an_unknown_id_is_the_messages_fault_until_it_is_known() {
    let own = Own::start("registry.sh", &[]);
    let url = own.said("TROUPE_TEST_REGISTRY_URL");
    let ours = registry(url);
    for id in 1..=50 {
        assert_eq!(ours.text_of(id).await, Ok(None), "it is empty");
    }
    let confluent = Confluent::new(at(url)).expect("a client");
    let id = confluent.register("late", &record("")).await.expect("new");
    assert!(id <= 50, "it was asked for before: {id}");
    assert_eq!(
        ours.text_of(id).await,
        Ok(Some(record(""))),
        "that it was not known is not kept"
    );
}

#[tokio::test]
async fn a_404_that_is_not_the_registrys_condemns_no_message() {
    let url = shared("TROUPE_TEST_REGISTRY_URL");
    let elsewhere = registry(&format!("{url}/not/the/registry"));
    let error = elsewhere.text_of(1).await;
    assert!(
        matches!(error, Err(PortError::Unreachable { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_schema_that_breaks_its_level_is_refused_with_409() {
    let confluent = Confluent::new(at(&shared("TROUPE_TEST_REGISTRY_URL"))).expect("a client");
    let subject = unique("level");
    let (one, two) = (record(""), record(r#"{"name":"x","type":"int"}"#));
    assert_eq!(confluent.id(&subject, &one).await.expect("asked"), None);
    assert!(confluent.is_compatible(&subject, &two).await.expect("new"));
    confluent
        .set_level(&subject, "FULL_TRANSITIVE")
        .await
        .expect("before there is a version");
    let id = confluent.register(&subject, &one).await.expect("first");
    assert_eq!(confluent.id(&subject, &one).await.expect("asked"), Some(id));
    let level = confluent.level(&subject).await.expect("asked");
    assert_eq!(level.as_deref(), Some("FULL_TRANSITIVE"));
    assert!(
        !confluent
            .is_compatible(&subject, &two)
            .await
            .expect("asked")
    );
    let refused = confluent.register(&subject, &two).await.expect_err("409");
    assert!(refused.is_incompatible(), "{refused}");
    let again = confluent.register(&subject, &one).await;
    assert_eq!(again.expect("is there"), id, "to register again is nothing");
}
