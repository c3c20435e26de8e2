//! The program `copy-stage`, driven on a real broker as others drive it (TROUPE_TEST_KAFKA: tests/services/up).
use bench::kafka::load::{Load, PARTITIONS};
use bench::kafka::{Servers, Topics, fresh};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What does not happen within this never will.
const PATIENCE: Duration = Duration::from_secs(60);

const LOAD: Load = Load {
    messages: 3_000,
    keys: 100,
    bytes: 512,
};

fn servers() -> Servers {
    Servers::named().expect("TROUPE_TEST_KAFKA is set: eval \"$(tests/services/up)\"")
}

struct Driven {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Driven {
    fn start(servers: &Servers, more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_copy-stage"))
            .args(["--bootstrap", &servers.kafka])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (told, lines) = channel();
        let out = process.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = told.send(line);
            }
        });
        let stdin = process.stdin.take();
        let driven = Self {
            process,
            stdin,
            lines,
        };
        assert_eq!(driven.said(), "READY");
        driven
    }
    fn said(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("it says something")
    }
    fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").expect("it listens");
    }
    /// Microseconds since 1970 after a word.
    fn said_at(&self, what: &str) -> u64 {
        let said = self.said();
        let at = said.strip_prefix(what).map(str::trim);
        at.and_then(|at| at.parse().ok())
            .unwrap_or_else(|| panic!("{said:?} is no {what}"))
    }
    fn ends(mut self) {
        drop(self.stdin.take());
        assert!(self.process.wait().expect("it ends").success());
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Checks an output as often as it takes.
fn arrives(servers: &Servers, topic: &str) {
    let until = Instant::now() + PATIENCE;
    while let Err(e) = LOAD.check(servers, topic) {
        let e = e.to_string();
        assert!(e.contains("are lost") && Instant::now() < until, "{e}");
    }
}

async fn topics(servers: &Servers, names: &[&String]) -> Topics {
    let wanted: Vec<(&str, i32)> = names.iter().map(|n| (n.as_str(), PARTITIONS)).collect();
    Topics::make(servers, &wanted).await.expect("made")
}

#[tokio::test]
async fn it_copies_pass_after_pass_exactly_once_and_in_order() {
    let (servers, run) = (servers(), fresh());
    let names = ["in", "out1", "out2"].map(|name| format!("{run}.{name}"));
    let [input, first, second] = &names;
    let _topics = topics(&servers, &[input, first, second]).await;
    LOAD.fill(&servers, input).expect("filled");
    LOAD.check(&servers, input)
        .expect("in order, to begin with");
    let mut stage = Driven::start(&servers, &["--limit", "16"]);
    for output in [first, second] {
        let n = LOAD.messages;
        stage.tell(&format!("PASS {input} {output} {output} {n}"));
        assert!(
            stage.said_at("FIRST") > 1_700_000_000_000_000,
            "in microseconds"
        );
        arrives(&servers, output);
        stage.tell("STOP");
        assert_eq!(stage.said(), "STOPPED");
        LOAD.check(&servers, output).expect("nothing more came");
    }
    stage.ends();
}

#[tokio::test]
async fn records_that_take_a_while_run_at_once_and_the_last_is_told_of() {
    let (servers, run) = (servers(), fresh());
    let names = ["in", "out"].map(|name| format!("{run}.{name}"));
    let [input, output] = &names;
    let _topics = topics(&servers, &[input, output]).await;
    LOAD.fill(&servers, input).expect("filled");
    let mut stage = Driven::start(&servers, &["--limit", "100", "--sleep-ms", "10"]);
    stage.tell(&format!("PASS {input} {output} {output} {}", LOAD.messages));
    let took = {
        let first = stage.said_at("FIRST");
        stage.said_at("LAST") - first
    };
    // 3,000 of 10 ms over 100 keys: one after the other they would take 30 s.
    assert!((300_000..10_000_000).contains(&took), "{took} µs");
    stage.tell("STOP");
    assert_eq!(stage.said(), "STOPPED");
    LOAD.check(&servers, output).expect("all was committed");
    stage.ends();
}

#[tokio::test]
async fn it_answers_where_each_record_says() {
    let (servers, run) = (servers(), fresh());
    let names = ["in", "out", "replies"].map(|name| format!("{run}.{name}"));
    let [input, output, replies] = &names;
    let _topics = topics(&servers, &[input, output, replies]).await;
    let mut stage = Driven::start(&servers, &["--reply"]);
    stage.tell(&format!("PASS {input} {output} {run} 3"));
    let producer: ThreadedProducer<DefaultProducerContext> =
        servers.client().create().expect("a producer");
    let ask = |n: u8, to: &str, partition: Option<i32>| {
        let header = |key, value| Header { key, value };
        let id = [n, 0xff];
        let mut headers = OwnedHeaders::new()
            .insert(header("kafka_replyTopic", Some(to.as_bytes())))
            .insert(header("kafka_correlationId", Some(&id[..])));
        if let Some(partition) = partition {
            let bytes = partition.to_be_bytes();
            headers = headers.insert(header("kafka_replyPartition", Some(&bytes[..])));
        }
        let record: BaseRecord<'_, str, [u8]> = BaseRecord::to(input).payload(&id);
        let record = record.headers(headers).key("k").partition(0);
        producer.send(record).map_err(|(e, _)| e).expect("queued");
    };
    ask(1, replies, Some(3));
    // Nobody is there: it is answered to nobody, and holds nothing up.
    ask(2, "no-such-topic", None);
    ask(3, replies, None);
    producer.flush(PATIENCE).expect("sent");
    let reader: BaseConsumer = servers
        .client()
        .set("group.id", format!("{run}.reader"))
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .expect("a reader");
    reader.subscribe(&[replies]).expect("subscribed");
    let mut answers = BTreeMap::new();
    let until = Instant::now() + PATIENCE;
    while answers.len() < 2 && Instant::now() < until {
        let Some(Ok(message)) = reader.poll(Duration::from_millis(100)) else {
            continue;
        };
        let headers = message.headers().expect("has headers");
        assert_eq!(headers.count(), 1);
        let id = headers.get(0).value.expect("has a value").to_vec();
        assert_eq!(headers.get(0).key, "kafka_correlationId");
        assert_eq!(message.payload(), Some(&id[..]));
        answers.insert(id[0], message.partition());
    }
    let by_key = events::id::partition_of(b"k", PARTITIONS);
    assert_eq!(answers, BTreeMap::from([(1, 3), (3, by_key)]));
    stage.tell("STOP");
    assert_eq!(stage.said_at("FIRST") / 1_000_000_000_000_000, 1);
    assert_eq!(stage.said(), "STOPPED");
    stage.ends();
}
