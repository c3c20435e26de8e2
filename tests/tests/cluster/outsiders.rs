//! Systems that are not ours, on the whole of Troupe on servers: an upstream system in Python, Spring Kafka's
//! `ReplyingKafkaTemplate`, and the program of docs/guides/connect-a-system.md.
use super::house::House;
use super::servers::shared;
use cluster::KafkaLog;
use cluster::log::Options;
use cluster::settings::Kafka;
use events::map::TopicMap;
use events::topic;
use runtime::ports::log::{Log, Message};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Whose key `troupe up --dev` makes.
const TENANT: &str = "demo";
/// Whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is to be known.
const HOURS: &str = "# Opening hours\n\nThe observatory opens at 20:00 and closes at 23:30, from April to October.\n";

/// A client of tests/services/clients; it is given the servers by the environment.
fn start(client: &str, arguments: &[&str]) -> Child {
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/services/clients");
    let mut command = Command::new(format!("{clients}/{client}"));
    command.args(arguments).env("TENANT", TENANT);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().expect("it starts")
}
/// What it says, as JSON.
async fn said(child: Child) -> Value {
    let ended = child.wait_with_output().await.expect("it ends");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let stdout = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}\n{stderr}"))
}
async fn client(client: &str, arguments: &[&str]) -> Value {
    said(start(client, arguments)).await
}

/// All that stands on a topic about a document of the tenant.
async fn about(house: &House, topic: &str, document: &str) -> Vec<Message> {
    let options = Options::new(Kafka::plaintext(&house.kafka), "outsiders");
    let log = KafkaLog::open(options).await.expect("the broker answers");
    let key = format!("{TENANT}/{document}").into_bytes();
    let partitions = TopicMap::embedded().topic(topic).map(|t| t.partitions);
    let mut all = vec![];
    for partition in 0..partitions.expect("on the map") {
        let end = log.end(topic, partition).await.expect("the end");
        let mut from = 0;
        while from < end {
            let read = log.read(topic, partition, from, 500).await.expect("reads");
            let Some(last) = read.last() else { break };
            from = last.at.offset + 1;
            all.extend(read.into_iter().filter(|message| message.key == key));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systems_that_are_not_ours_publish_ask_and_are_answered() {
    let _alone = super::ALONE.lock().await;
    let mut house = House::build().await;
    let run = std::process::id();
    let bot = format!("outside-{run}");
    house.create(&bot).await;
    what_python_publishes_can_be_found_once_however_often_it_says_so(&house, &bot).await;
    the_guide_does_what_it_says(&house, &bot).await;
    spring_asks_and_gets_its_reply(&mut house, &bot).await;
    a_copy_is_done_once_and_told_the_same(&house, &bot).await;
    what_may_not_pass_is_refused_with_the_reason(&bot).await;
    what_the_plan_allows_is_enough_and_no_more(&house, &bot).await;
    house.stop().await;
    super::outside::nothing_is_said_twice(&house).await;
}

async fn what_python_publishes_can_be_found_once_however_often_it_says_so(
    house: &House,
    bot: &str,
) {
    let (document, blob) = (format!("{bot}-hours"), house.put(HOURS).await);
    let (first, second) = (format!("{bot}-u1"), format!("{bot}-u2"));
    let size = blob["size"].to_string();
    let (id, sha256) = (blob["id"].as_str(), blob["sha256"].as_str());
    let asked = [
        "--tenant",
        TENANT,
        "--chatbot",
        bot,
        "--document",
        &document,
        "--name",
        "hours.md",
        "--blob",
        id.expect("a blob"),
        "--size",
        &size,
        "--sha256",
        sha256.expect("its hash"),
    ];
    let publish = async |more: &[&str]| client("upstream", &[&asked[..], more].concat()).await;
    let told = publish(&["--id", &first, "--times", "2"]).await;
    let ready = &told["came"]["record"];
    assert_eq!(told["came"]["type"], "troupe.knowledge.EmbeddingReady");
    assert!(ready["expected"].as_i64() > Some(0), "{told:#}");
    for counted in ["embedded", "stored", "retrievable"] {
        assert_eq!(ready[counted], ready["expected"], "{told:#}");
    }
    // Once more, an hour later as far as anybody knows; then a new upload, which is behind it under the same key.
    publish(&["--id", &first, "--no-wait"]).await;
    let again = publish(&["--id", &second]).await;
    assert_ne!(again["came"]["record"]["revision"], ready["revision"]);
    let inbox = about(house, topic::INBOX_DOCUMENT_UPLOADED, &document).await;
    assert_eq!(inbox.len(), 4);
    let found = about(house, topic::EMBEDDING_READY, &document).await;
    assert_eq!(found.len(), 2, "one for each upload, none for its copies");
}

async fn the_guide_does_what_it_says(house: &House, bot: &str) {
    let blob = house.put(HOURS).await.to_string();
    let document = format!("{bot}-guide");
    let ready = client("guide", &["upload", bot, &document, &blob]).await;
    assert_eq!(ready["document"], json!(document));
    assert_eq!(ready["retrievable"], ready["expected"], "{ready}");
    // Who answers hears of a new chatbot a little later than who creates it.
    let answers = async {
        while house.asked(bot, "Do you answer?").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let answers = tokio::time::timeout(PATIENCE, answers).await;
    answers.expect("it answers in time");
    let answer = client("guide", &["ask", bot, "When does the observatory open?"]).await;
    assert_eq!(answer["known"], true, "{answer}");
    let text = answer["text"].as_str().expect("a text");
    assert!(text.contains("20:00"), "it is clear: {answer}");
}

/// A command on the inbox of a context.
fn ask(context: &str, record: &str, fields: &str, id: &str) -> Vec<String> {
    let inbox = format!("inbox.{context}.commands");
    let subject = format!("{inbox}-troupe.{context}.{record}");
    let told = [
        ("--inbox", inbox.as_str()),
        ("--subject", &subject),
        ("--record", fields),
        ("--tenant", TENANT),
        ("--id", id),
    ];
    told.iter()
        .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
        .collect()
}
async fn spring(arguments: &[String]) -> Value {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut told = client("spring", &arguments).await;
    assert_eq!(told["missing"], 0, "{told:#}");
    told["answers"].take()
}

async fn spring_asks_and_gets_its_reply(house: &mut House, bot: &str) {
    let (document, blob) = (format!("{bot}-spring"), house.put(HOURS).await);
    let fields = json!({ "document": document, "chatbot": bot, "name": "hours.md", "media_type": "text/markdown", "blob": blob });
    let mut add = ask("documents", "AddDocument", &fields.to_string(), &document);
    add.extend(["--reply-partition", "2", "--timeout", "60"].map(str::to_owned));
    // Nobody is there to hear it at first.
    house.kill("documents").await;
    let add: Vec<&str> = add.iter().map(String::as_str).collect();
    let asking = start("spring", &add);
    house.start("documents").await;
    let told = said(asking).await;
    let reply = &told["answers"][0]["reply"];
    assert_eq!(reply["type"], "troupe.documents.DocumentReady", "{told:#}");
    assert_eq!(reply["topic"], "replies.upstream");
    assert_eq!(reply["partition"], 2);
    assert_eq!(reply["headers"]["reply-status"], "done");
    let correlation = reply["headers"]["kafka_correlationId"].as_str();
    assert_eq!(correlation.map(str::len), Some(32), "16 bytes: {told:#}");
    assert_eq!(reply["record"]["document"], json!(document));

    let conversation = format!("{bot}-talk");
    let fields = json!({
        "question": format!("{bot}-q"), "conversation": conversation, "chatbot": bot, "visitor": "v1",
        "text": "When does the observatory close?",
    });
    let fields = fields.to_string();
    let asked = ask("conversations", "AskQuestion", &fields, &conversation);
    let told = spring(&asked).await;
    let reply = &told[0]["reply"];
    assert_eq!(reply["type"], "troupe.conversations.Answered", "{told:#}");
    let text = reply["record"]["text"].as_str().expect("a text");
    assert!(text.contains("23:30"), "it is clear: {told:#}");
}

/// The copy of a command waits some seconds for the answer to the first, until a view knows where that stands; if this
/// machine is too busy for that, it is sent again, as whoever hears nothing does.
async fn copied(arguments: &[String]) -> Value {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let copying = async {
        loop {
            let ended = start("spring", &arguments).wait_with_output().await;
            let mut told: Value =
                serde_json::from_slice(&ended.expect("it ends").stdout).expect("JSON");
            if told["missing"] == 0 {
                return told["answers"].take();
            }
        }
    };
    let copied = tokio::time::timeout(PATIENCE, copying).await;
    copied.expect("it is told in time")
}

async fn a_copy_is_done_once_and_told_the_same(house: &House, bot: &str) {
    let document = format!("{bot}-spring");
    let fields = json!({ "document": document, "chatbot": bot }).to_string();
    let mut delete = ask("documents", "DeleteDocument", &fields, &document);
    let id = format!("{bot}-d1");
    delete.extend(["--event-id", &id].map(str::to_owned));
    let first = spring(&delete).await;
    delete.extend(["--timeout", "8"].map(str::to_owned));
    let copy = copied(&delete).await;
    for told in [&first, &copy] {
        assert_eq!(told[0]["reply"]["type"], "troupe.reply.Ok", "{told:#}");
        assert_eq!(told[0]["reply"]["record"]["id"], json!(document));
    }
    let correlation = |told: &Value| told[0]["reply"]["headers"]["kafka_correlationId"].clone();
    assert_ne!(correlation(&first), correlation(&copy));
    let deleted = about(house, topic::DOCUMENT_DELETED, &document).await;
    assert_eq!(deleted.len(), 1);
}

async fn refused(arguments: &[String], code: &str) {
    let told = spring(arguments).await;
    let reply = &told[0]["reply"];
    assert_eq!(reply["type"], "troupe.reply.Refused", "{told:#}");
    assert_eq!(reply["headers"]["reply-status"], "refused");
    assert_eq!(reply["record"]["code"], code, "{told:#}");
    assert_ne!(reply["record"]["message"], "");
}

async fn what_may_not_pass_is_refused_with_the_reason(bot: &str) {
    let document = format!("{bot}-hours");
    let fields = json!({ "document": document, "chatbot": bot }).to_string();
    let elsewhere = ask("documents", "DeleteDocument", &fields, "another");
    refused(&elsewhere, "runtime.invalid_key").await;
    // Of its fields the border may judge some, of what may happen the document all.
    let fields = json!({ "document": document, "chatbot": "Not An Id" }).to_string();
    let invalid = ask("documents", "DeleteDocument", &fields, &document);
    refused(&invalid, "runtime.invalid_command").await;
    let fields = json!({ "document": document, "chatbot": "another" }).to_string();
    let not_its = ask("documents", "DeleteDocument", &fields, &document);
    refused(&not_its, "documents.other_chatbot").await;
    let mut raw = ask("documents", "DeleteDocument", &fields, &document);
    raw.extend(["--raw", "true"].map(str::to_owned));
    refused(&raw, "runtime.unknown_schema").await;
}

/// Over TLS and SASL, as somebody to whom nothing is allowed but what `troupe topics plan` prints.
async fn what_the_plan_allows_is_enough_and_no_more(house: &House, bot: &str) {
    let mut allow = start("allow", &[]);
    let mut stdin = allow.stdin.take().expect("piped");
    let plan = house.planned().await;
    stdin.write_all(plan.as_bytes()).await.expect("written");
    drop(stdin);
    let given = said(allow).await;
    assert!(given["given"].as_i64() > Some(4), "{given}\n{plan}");

    let (address, authority) = (
        shared("TROUPE_TEST_KAFKA_SECURE"),
        shared("TROUPE_TEST_KAFKA_CA"),
    );
    let secure = [
        "--bootstrap",
        &address,
        "--ca",
        &authority,
        "--user",
        "upstream",
    ];
    let secure = secure.map(str::to_owned);
    let document = format!("{bot}-hours");
    let fields = json!({ "document": document, "chatbot": "another" }).to_string();
    let mut delete = ask("documents", "DeleteDocument", &fields, &document);
    delete.extend(secure);
    refused(&delete, "documents.other_chatbot").await;
    // Neither the input behind the border, nor the answers to the edges.
    for instead in [["--inbox", "documents.document"], ["--replies", "replies"]] {
        let mut delete = delete.clone();
        delete.extend(instead.map(str::to_owned));
        let delete: Vec<&str> = delete.iter().map(String::as_str).collect();
        let ended = start("spring", &delete).wait_with_output().await;
        let ended = ended.expect("it ends");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success(), "{instead:?}");
        assert!(stderr.contains("TopicAuthorizationException"), "{stderr}");
    }
}
