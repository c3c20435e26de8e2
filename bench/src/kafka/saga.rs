//! A saga of five steps, each asked of one participant and answered by it, on Kafka and MongoDB's protocol: from the command
//! that starts it to the answer that says that all is done. Eleven hops, each with a row saved.
//!
//! Saga and participant are the bench's own; only their words are those of the chatbots.
use super::reply::{Asker, histogram, ms};
use super::{Arrivals, KafkaMachine, Servers};
use crate::machine::Failed;
use crate::table::Table;
use events::chatbots::{
    ActivateChatbot, BuildPrompt, CreateChatbot, DeactivateChatbot, DropPrompt, PauseChatbot,
    RegisterChatbot, RemoveChatbot, ResumeChatbot,
};
use events::{ReplyStatus, consumer, reply};
use runtime::rows::EntityRow;
use runtime::{Arm, Consumer, Decision, Entity, Inbox, Moment, Never, any};
use saga::{Saga, SagaCommand, SagaDefinition, SagaEntity, Versions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The saga's input, the participant's, and where answers go.
const MAP: &str = "
defaults: { partitions: 4, retention: 7d, from: first, limit: 64, attempts: 4, dead_retention: 90d }
topics:
  - name: chatbots.creation
    kind: input
    meaning: What the saga is asked and told.
    key: chatbot
    schemas: [troupe.chatbots.CreateChatbot, troupe.reply.Ok, troupe.system.Woke]
    producers: [edge]
    replies: internal
    consumers:
      - { name: chatbots.creation, kind: saga, ordered: true }
  - name: chatbots.chatbot
    kind: input
    meaning: What the participant is asked.
    key: chatbot
    schemas: [troupe.chatbots.RegisterChatbot]
    producers: [chatbots.creation]
    consumers:
      - { name: chatbots.chatbot, kind: entity, ordered: true }
  - name: replies
    kind: replies
    meaning: What whoever asked is told.
    key: operation
    schemas: [troupe.reply.Ok, troupe.reply.Refused, troupe.reply.Failed]
    producers: []
    replies: clients
    consumers:
      - { name: operations, kind: view, ordered: true }
";

/// Sagas a second.
const RATE: f64 = 4.0;
/// Sagas that are run before the first one counts.
const WARM_UP: usize = 10;
/// Sagas that count.
const SAGAS: usize = 80;

/// The saga.
struct Tour;
impl SagaDefinition for Tour {
    type Start = CreateChatbot;
    type Data = CreateChatbot;
    type Done = reply::Ok;
    fn versions() -> Versions<CreateChatbot, SagaCommand> {
        Versions::of(tour())
    }
    fn data(start: CreateChatbot, _: &Moment) -> CreateChatbot {
        start
    }
    fn done(data: &CreateChatbot) -> reply::Ok {
        let id = data.chatbot.clone();
        reply::Ok { id }
    }
}

fn tour() -> Saga<CreateChatbot, SagaCommand> {
    fn id(of: &CreateChatbot) -> String {
        of.chatbot.clone()
    }
    Saga::named("tour.v1")
        .step("register")
        .send(|c| {
            SagaCommand::of(RegisterChatbot {
                chatbot: id(c),
                name: c.name.clone(),
                settings: c.settings.clone(),
            })
        })
        .undo(|c| SagaCommand::of(RemoveChatbot { chatbot: id(c) }))
        .step("build")
        .send(|c| SagaCommand::of(BuildPrompt { chatbot: id(c) }))
        .undo(|c| SagaCommand::of(DropPrompt { chatbot: id(c) }))
        .step("activate")
        .send(|c| SagaCommand::of(ActivateChatbot { chatbot: id(c) }))
        .undo(|c| SagaCommand::of(DeactivateChatbot { chatbot: id(c) }))
        .step("pause")
        .send(|c| SagaCommand::of(PauseChatbot { chatbot: id(c) }))
        .undo(|c| SagaCommand::of(RemoveChatbot { chatbot: id(c) }))
        .step("resume")
        .send(|c| SagaCommand::of(ResumeChatbot { chatbot: id(c) }))
        .undo(|c| SagaCommand::of(RemoveChatbot { chatbot: id(c) }))
}

/// The participant: how often it was asked what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Participant(BTreeMap<String, u32>);

/// The name of a record.
struct Asked(String);
impl Inbox for Asked {
    fn arms() -> Vec<Arm<Self>> {
        vec![any(|incoming| Ok(Self(incoming.datum.record.to_owned())))]
    }
}

impl Entity for Participant {
    type Message = Asked;
    type Refusal = Never;
    fn decide(&self, Asked(what): Asked, at: &Moment) -> Result<Decision<Self>, Never> {
        let mut next = self.clone();
        *next.0.entry(what).or_default() += 1;
        let id = at.id.to_string();
        Ok(Decision::to(next).reply(reply::Ok { id }))
    }
}

/// The row.
///
/// # Errors
/// If a server does not answer, or a saga ends otherwise than done, each step asked once and nothing undone.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    if servers.mongodb.is_none() {
        return Err("the saga's rows are to be on MongoDB's protocol: name a server".into());
    }
    let (mut p50, mut p99) = (vec![], vec![]);
    for _ in 0..runs {
        let mut machine = KafkaMachine::start(servers, MAP).await?;
        machine.run(vec![
            Consumer::entity::<SagaEntity<Tour>>(consumer::CHATBOTS_CREATION),
            Consumer::entity::<Participant>(consumer::CHATBOTS_CHATBOT),
        ])?;
        let asker = Arc::new(Asker::start(&machine.ports, 0).await?);
        for n in 0..WARM_UP {
            run(&asker, n).await?;
        }
        let mut arrivals = Arrivals::at(RATE);
        let mut tours = vec![];
        for n in 0..SAGAS {
            arrivals.next().await;
            let asker = asker.clone();
            tours.push(tokio::spawn(async move { run(&asker, WARM_UP + n).await }));
        }
        let mut took = histogram()?;
        for tour in tours {
            took.saturating_record(tour.await??);
        }
        each_step_was_asked_once(&machine, &asker).await?;
        p50.push(ms(&took, 0.5));
        p99.push(ms(&took, 0.99));
        drop(asker);
        machine.stop().await?;
    }
    table.at_most("kafka-saga: five steps, p50", &p50, 60.0, "ms");
    table.note("kafka-saga: five steps, p99", &p99, "ms");
    Ok(())
}

/// Microseconds from the command to the answer.
async fn run(asker: &Asker, n: usize) -> Result<u64, Failed> {
    let chatbot = asker.id("tour", n);
    let name = "a name of a chatbot".to_owned();
    let start = CreateChatbot {
        chatbot: chatbot.clone(),
        name,
        ..CreateChatbot::default()
    };
    let begun = Instant::now();
    let answer = asker.ask(&chatbot, &start).await?;
    let took = begun.elapsed();
    if answer.status != Some(ReplyStatus::Done) {
        return Err(format!("{chatbot} was answered {:?}", answer.status).into());
    }
    Ok(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

async fn each_step_was_asked_once(machine: &KafkaMachine, asker: &Asker) -> Result<(), Failed> {
    let ids: Vec<String> = (0..WARM_UP + SAGAS)
        .map(|n| format!("acme/{}", asker.id("tour", n)))
        .collect();
    let state = &machine.ports.state;
    let rows = state.load(consumer::CHATBOTS_CHATBOT, &ids).await?;
    let steps = [
        "RegisterChatbot",
        "BuildPrompt",
        "ActivateChatbot",
        "PauseChatbot",
        "ResumeChatbot",
    ];
    let wanted = steps.map(|step| (format!("troupe.chatbots.{step}"), 1));
    let wanted = Participant(BTreeMap::from(wanted));
    for (id, row) in ids.iter().zip(rows) {
        let row = row.ok_or_else(|| format!("{id} has no row"))?;
        let body: EntityRow = serde_json::from_slice(&row.body)?;
        let state = body.state.ok_or_else(|| format!("{id} has no state"))?;
        let asked: Participant = serde_json::from_str(state.get())?;
        if asked != wanted {
            return Err(format!("{id} was asked {asked:?}").into());
        }
    }
    Ok(())
}
