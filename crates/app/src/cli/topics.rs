//! `troupe topics`: the map, and the cluster that is made after it (`cluster.rs`).
mod cluster;

use super::output::{duration, say, say_json, say_table, short};
use super::{Common, Failed, asyncapi};
use crate::config::closest;
use events::map::{ConsumerSpec, Topic, TopicKind, TopicMap};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// What to do with topics.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The topics of this version: who writes them, who reads them, how long they live
    Show {
        /// One topic, with everything about it
        name: Option<String>,
        /// Topics of dead letters too
        #[arg(long)]
        dead: bool,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// The same with all schemas, as AsyncAPI 3.0 in JSON
    Asyncapi,
    #[command(flatten)]
    Cluster(cluster::Command),
}

pub(super) async fn run(command: Command, common: &Common) -> Result<ExitCode, Failed> {
    let map = TopicMap::embedded();
    match command {
        Command::Show { name, dead, json } => show(map, name, dead, json)?,
        Command::Asyncapi => say_json(&asyncapi::document(map))?,
        Command::Cluster(command) => return cluster::run(command, common).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(map: &TopicMap, name: Option<String>, dead: bool, json: bool) -> Result<(), Failed> {
    if let Some(name) = name {
        let topic = map.topic(&name).ok_or_else(|| no_topic(map, &name))?;
        return if json {
            say_json(&as_json(map, topic))
        } else {
            one(map, topic)
        };
    }
    let shown: Vec<&Topic> = map
        .topics()
        .filter(|topic| dead || topic.kind != TopicKind::Dead)
        .collect();
    if json {
        return say_json(
            &shown
                .into_iter()
                .map(|topic| as_json(map, topic))
                .collect::<Vec<_>>(),
        );
    }
    let row = |topic: &&Topic| {
        let readers: Vec<&str> = topic
            .consumers
            .iter()
            .map(|consumer| consumer.name.as_str())
            .collect();
        vec![
            topic.name.clone(),
            word(&topic.kind),
            topic.key.clone(),
            topic.partitions.to_string(),
            lasting(topic.retention),
            topic.producers.join(" "),
            readers.join(" "),
        ]
    };
    say_table(
        &[
            "topic",
            "kind",
            "key",
            "parts",
            "kept",
            "written by",
            "read by",
        ],
        shown.iter().map(row).collect(),
    )
}

fn no_topic(map: &TopicMap, name: &str) -> Failed {
    let like = closest(name, map.topics().map(|topic| topic.name.clone()).collect());
    let meant = like.map_or_else(String::new, |like| format!(" (did you mean {like}?)"));
    Failed::Usage(format!(
        "there is no topic {name}{meant}; `troupe topics show` prints all there are"
    ))
}

fn one(map: &TopicMap, topic: &Topic) -> Result<(), Failed> {
    say(&topic.name)?;
    say(format_args!("  {}", topic.meaning))?;
    say(format_args!("  kind        {}", word(&topic.kind)))?;
    say(format_args!("  key         <tenant>/<{}>", topic.key))?;
    say(format_args!("  partitions  {}", topic.partitions))?;
    say(format_args!("  kept        {}", lasting(topic.retention)))?;
    say(format_args!("  written by  {}", topic.producers.join(", ")))?;
    if let Some(replies) = topic.replies {
        say(format_args!("  replies     {}", word(&replies)))?;
    }
    if let Some(tenants) = &topic.tenants {
        say(format_args!(
            "  tenants     {}",
            String::from(tenants.clone())
        ))?;
    }
    if !topic.readers.is_empty() {
        say(format_args!("  for         {}", topic.readers.join(", ")))?;
    }
    say("  records")?;
    for record in &topic.schemas {
        say(format_args!("    {record}"))?;
    }
    if !topic.consumers.is_empty() {
        say("  read by")?;
    }
    for consumer in &topic.consumers {
        let ConsumerSpec {
            name,
            kind,
            ordered,
            limit,
            attempts,
            ..
        } = consumer;
        let order = if *ordered { "ordered" } else { "not ordered" };
        say(format_args!(
            "    {name}: {}, {order}, {limit} at once, {attempts} attempts",
            word(kind)
        ))?;
        let emits = map.emits_of(name);
        if !emits.is_empty() {
            say(format_args!("      writes {}", emits.join(", ")))?;
        }
    }
    Ok(())
}

fn as_json(map: &TopicMap, topic: &Topic) -> Value {
    let consumer = |consumer: &ConsumerSpec| {
        json!({
            "name": consumer.name,
            "kind": consumer.kind,
            "ordered": consumer.ordered,
            "limit": consumer.limit,
            "attempts": consumer.attempts,
            "from": consumer.from,
            "writes": map.emits_of(&consumer.name),
            "dead_letters": TopicMap::dead_topic(&consumer.name),
            "dead_letters_kept_s": consumer.dead_retention.as_secs(),
        })
    };
    json!({
        "name": topic.name,
        "kind": topic.kind,
        "meaning": topic.meaning,
        "key": topic.key,
        "partitions": topic.partitions,
        "kept_s": topic.retention.as_secs(),
        "records": topic.schemas,
        "written_by": topic.producers,
        "replies": topic.replies,
        "compatibility": topic.compatibility,
        "tenants": topic.tenants,
        "writers": topic.writers,
        "readers": topic.readers,
        "consumers": topic.consumers.iter().map(consumer).collect::<Vec<_>>(),
    })
}

fn lasting(time: Duration) -> String {
    duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// As it stands in topics.yaml.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => short(&other.to_string()).to_owned(),
        Err(_) => String::new(),
    }
}
