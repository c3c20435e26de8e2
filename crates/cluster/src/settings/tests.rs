use super::*;
use std::collections::BTreeMap;

fn environment(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
fn secured() -> Settings {
    Settings {
        kafka: "one:9092,two:9092".into(),
        kafka_security: Security::SaslSsl,
        kafka_mechanism: "SCRAM-SHA-512".into(),
        kafka_user: "troupe".into(),
        kafka_password_env: "KAFKA_PASSWORD".into(),
        kafka_ca: "/ca.pem".into(),
        ..Settings::default()
    }
}

#[test]
fn a_client_of_kafka_is_given_what_its_security_wants() {
    let env = environment(&[("KAFKA_PASSWORD", "hush")]);
    let client = secured().kafka(&env).expect("complete").client();
    let said = |key| client.get(key);
    assert_eq!(said("bootstrap.servers"), Some("one:9092,two:9092"));
    assert_eq!(said("security.protocol"), Some("sasl_ssl"));
    assert_eq!(said("sasl.mechanism"), Some("SCRAM-SHA-512"));
    assert_eq!(said("sasl.password"), Some("hush"));
    assert_eq!(said("ssl.ca.location"), Some("/ca.pem"));
    let open = Settings {
        kafka_security: Security::Plaintext,
        ..secured()
    };
    let open = open.kafka(&environment(&[])).expect("no password needed");
    assert_eq!(open.client().get("sasl.password"), None);
}

#[test]
fn what_is_missing_is_said_by_its_key() {
    let said = |settings: Settings| {
        let env = environment(&[("EMPTY", "")]);
        settings.kafka(&env).expect_err("refused").to_string()
    };
    assert!(said(Settings::default()).starts_with("cluster.kafka is not set"));
    let no_variable = said(secured());
    assert!(no_variable.contains("KAFKA_PASSWORD"), "{no_variable}");
    let empty = said(Settings {
        kafka_password_env: "EMPTY".into(),
        ..secured()
    });
    assert!(empty.contains("EMPTY"), "{empty}");
    let mechanism = said(Settings {
        kafka_mechanism: "OAUTHBEARER".into(),
        ..secured()
    });
    assert!(mechanism.contains("SCRAM-SHA-256"), "{mechanism}");
    let half = Settings {
        registry: "http://registry/".into(),
        registry_user: "me".into(),
        ..Settings::default()
    };
    let half = half.registry(&environment(&[])).expect_err("no password");
    assert!(half.to_string().contains("registry_password_env"));
}

#[test]
fn secrets_do_not_print() {
    let env = environment(&[("KAFKA_PASSWORD", "hush"), ("MONGO", "mongodb://me:hush@m")]);
    let settings = Settings {
        mongodb_env: "MONGO".into(),
        mongodb_database: "troupe".into(),
        ..secured()
    };
    let all = format!("{:?} {:?}", settings.kafka(&env), settings.mongodb(&env));
    assert!(!all.contains("hush"), "{all}");
    let mongo = settings.mongodb(&env).expect("complete");
    assert_eq!(mongo.url.expose(), "mongodb://me:hush@m");
}

#[test]
fn an_object_store_has_a_whole_key_or_none() {
    let settings = Settings {
        s3_region: "eu".into(),
        s3_bucket: "blobs".into(),
        ..Settings::default()
    };
    let found = settings.s3(&environment(&[])).expect("of the machine");
    assert_eq!((found.endpoint, found.key), (None, None));
    let half = Settings {
        s3_key_env: "ID".into(),
        ..settings
    };
    assert!(half.s3(&environment(&[("ID", "x")])).is_err());
}

#[test]
fn each_port_is_opened_as_the_settings_say() {
    let env = environment(&[("KAFKA_PASSWORD", "hush"), ("KEY", "k")]);
    let settings = Settings {
        name: "north".into(),
        mongodb: "mongodb://m".into(),
        mongodb_database: "north".into(),
        qdrant: "http://q:6334".into(),
        qdrant_key_env: "KEY".into(),
        s3_region: "eu".into(),
        s3_bucket: "blobs".into(),
        ..secured()
    };
    let map = events::map::TopicMap::embedded();
    let log = settings.log(&env, map).expect("complete");
    assert_eq!(log.kafka, settings.kafka(&env).expect("complete"));
    assert_eq!(log.cluster, "north");
    let uncommitted: Vec<&str> = log.read_uncommitted.iter().map(String::as_str).collect();
    assert_eq!(uncommitted, ["answers.deltas"]);
    let state = settings.state(&env).expect("complete");
    assert_eq!(
        (state.url.expose(), state.database.as_str()),
        ("mongodb://m", "north")
    );
    let search = settings.search(&env, "words", 64).expect("complete");
    assert_eq!(search.key.expect("a key").expose(), "k");
    let blobs = settings.blobs(&env).expect("complete");
    assert_eq!((blobs.endpoint, blobs.bucket.as_str()), (None, "blobs"));
}
