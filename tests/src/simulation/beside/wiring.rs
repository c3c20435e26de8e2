//! Consumers that are put together wrongly (E1, O4).
use super::super::business::{self, Ask, DOCUMENT, Document, MAP};
use super::super::doubles::OneEntity;
use super::super::load::{self, Load};
use super::super::outside::Outside;
use super::super::seen::seen;
use super::super::trials::document;
use super::unless;
use events::ReplyStatus;
use events::map::TopicMap;
use runtime::Consumer;
use runtime::engine::{self, Options, Running};
use runtime::testkit::sim::{Side, Sim, SimOptions, SimTopic};
use std::sync::Arc;
use std::time::Duration;

/// The second input of documents, where there is one.
const SECOND: &str = "documents.second";
const SECOND_INPUT: &str = "
  - name: documents.second
    kind: input
    meaning: What is asked of a document, too.
    key: document
    schemas: [troupe.documents.DeleteDocument]
    producers: [edge]
    consumers:
      - { name: documents.second, kind: entity, ordered: true }
";

/// E1: a process is killed when it has saved what the first command did and not yet said so. The second command comes
/// by the other input, if there is one, and is done before the first one comes again.
pub(super) async fn killed_between_two_inputs(broken: bool) -> Vec<String> {
    let sim = Sim::new(0, SimOptions::calm());
    Load::topics(&sim);
    for name in [SECOND.to_owned(), TopicMap::dead_topic(SECOND)] {
        sim.topic(SimTopic::new(&name, 3));
    }
    // It may say what documents say.
    let first = "producers: [documents.document]";
    let map = MAP.replace(first, "producers: [documents.document, documents.second]");
    let map = TopicMap::parse(&format!("{map}{SECOND_INPUT}")).expect("it keeps the rules");
    let options = Options::new(Arc::new(map));
    let outside = Outside::new(0);
    let start = async |name: &str, only: Option<&str>| -> Running {
        let process = sim.process(name);
        let mut ports = load::ports(&process).await;
        ports.state = Arc::new(OneEntity {
            inner: ports.state,
            second: SECOND,
            first: DOCUMENT,
        });
        let mut consumers = business::consumers(&process, &outside);
        consumers.push(Consumer::entity::<Document>(SECOND));
        consumers.retain(|consumer| only.is_none_or(|only| consumer.name == only));
        engine::start(&ports, consumers, &options).expect("the wiring is right")
    };
    let mut load = Load::new(&sim, 0).await;
    let running = start("a", None).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    sim.crash_at("a", sim.writes("a") + 1, Side::After);
    load.send_routed().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    running.abort();
    let input = if broken { SECOND } else { DOCUMENT };
    load.input = input;
    load.send_deletion().await;
    let running = start("b", Some(input)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    running.abort();
    let running = start("b", None).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.abort();
    let log = document(&sim).log;
    unless(log == ["routed", "cmd-0"], || {
        format!("had effect in the end: {log:?}")
    })
}

/// O4: an attempt fails after its effect, and the next one is the same process's.
pub(super) async fn tried_again_by_the_same_process(broken: bool) -> Vec<String> {
    let sim = Sim::new(0, SimOptions::calm());
    Load::topics(&sim);
    let outside = Outside::new(0);
    outside.set_handlers_remember(broken);
    let mut load = Load::new(&sim, 0).await;
    let process = sim.process("a");
    let ports = load::ports(&process).await;
    let consumers = business::consumers(&process, &outside);
    let options = Options::new(business::map());
    let running = engine::start(&ports, consumers, &options).expect("the wiring is right");
    load.send_command(Ask::Flaky(1)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.abort();
    let answers: Vec<_> = seen(&sim, "replies")
        .iter()
        .map(|answer| answer.envelope.reply_status)
        .collect();
    unless(answers == [Some(ReplyStatus::Done)], || {
        format!("it was asked once, and answered {answers:?}")
    })
}
