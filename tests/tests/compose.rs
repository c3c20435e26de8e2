//! `docker-compose.kafka.yml`: nothing here can run it, so it is held against what it starts: the map, the configuration, the
//! command line, the brokers' settings, the metrics.
mod file;
mod watching;

use app::config::Sources;
use cluster::admin::Desired;
use cluster::settings::Security;
use events::map::TopicMap;
use file::{Compose, Service};
use std::collections::{BTreeMap, BTreeSet};

/// The services that run our own image.
fn ours(compose: &Compose) -> impl Iterator<Item = (&String, &Service)> {
    compose
        .services
        .iter()
        .filter(|(_, service)| service.image.starts_with("troupe:"))
}
/// Those of them that go on.
fn serving(compose: &Compose) -> impl Iterator<Item = (&String, &Service)> {
    ours(compose).filter(|(_, service)| !service.ends())
}
fn settings(service: &Service) -> cluster::Settings {
    let sources = Sources {
        file: None,
        variables: service.of_troupe(),
    };
    sources.read().expect("every variable is known").cluster
}

#[test]
fn every_command_line_is_accepted() {
    let compose = Compose::read();
    assert_eq!(ours(&compose).count(), 9);
    for (name, service) in ours(&compose) {
        let mut line = vec!["troupe"];
        line.extend(service.command.iter().map(String::as_str));
        if let Err(why) = app::cli::accepts(line) {
            panic!("{name}: {why}");
        }
    }
}

#[test]
fn every_consumer_of_the_map_has_one_service() {
    let compose = Compose::read();
    let mut who: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let map = TopicMap::embedded();
    for (name, service) in serving(&compose) {
        let workers: Vec<&str> = service.options("--worker");
        let edge = service.command[0] == "up";
        assert_ne!(
            edge,
            !workers.is_empty(),
            "{name} runs workers, or is an edge"
        );
        assert!(
            !edge || service.command.iter().any(|word| word == "--no-workers"),
            "{name} runs every worker besides"
        );
        for worker in &workers {
            let of_worker =
                |consumer: &str| consumer == *worker || consumer.split('.').next() == Some(*worker);
            let mut all = map.consumers().map(|(_, consumer)| consumer.name.as_str());
            assert!(all.any(of_worker), "{name}: there is no worker {worker}");
            for (_, consumer) in map.consumers().filter(|(_, c)| of_worker(&c.name)) {
                who.entry(&consumer.name).or_default().push(name);
            }
        }
    }
    for (_, consumer) in map.consumers() {
        let services = who.get(consumer.name.as_str());
        let count = services.map_or(0, Vec::len);
        assert_eq!(count, 1, "{} is run by {services:?}", consumer.name);
    }
}

#[test]
fn every_variable_is_known_and_the_settings_are_complete() {
    let compose = Compose::read();
    let all: BTreeSet<String> = ours(&compose)
        .map(|(_, service)| format!("{:?}", settings(service)))
        .collect();
    assert_eq!(all.len(), 1, "every process has the same cluster");
    for (name, service) in ours(&compose) {
        let found = settings(service);
        let env = &service.environment;
        let secrets = [&found.s3_key_env, &found.s3_secret_env];
        for variable in env.keys().filter(|name| !name.starts_with("TROUPE_")) {
            assert!(
                secrets.contains(&variable),
                "{name}: nothing names the variable {variable}"
            );
        }
        found.kafka(env).expect("Kafka");
        found.registry(env).expect("the registry");
        found.mongodb(env).expect("MongoDB");
        found.qdrant(env).expect("Qdrant");
        assert!(found.s3(env).expect("the object store").key.is_some());
        assert_eq!(
            found.kafka_security,
            Security::Plaintext,
            "within one network"
        );
        let servers = [
            &found.kafka,
            &found.registry,
            &found.mongodb,
            &found.qdrant,
            &found.s3_endpoint,
        ];
        for address in servers.into_iter().flat_map(|all| all.split(',')) {
            let host = address.rsplit("://").next().unwrap_or(address);
            let host = host.split(':').next().unwrap_or(host);
            assert!(
                compose.services.contains_key(host),
                "{name}: {address} is no service"
            );
        }
    }
}

#[test]
fn the_brokers_are_set_as_topics_plan_wants_them() {
    let compose = Compose::read();
    let (_, worker) = serving(&compose).next().expect("a worker");
    let settings = settings(worker);
    let desired = Desired::new(TopicMap::embedded(), &events::all_records(), &settings);
    let brokers: Vec<&Service> = compose
        .services
        .values()
        .filter(|service| service.image.contains("kafka"))
        .collect();
    assert_eq!(brokers.len(), 3);
    let mut ids = BTreeSet::new();
    for broker in &brokers {
        let env = &broker.environment;
        assert_eq!(env["CLUSTER_ID"], settings.kafka_id);
        ids.insert(&env["KAFKA_NODE_ID"]);
        for (key, wanted) in &desired.brokers {
            let variable = format!("KAFKA_{}", key.replace('.', "_").to_uppercase());
            let found = env
                .get(&variable)
                .unwrap_or_else(|| panic!("{variable} is not set"));
            assert!(wanted.holds(found), "{key} is {found}, not {wanted}");
        }
    }
    assert_eq!(ids.len(), 3);
    let copies = usize::try_from(settings.kafka_replication).expect("a number");
    assert_eq!(copies, brokers.len());
    assert_eq!(settings.kafka.split(',').count(), brokers.len());
}

#[test]
fn images_are_pinned_and_everything_says_how_it_is() {
    let compose = Compose::read();
    for (name, service) in &compose.services {
        let tag = service.image.split_once(':').map(|(_, tag)| tag);
        assert!(
            tag.is_some_and(|tag| tag != "latest" && tag.contains(|c: char| c.is_ascii_digit())),
            "{name}: {} is not pinned",
            service.image
        );
        let unasked = service.ends() || name == "jaeger";
        assert_eq!(service.healthy, !unasked, "{name}");
        for (needed, condition) in &service.depends_on {
            let other = compose.services.get(needed);
            let other = other.unwrap_or_else(|| panic!("{name} needs {needed}, which is nowhere"));
            match condition.as_str() {
                "service_healthy" => assert!(other.healthy, "{name}: {needed} says nothing"),
                "service_completed_successfully" => assert!(other.ends(), "{needed} never ends"),
                other => panic!("{name}: {other}"),
            }
        }
    }
    let kept: BTreeSet<&str> = compose
        .services
        .values()
        .flat_map(|service| &service.volumes)
        .filter_map(|volume| volume.split(':').next())
        .filter(|source| !source.starts_with('.'))
        .collect();
    let declared: BTreeSet<&str> = compose.volumes.iter().map(String::as_str).collect();
    assert_eq!(kept, declared);
    for stateful in [
        "kafka-1", "kafka-2", "kafka-3", "registry", "mongodb", "qdrant", "blobs",
    ] {
        assert!(kept.contains(stateful), "{stateful} keeps nothing");
    }
    for (name, service) in ours(&compose) {
        let ports = &service.ports;
        assert!(
            ports.iter().all(|port| port.starts_with("127.0.0.1:")),
            "{name} is open to everybody: {ports:?}"
        );
    }
}
