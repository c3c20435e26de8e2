//! From what should be and what is to a [`Plan`]. Pure: the same two give the same plan.
use super::desired::{Desired, DesiredTopic};
use super::observed::{AUTHORIZER, Observed, ObservedSubject, ObservedTopic};
use super::plan::{Action, Plan, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// What would make the cluster what it should be.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::new(observed.cluster_id.clone(), observed.fingerprint());
    topics(desired, observed, &mut plan);
    subjects(desired, observed, &mut plan);
    groups(desired, observed, &mut plan);
    brokers(desired, observed, &mut plan);
    access(desired, observed, &mut plan);
    plan.actions.sort_by_key(Action::stage);
    plan.findings.sort();
    plan
}

fn topics(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    for (name, wanted) in &desired.topics {
        match observed.topics.get(name) {
            None => plan.actions.push(Action::CreateTopic {
                topic: name.clone(),
                partitions: wanted.partitions,
                replication: desired.replication,
                config: wanted.config.clone(),
            }),
            Some(found) => topic(desired, name, wanted, found, plan),
        }
    }
    for name in &observed.other_topics {
        let what = match name.ends_with(".dead") {
            true => {
                "holds dead letters, and the map has no such consumer any more: see that it is empty, then `troupe \
                 topics delete` it"
            }
            false => "is not in the map: left alone",
        };
        plan.find(Severity::Note, &format!("topic {name}"), what);
    }
}

fn topic(
    desired: &Desired,
    name: &str,
    wanted: &DesiredTopic,
    found: &ObservedTopic,
    plan: &mut Plan,
) {
    let about = format!("topic {name}");
    if wanted.partitions != found.partitions {
        let what = format!(
            "has {} partitions, and the map says {}; the partitions of a keyed topic never change (I5): every key \
             would have two places, and no order. Set the map back, or make a topic with another name and move over",
            found.partitions, wanted.partitions
        );
        plan.find(Severity::Refused, &about, what);
    }
    if found.replication < desired.replication {
        let what = format!(
            "has partitions with {} of {} copies; kafka-reassign-partitions moves them",
            found.replication, desired.replication
        );
        plan.find(Severity::Wrong, &about, what);
    }
    let changes: BTreeMap<String, (String, String)> = wanted
        .config
        .iter()
        .filter_map(|(key, becomes)| {
            let was = found.config.get(key).cloned().unwrap_or_default();
            (was != *becomes).then(|| (key.clone(), (was, becomes.clone())))
        })
        .collect();
    if changes.is_empty() {
        return;
    }
    let mut config = found.own.clone();
    config.extend(wanted.config.clone());
    plan.actions.push(Action::ConfigureTopic {
        topic: name.to_owned(),
        changes,
        config,
    });
}

fn subjects(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    let unknown = ObservedSubject {
        compatible: true,
        ..ObservedSubject::default()
    };
    for (name, wanted) in &desired.subjects {
        let found = observed.subjects.get(name).unwrap_or(&unknown);
        if let Some(level) = &wanted.level
            && found.level.as_ref() != Some(level)
        {
            plan.actions.push(Action::SetLevel {
                subject: name.clone(),
                was: found.level.clone(),
                level: level.clone(),
            });
        }
        if found.registered {
            continue;
        }
        if !found.compatible {
            let what = format!(
                "{} as this version has it breaks the versions that are there, at the level of the subject (A3): it \
                 needs a name of its own, or a default for what is new",
                wanted.record
            );
            plan.find(Severity::Refused, &format!("subject {name}"), what);
            continue;
        }
        plan.actions.push(Action::RegisterSchema {
            subject: name.clone(),
            record: wanted.record.clone(),
            text: wanted.text.clone(),
        });
    }
}

fn groups(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    let none = BTreeSet::new();
    for (name, wanted) in &desired.groups {
        let found = observed.groups.get(name).unwrap_or(&none);
        let missing: Vec<i32> = (0..wanted.partitions)
            .filter(|partition| !found.contains(partition))
            .collect();
        if missing.is_empty() {
            continue;
        }
        if found.is_empty() {
            plan.actions.push(Action::FirstCheckpoints {
                group: name.clone(),
                topic: wanted.topic.clone(),
                partitions: wanted.partitions,
                from: wanted.from,
            });
            continue;
        }
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let missing = missing.join(",");
        let what = format!(
            "has checkpoints, but none in the partitions {missing} of {topic}: they were lost, and where it had got to \
             is not guessed. Say it: kafka-consumer-groups --group {name} --topic {topic}:{missing} --reset-offsets \
             --to-earliest --execute",
            topic = wanted.topic
        );
        plan.find(Severity::Refused, &format!("group {name}"), what);
    }
    for name in &observed.other_groups {
        if desired.is_of_others(name) {
            continue;
        }
        let what = "no consumer of the map owns it: a retired one's (kafka-consumer-groups --delete), or somebody \
                    else's (say so in cluster.kafka_groups_of_others)";
        plan.find(Severity::Wrong, &format!("group {name}"), what);
    }
}

fn brokers(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    let there = i32::try_from(observed.brokers.len()).unwrap_or(i32::MAX);
    if there < desired.replication {
        let what = format!(
            "there are {there} brokers, and each topic wants {} copies (cluster.kafka_replication)",
            desired.replication
        );
        plan.find(Severity::Refused, "brokers", what);
    }
    for (id, settings) in &observed.brokers {
        for (key, wanted) in &desired.brokers {
            // A broker that does not say it is too old to have it.
            let found = settings.get(key).map_or("not known", String::as_str);
            if !wanted.holds(found) {
                let what = format!("{key} is {found}, and should be {wanted}");
                plan.find(Severity::Wrong, &format!("broker {id}"), what);
            }
        }
    }
}

/// Outsiders write inboxes, and nothing else; each reads the answers to it, in groups that are called as it is.
fn access(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    let mut authorizers = observed
        .brokers
        .values()
        .map(|broker| broker.get(AUTHORIZER));
    let all_have = authorizers.all(|found| found.is_some_and(|class| !class.is_empty()));
    if !all_have {
        let what = "no authorizer decides about access: everybody who reaches a broker may write every topic \
                    (authorizer.class.name, and a listener with SASL)";
        plan.find(Severity::Note, "access", what);
        return;
    }
    let allow = |user: &str, what: &str| {
        format!(
            "kafka-acls --bootstrap-server BROKER --command-config ADMIN --add --allow-principal 'User:{user}' {what}"
        )
    };
    for (topic, writers) in &desired.writers {
        for writer in writers {
            let what = format!("--operation Write --operation Describe --topic {topic}");
            plan.access.push(allow(writer, &what));
        }
    }
    let mut outside = BTreeSet::new();
    for (topic, readers) in &desired.readers {
        for reader in readers {
            let what = format!("--operation Read --operation Describe --topic {topic}");
            plan.access.push(allow(reader, &what));
            outside.insert(reader);
        }
    }
    for reader in outside {
        let what = format!("--operation Read --group '{reader}.' --resource-pattern-type prefixed");
        plan.access.push(allow(reader, &what));
    }
    if desired.user.is_empty() {
        return;
    }
    let user = &desired.user;
    for topic in desired.topics.keys() {
        let what = format!(
            "--operation Read --operation Write --operation Describe --operation DescribeConfigs --topic {topic}"
        );
        plan.access.push(allow(user, &what));
    }
    for group in desired.groups.keys() {
        let what = format!("--operation Read --operation Describe --group {group}");
        plan.access.push(allow(user, &what));
    }
    let what = format!(
        "--operation Write --operation Describe --transactional-id '{}.' --resource-pattern-type prefixed",
        desired.name
    );
    plan.access.push(allow(user, &what));
}

#[cfg(test)]
mod tests;
