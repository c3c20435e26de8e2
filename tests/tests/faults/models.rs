//! Model endpoints that time out, fail, and answer nonsense.
use super::caller::{Reply, send};
use super::world::World;
use super::{note, until};
use app::Config;
use app::config::Endpoint;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What an endpoint does with a request.
#[derive(Clone, Copy, Debug)]
enum Act {
    Answer,
    /// The same, after some time.
    Slowly,
    Silent,
    Status(u16),
    Page,
    BrokenEvents,
    BreaksOff,
}

/// An endpoint on this machine; it stops when dropped.
struct Provider {
    url: String,
    act: Arc<Mutex<Act>>,
    asked: Arc<Mutex<Asked>>,
    serving: JoinHandle<()>,
}
/// What it was asked.
#[derive(Default)]
struct Asked {
    now: usize,
    ended: usize,
    /// With each request: how many were under way, itself included, and how many had ended.
    all: Vec<(usize, usize)>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    async fn that(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let act = Arc::new(Mutex::new(act));
        let (acts, asked) = (act.clone(), Arc::<Mutex<Asked>>::default());
        let counted = asked.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let act = *acts.lock().unwrap_or_else(PoisonError::into_inner);
                tokio::spawn(serve(stream, act, counted.clone()));
            }
        });
        Self {
            url,
            act,
            asked,
            serving,
        }
    }
    fn now(&self, act: Act) {
        *self.act.lock().unwrap_or_else(PoisonError::into_inner) = act;
    }
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn endpoint(&self, name: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            url: self.url.clone(),
            model: format!("{name}-1"),
            key_env: None,
            first_s: 1,
            timeout_s: 2,
            dimensions: None,
        }
    }
}

async fn serve(mut stream: TcpStream, act: Act, counted: Arc<Mutex<Asked>>) {
    let mut request = vec![];
    // The request ends with the JSON object that it carries; what it says does not matter.
    while !request.ends_with(b"}") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let asked = || counted.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut asked = asked();
        asked.now += 1;
        let so_far = (asked.now, asked.ended);
        asked.all.push(so_far);
    }
    if matches!(act, Act::Slowly) {
        tokio::time::sleep(SLOWLY).await;
    }
    if !matches!(act, Act::Silent) {
        let mut asked = asked();
        (asked.now, asked.ended) = (asked.now - 1, asked.ended + 1);
    }
    let events = "content-type: text/event-stream";
    let word = json!({"model": "written", "choices": [{"index": 0, "delta": {"content": "Somebody writes it down [1]."}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 4}});
    let (status, kind, body) = match act {
        Act::Silent => return std::future::pending().await,
        Act::Answer | Act::Slowly => (
            200,
            events,
            format!("data: {word}\n\ndata: {end}\n\ndata: [DONE]\n\n"),
        ),
        Act::Status(status) => (
            status,
            "content-type: application/json",
            r#"{"error": "it is what it is"}"#.into(),
        ),
        Act::Page => (
            200,
            "content-type: text/html",
            "<html>Please sign in</html>".into(),
        ),
        Act::BrokenEvents => (200, events, "data: {\"choices\": 7}\n\n".into()),
        Act::BreaksOff => (200, events, format!("data: {word}\n\n")),
    };
    let answer = format!("HTTP/1.1 {status} Said\r\n{kind}\r\nconnection: close\r\n\r\n{body}");
    // Who asked may have gone.
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}

/// What an answer takes that takes its time.
const SLOWLY: Duration = Duration::from_millis(50);

const QUESTION: &str = "Who writes down when the lamp is cleaned?";

async fn world(configure: impl FnOnce(&mut Config)) -> World {
    let world = World::with_chatbot(configure).await;
    world
        .acme()
        .upload("bot", "note.md", note(1, 1, 2, 0))
        .await
        .expect(201);
    world
}
/// What `/health/ready` says of an endpoint: status of the whole, and why the endpoint is degraded.
async fn health(world: &World, endpoint: &str) -> (u16, String, Option<String>) {
    let reply = send(world.acme().request(Method::GET, "/health/ready")).await;
    let checks = reply.body["checks"].as_array().expect("checks");
    let name = format!("model/{endpoint}");
    let check = checks.iter().find(|check| check["name"] == name.as_str());
    let why = check.map(|check| {
        assert_eq!(check["status"], "degraded");
        check["reason"].as_str().expect("a reason").to_owned()
    });
    (reply.status, reply.text("status").to_owned(), why)
}
fn check_answered(reply: &Reply, provider: &str) {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["known"], true, "{}", reply.body);
    assert_eq!(reply.body["provider"], provider, "{}", reply.body);
    assert!(!reply.text("answer").is_empty());
    assert_eq!(
        reply.body["citations"][0]["name"], "note.md",
        "{}",
        reply.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_is_answered_whatever_the_preferred_endpoint_does() {
    let cases = [
        (Act::Silent, "nothing came within 1000 ms"),
        (Act::Status(500), "status 500"),
        (Act::Page, "text/html"),
        (Act::BrokenEvents, "not what was agreed"),
        (Act::BreaksOff, "broke off"),
    ];
    join_all(cases.map(|(act, why)| async move {
        let house = Provider::that(act).await;
        let world = world(|config| config.models.chat = vec![house.endpoint("house")]).await;
        let acme = world.acme();
        for reply in join_all((0..3).map(|_| acme.ask("bot", QUESTION))).await {
            check_answered(&reply, "offline");
        }
        let (status, whole, said) = health(&world, "house").await;
        assert_eq!(
            (status, whole.as_str()),
            (200, "degraded"),
            "{act:?}: requests can be served"
        );
        let said = said.unwrap_or_else(|| panic!("{act:?}: the breaker is open"));
        assert!(said.contains(why), "{act:?}: {said}");
        assert_eq!(world.failures(), (0, 0), "{act:?}");

        // It is asked again when it may have recovered, and then it answers.
        house.now(Act::Answer);
        until("the endpoint answers again", || async {
            let reply = acme.ask("bot", QUESTION).await;
            (reply.body["provider"] == "house").then(|| check_answered(&reply, "house"))
        })
        .await;
        assert_eq!(health(&world, "house").await.2, None);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_endpoint_answers_and_is_named() {
    let (house, spare) = (
        Provider::that(Act::Status(503)).await,
        Provider::that(Act::Answer).await,
    );
    let world = world(|config| {
        config.models.chat = vec![house.endpoint("house"), spare.endpoint("spare")];
        config.models.offline_fallback = false;
    })
    .await;
    let reply = world.acme().ask("bot", QUESTION).await;
    check_answered(&reply, "spare");
    assert_eq!(
        (reply.text("answer"), &reply.body["model"]),
        ("Somebody writes it down [1].", &json!("written"))
    );
    assert_eq!(reply.body["usage"]["completion_tokens"], 4);
}

/// What never gets better fails at once, with a code. An endpoint that is down is waited for, at most the two minutes of
/// `conversations.silence`, which that worker's own tests have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_fallback_it_fails_with_a_code_or_waits_for_the_endpoint() {
    for (act, code) in [
        (Act::Status(401), "answers.model_refused"),
        (Act::Page, "runtime.attempts_exhausted"),
    ] {
        let house = Provider::that(act).await;
        let world = world(|config| {
            config.models.chat = vec![house.endpoint("house")];
            config.models.offline_fallback = false;
        })
        .await;
        let acme = world.acme();
        let reply = acme.ask("bot", QUESTION).await;
        assert_eq!(reply.problem(), (500, code), "{}", reply.body);
        assert!(
            reply.text("detail").contains("model/house"),
            "{}",
            reply.body
        );
        let letters = world.dead_letters().await;
        assert_eq!(
            letters
                .iter()
                .map(|letter| letter.code.as_str())
                .collect::<Vec<_>>(),
            [code]
        );
        house.now(Act::Answer);
        until("the next question is answered", || async {
            let reply = acme.ask("bot", QUESTION).await;
            (reply.status == 200).then(|| check_answered(&reply, "house"))
        })
        .await;
    }

    let house = Provider::that(Act::Status(500)).await;
    let world = world(|config| {
        config.models.chat = vec![house.endpoint("house")];
        config.models.offline_fallback = false;
    })
    .await;
    let acme = world.acme();
    let path = "/v1/chatbots/bot/questions";
    let request = acme
        .request(Method::POST, path)
        .json(&json!({"text": QUESTION}));
    let waiting = send(request.header("prefer", "wait=1")).await.expect(202);
    let operation = format!("/v1/operations/{}", waiting.text("id"));
    assert_eq!(waiting.text("status"), "running");
    let said = until("the breaker opens", || async {
        health(&world, "house").await.2
    })
    .await;
    assert!(said.contains("status 500"), "{said}");
    let figures = world.figures(events::topic::consumer::ANSWERS_EFFECTS);
    assert_eq!(
        (figures.retried, figures.dead_lettered),
        (0, 0),
        "waiting burns no attempt"
    );
    house.now(Act::Answer);
    let done = until("the question is answered after all", || async {
        let reply = acme.get(&operation).await;
        (reply.text("status") == "done").then_some(reply)
    })
    .await;
    assert_eq!(done.body["result"]["provider"], "house", "{}", done.body);
    assert!(world.dead_letters().await.is_empty());
}

/// D2: who needs what is down waits, all others go on; and when it is back, it is not asked everything at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_pauses_who_needs_it_and_what_waits_is_let_in_little_by_little() {
    const QUESTIONS: usize = 60;
    let house = Provider::that(Act::Status(500)).await;
    let world = world(|config| {
        config.models.chat = vec![house.endpoint("house")];
        config.models.offline_fallback = false;
    })
    .await;
    let acme = world.acme();
    let asking = (0..QUESTIONS).map(|_| async {
        let path = "/v1/chatbots/bot/questions";
        let request = acme.request(Method::POST, path);
        let request = request.header("prefer", "respond-async");
        let running = send(request.json(&json!({"text": QUESTION}))).await;
        format!("/v1/operations/{}", running.expect(202).text("id"))
    });
    let operations = join_all(asking).await;
    let waiting = || world.figures(events::topic::consumer::ANSWERS_EFFECTS);
    until("all of them wait", || async {
        (waiting().waiting == QUESTIONS as u64).then_some(())
    })
    .await;
    let said = until("it is said who waits", || async {
        let why = health(&world, "house").await.2?;
        why.contains("answers.effects wait for it").then_some(why)
    })
    .await;
    assert!(said.contains("status 500"), "{said}");
    let metrics = acme.request(Method::GET, "/metrics").send().await;
    let metrics = metrics.expect("answered").text().await.expect("text");
    for line in [
        "troupe_outage{dependency=\"model/house\",why=\"status 500",
        "troupe_paused{consumer=\"answers.effects\",dependency=\"model/house\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in: {metrics}");
    }
    // The others go on.
    let upload = acme.upload("bot", "while.md", note(2, 1, 2, 0)).await;
    upload.expect(201);
    let asked = house.asked().all.len();
    assert!(asked < QUESTIONS, "{asked}: only probes are sent");
    let figures = waiting();
    assert_eq!(
        (figures.retried, figures.dead_lettered, figures.parked),
        (0, 0, 0)
    );

    *house.asked() = Asked::default();
    house.now(Act::Slowly);
    for operation in &operations {
        until("all are answered after all", || async {
            let reply = acme.get(operation).await;
            (reply.text("status") == "done").then_some(())
        })
        .await;
    }
    let all = std::mem::take(&mut house.asked().all);
    let gradual = |(now, ended): &(usize, usize)| *now <= ended + 1;
    assert!(all.iter().all(gradual), "all at once: {all:?}");
    let most = all.iter().map(|(now, _)| *now).max();
    assert!(most > Some(4), "it is asked more and more: {all:?}");
    assert!(world.dead_letters().await.is_empty());
}
