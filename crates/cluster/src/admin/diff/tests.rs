use super::*;
use crate::admin::desired::Wanted;
use crate::settings::Settings;
use events::map::{From, TopicMap};

fn settings() -> Settings {
    Settings {
        name: "troupe".into(),
        kafka_id: "id".into(),
        kafka_replication: 3,
        ..Settings::default()
    }
}
fn desired() -> Desired {
    Desired::new(TopicMap::embedded(), &events::all_records(), &settings())
}
/// A cluster that is as it should be.
fn perfect(desired: &Desired) -> Observed {
    let value = |wanted: &Wanted| match wanted {
        Wanted::Is(value) => value.clone(),
        Wanted::AtLeast(number) | Wanted::AtMost(number) => number.to_string(),
    };
    let mut broker: BTreeMap<String, String> = desired
        .brokers
        .iter()
        .map(|(key, wanted)| (key.clone(), value(wanted)))
        .collect();
    broker.insert(AUTHORIZER.into(), "org.example.Authorizer".into());
    Observed {
        cluster_id: "id".into(),
        brokers: (1..=3).map(|id| (id, broker.clone())).collect(),
        topics: desired
            .topics
            .iter()
            .map(|(name, topic)| {
                let found = ObservedTopic {
                    partitions: topic.partitions,
                    replication: 3,
                    config: topic.config.clone(),
                    own: topic.config.clone(),
                };
                (name.clone(), found)
            })
            .collect(),
        groups: desired
            .groups
            .iter()
            .map(|(name, group)| (name.clone(), (0..group.partitions).collect()))
            .collect(),
        subjects: desired
            .subjects
            .iter()
            .map(|(name, subject)| {
                let found = ObservedSubject {
                    registered: true,
                    compatible: true,
                    level: subject.level.clone(),
                };
                (name.clone(), found)
            })
            .collect(),
        ..Observed::default()
    }
}
fn only(plan: &Plan) -> &Action {
    assert_eq!(plan.findings, [], "{plan}");
    match plan.actions.as_slice() {
        [action] => action,
        _ => panic!("one action expected: {plan}"),
    }
}
fn found(plan: &Plan, severity: Severity, about: &str) -> String {
    assert!(plan.actions.is_empty(), "{plan}");
    let found = plan.findings.iter().find(|f| f.about == about);
    let found = found.unwrap_or_else(|| panic!("nothing is said of {about}: {plan}"));
    assert_eq!(found.severity, severity);
    found.what.clone()
}
/// The plan for a cluster that is perfect but for one thing.
fn but(change: impl FnOnce(&mut Observed)) -> Plan {
    let desired = desired();
    let mut observed = perfect(&desired);
    change(&mut observed);
    plan(&desired, &observed)
}

#[test]
fn a_cluster_that_is_as_it_should_be_needs_nothing() {
    let plan = but(|_| ());
    assert!(!plan.is_drift(), "{plan}");
}

#[test]
fn an_empty_cluster_gets_everything_in_an_order_that_works() {
    let desired = desired();
    let observed = Observed {
        brokers: perfect(&desired).brokers,
        ..Observed::default()
    };
    let plan = plan(&desired, &observed);
    assert!(plan.is_drift());
    assert_eq!(plan.findings, []);
    let stages: Vec<u8> = plan.actions.iter().map(Action::stage).collect();
    assert!(stages.is_sorted(), "checkpoints need their topics");
    for stage in [0, 2, 3, 4] {
        assert!(stages.contains(&stage), "{stage}");
    }
    let created = stages.iter().filter(|stage| **stage == 0).count();
    assert_eq!(
        created,
        TopicMap::embedded().topics().count(),
        "dead letters too"
    );
    let level = plan.actions.iter().position(
        |a| matches!(a, Action::SetLevel { subject, .. } if subject == "embedding.ready-value"),
    );
    let schema = plan.actions.iter().position(
        |a| matches!(a, Action::RegisterSchema { subject, .. } if subject == "embedding.ready-value"),
    );
    assert!(
        level < schema && level.is_some(),
        "the level holds from the first version on"
    );
}

#[test]
fn a_topic_of_dead_letters_takes_twice_the_size_and_has_the_same_partitions() {
    let desired = desired();
    let bytes = |topic: &str| -> u64 {
        let bytes = &desired.topics[topic].config["max.message.bytes"];
        bytes.parse().expect("a number")
    };
    assert_eq!(
        bytes("documents.document.dead"),
        2 * bytes("documents.document")
    );
    for (name, group) in &desired.groups {
        let dead = &desired.topics[&format!("{name}.dead")];
        assert_eq!(dead.partitions, group.partitions, "{name}");
    }
}

#[test]
fn partitions_never_change() {
    for partitions in [2, 8] {
        let plan = but(|observed| {
            let topic = observed.topics.get_mut("documents.document");
            topic.expect("there").partitions = partitions;
        });
        let why = found(&plan, Severity::Refused, "topic documents.document");
        assert!(why.contains("I5"), "{why}");
        assert_eq!(plan.refused().count(), 1);
    }
}

#[test]
fn a_change_of_settings_keeps_what_somebody_else_set() {
    let plan = but(|observed| {
        let topic = observed.topics.get_mut("replies").expect("there");
        topic.config.insert("retention.ms".into(), "1".into());
        topic.own.insert("retention.ms".into(), "1".into());
        topic.own.insert("compression.type".into(), "zstd".into());
    });
    let Action::ConfigureTopic {
        changes, config, ..
    } = only(&plan)
    else {
        panic!("{plan}");
    };
    assert_eq!(changes.len(), 1);
    assert_eq!(changes["retention.ms"], ("1".into(), "86400000".into()));
    assert_eq!(config["retention.ms"], "86400000");
    assert_eq!(
        config["compression.type"], "zstd",
        "left out, it would be reset"
    );
}

#[test]
fn a_new_consumer_begins_and_a_lost_checkpoint_is_not_guessed() {
    let plan = but(|observed| {
        observed.groups.remove("documents.effects");
    });
    let Action::FirstCheckpoints {
        group,
        from,
        partitions,
        ..
    } = only(&plan)
    else {
        panic!("{plan}");
    };
    assert_eq!(
        (group.as_str(), *from, *partitions),
        ("documents.effects", From::First, 4)
    );
    let plan = but(|observed| {
        let group = observed.groups.get_mut("documents.effects");
        group.expect("there").remove(&2);
    });
    let why = found(&plan, Severity::Refused, "group documents.effects");
    assert!(why.contains("documents.effects:2"), "{why}");
}

#[test]
fn groups_that_nobody_owns_are_drift_unless_they_are_known() {
    let stray = |observed: &mut Observed| {
        observed.other_groups = ["retired.worker", "analysts-7"].map(str::to_owned).into();
    };
    let plan = but(stray);
    found(&plan, Severity::Wrong, "group retired.worker");
    assert!(plan.is_drift());
    let desired = Desired {
        groups_of_others: vec!["retired.worker".into(), "analysts-*".into()],
        ..desired()
    };
    let mut observed = perfect(&desired);
    stray(&mut observed);
    let plan = super::plan(&desired, &observed);
    assert!(!plan.is_drift(), "{plan}");
}

#[test]
fn a_schema_that_breaks_what_is_there_is_refused() {
    let plan = but(|observed| {
        let subject = observed.subjects.get_mut("embedding.ready-value");
        let subject = subject.expect("there");
        (subject.registered, subject.compatible) = (false, false);
    });
    let why = found(&plan, Severity::Refused, "subject embedding.ready-value");
    assert!(why.contains("troupe.knowledge.EmbeddingReady"), "{why}");
}

#[test]
fn a_weaker_level_is_raised() {
    let plan = but(|observed| {
        let subject = observed.subjects.get_mut("embedding.ready-value");
        subject.expect("there").level = Some("NONE".into());
    });
    let Action::SetLevel { was, level, .. } = only(&plan) else {
        panic!("{plan}");
    };
    assert_eq!(
        (was.as_deref(), level.as_str()),
        (Some("NONE"), "FULL_TRANSITIVE")
    );
}

#[test]
fn brokers_are_held_against_what_we_need() {
    let plan = but(|observed| {
        let broker = observed.brokers.get_mut(&2).expect("there");
        broker.insert("group.coordinator.append.linger.ms".into(), "5".into());
        broker.insert("offsets.retention.minutes".into(), "10080".into());
    });
    let said = plan.to_string();
    assert!(said.contains("broker 2: group.coordinator.append.linger.ms is 5, and should be 0"));
    assert!(said.contains("offsets.retention.minutes is 10080, and should be at least 525600"));
    assert!(plan.is_drift() && plan.refused().next().is_none());
    let plan = but(|observed| observed.brokers.retain(|id, _| *id == 1));
    found(&plan, Severity::Refused, "brokers");
}

#[test]
fn outsiders_write_inboxes_only_and_read_their_answers() {
    let plan = but(|_| ());
    let of_upstream: Vec<&str> = plan
        .access
        .iter()
        .filter(|c| c.contains("User:upstream"))
        .filter_map(|c| c.split_once("'User:upstream' "))
        .map(|(_, what)| what)
        .collect();
    let write = |inbox: &str| format!("--operation Write --operation Describe --topic {inbox}");
    assert_eq!(
        of_upstream,
        [
            write("inbox.chatbots.commands").as_str(),
            &write("inbox.conversations.commands"),
            &write("inbox.document.uploaded"),
            &write("inbox.documents.commands"),
            "--operation Read --operation Describe --topic replies.upstream",
            "--operation Read --group 'upstream.' --resource-pattern-type prefixed",
        ]
    );
    let open = but(|observed| {
        for broker in observed.brokers.values_mut() {
            broker.insert(AUTHORIZER.into(), String::new());
        }
    });
    assert!(open.access.is_empty() && !open.is_drift());
    assert!(open.to_string().contains("no authorizer decides"), "{open}");
}

#[test]
fn a_plan_survives_its_file_and_knows_its_world() {
    let desired = desired();
    let mut observed = perfect(&desired);
    observed.groups.clear();
    let plan = super::plan(&desired, &observed);
    let again = Plan::from_json(&plan.to_json().expect("written")).expect("read");
    assert_eq!(plan, again);
    let before = observed.fingerprint();
    observed.other_groups.insert("a stranger".into());
    assert_eq!(observed.fingerprint(), before, "strangers come and go");
    observed.topics.remove("replies");
    assert_ne!(observed.fingerprint(), before);
    let newer = plan
        .to_json()
        .expect("written")
        .replace("\"version\": 1", "\"version\": 2");
    assert!(Plan::from_json(&newer).is_err());
    assert!(Plan::from_json("{}").is_err());
}
