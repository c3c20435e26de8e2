use super::liar::{Act, Liar, json, response, stream, whole_stream, words};
use crate::{Endpoint, OpenAiChat, ProviderError, Secret};
use answers::draft::Draft;
use answers::ports::{Written, pieces};
use answers::prompt::{Passage, Prompt};
use std::time::Duration;

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"model":"big-2"}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":31,"completion_tokens":9}}"#;

pub fn prompt() -> Prompt {
    let passage = Passage {
        text: "Only red torches.".into(),
        name: "guide".into(),
        ..Passage::default()
    };
    Prompt {
        question: "Which torches?".into(),
        passages: vec![passage],
        ..Prompt::default()
    }
}
/// Time-outs that a hanging server meets soon, and a working one never.
pub fn endpoint(name: &str, base_url: &str) -> Endpoint {
    let key = Some(Secret::from("sk-very-secret"));
    Endpoint {
        api_key: key,
        first_ms: 2_000,
        silence_ms: 2_000,
        total_ms: 10_000,
        ..Endpoint::new(name, base_url, "big")
    }
}
async fn ask(endpoint: Endpoint) -> (Result<Written, ProviderError>, String) {
    let chat = OpenAiChat::new(endpoint).expect("an endpoint");
    let (mut to, mut from) = pieces();
    let written = chat.write(&prompt(), &mut to).await;
    drop(to);
    let mut draft = Draft::default();
    while let Ok(piece) = from.try_recv() {
        draft.take(piece, &prompt().passages);
    }
    (written, draft.finish(&prompt().passages).0)
}
async fn told(act: Act) -> (Result<Written, ProviderError>, String) {
    let liar = Liar::that(vec![act]).await;
    ask(endpoint("liar", &liar.base_url)).await
}
async fn failure(act: Act) -> ProviderError {
    told(act).await.0.expect_err("a failure")
}

#[tokio::test]
async fn an_answer_comes_in_pieces_with_its_marks_and_says_who_wrote_it_and_what_it_used() {
    let events = [
        &words("Only r"),
        &words("ed torches. ["),
        &words("1]"),
        STOP,
        USAGE,
        "[DONE]",
    ];
    let liar = Liar::that(vec![Act::Send(whole_stream(&events))]).await;
    let (written, text) = ask(endpoint("liar", &liar.base_url)).await;
    let written = written.expect("an answer");
    assert_eq!(text, "Only red torches. [1]");
    assert_eq!(
        (written.model.as_str(), written.provider.as_str()),
        ("big-2", "liar")
    );
    assert_eq!(
        (written.usage.prompt_tokens, written.usage.completion_tokens),
        (31, 9)
    );
    let request = &liar.heard()[0];
    assert!(
        request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer sk-very-secret"),
        "{request}"
    );
    assert!(
        request.contains(r#""stream":true"#) && request.contains("Question: Which torches?"),
        "{request}"
    );
}

#[tokio::test]
async fn every_status_is_told_apart() {
    let status = |status, headers| Act::Send(response(status, headers, "said sk-very-secret"));
    let wait = Some(Duration::from_secs(7));
    assert_eq!(
        failure(status("429 Too Many Requests", "retry-after: 7\r\n")).await,
        ProviderError::Busy { wait }
    );
    assert_eq!(
        failure(status("429 Too Many Requests", "")).await,
        ProviderError::Busy { wait: None }
    );
    let far = "retry-after: 99999999\r\n";
    let longest = Some(Duration::from_secs(900));
    assert_eq!(
        failure(status("429 Too Many Requests", far)).await,
        ProviderError::Busy { wait: longest }
    );
    let said = "said …".to_owned(); // the key is not repeated
    let broken = ProviderError::Broken {
        status: 500,
        said: said.clone(),
    };
    assert_eq!(
        failure(status("500 Internal Server Error", "")).await,
        broken
    );
    let refused = ProviderError::Refused {
        status: 401,
        said: said.clone(),
    };
    assert_eq!(failure(status("401 Unauthorized", "")).await, refused);
    let elsewhere = status("302 Found", "location: http://169.254.169.254/\r\n");
    assert_eq!(
        failure(elsewhere).await,
        ProviderError::Refused { status: 302, said }
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_is_truncated_wherever_it_is_cut() {
    let whole = whole_stream(&[&words("Only red "), &words("torches.")]);
    assert!(
        matches!(failure(Act::Send(whole)).await, ProviderError::Truncated(_)),
        "no end was announced"
    );
    let cut = stream(&[&words("Only red ")]);
    let (written, text) = told(Act::Send(cut.clone())).await;
    assert!(
        matches!(written, Err(ProviderError::Truncated(n)) if n > 0),
        "{written:?}"
    );
    assert_eq!(text, "Only red ");
    let half = cut[..cut.len() - 20].to_vec();
    assert!(matches!(
        failure(Act::Send(half)).await,
        ProviderError::Truncated(_)
    ));
}

#[tokio::test]
async fn an_endpoint_that_ends_the_connection_at_once_or_does_not_listen_is_unreachable() {
    assert!(matches!(
        failure(Act::Send(vec![])).await,
        ProviderError::Unreachable(_)
    ));
    let gone = Liar::that(vec![Act::Send(vec![])]).await.base_url.clone();
    let mut nobody = endpoint("nobody", &gone);
    nobody.base_url = "http://127.0.0.1:1".into();
    assert!(matches!(
        ask(nobody).await.0,
        Err(ProviderError::Unreachable(_))
    ));
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up_wherever_it_hangs() {
    let hangs = |bytes| async move {
        let liar = Liar::that(vec![Act::Hang(bytes)]).await;
        let impatient = Endpoint {
            first_ms: 150,
            silence_ms: 100,
            ..endpoint("liar", &liar.base_url)
        };
        ask(impatient).await.0.expect_err("a failure")
    };
    let first = ProviderError::Timeout {
        while_: "for the first word",
        limit: Duration::from_millis(150),
    };
    assert_eq!(hangs(vec![]).await, first);
    assert_eq!(hangs(stream(&[])).await, first);
    let next = ProviderError::Timeout {
        while_: "for the next word",
        limit: Duration::from_millis(100),
    };
    assert_eq!(hangs(stream(&[&words("Only ")])).await, next);
    let liar = Liar::that(vec![Act::Hang(stream(&[]))]).await;
    let hurried = Endpoint {
        total_ms: 100,
        ..endpoint("liar", &liar.base_url)
    };
    let total = ProviderError::Timeout {
        while_: "for the whole answer",
        limit: Duration::from_millis(100),
    };
    assert_eq!(ask(hurried).await.0, Err(total));
}

#[tokio::test]
async fn nonsense_is_called_so() {
    let nonsense = [
        Act::Send(json(r#"{"choices":[]}"#)),
        Act::Send(response(
            "200 OK",
            "content-type: text/html\r\n",
            "<p>Welcome to our captive portal</p>",
        )),
        Act::Send(whole_stream(&["{not json"])),
        Act::Send(whole_stream(&[r#"{"choices":"many"}"#])),
        Act::Send(whole_stream(&[&"x".repeat(300 << 10)])),
    ];
    for act in nonsense {
        let e = failure(act).await;
        assert!(matches!(e, ProviderError::Nonsense(_)), "{e:?}");
    }
    let error = failure(Act::Send(whole_stream(&[
        r#"{"error":{"message":"overloaded"}}"#,
    ])))
    .await;
    assert!(
        matches!(&error, ProviderError::Broken { said, .. } if said.contains("overloaded")),
        "{error:?}"
    );
    let filtered = r#"{"choices":[{"index":0,"finish_reason":"content_filter"}]}"#;
    assert!(matches!(
        failure(Act::Send(whole_stream(&[filtered]))).await,
        ProviderError::Refused { .. }
    ));
}

#[test]
fn an_endpoint_that_cannot_be_called_is_refused_at_start_and_its_key_is_never_shown() {
    let refused = |name, url| {
        OpenAiChat::new(endpoint(name, url))
            .expect_err("invalid")
            .to_string()
    };
    assert!(refused("My Model", "http://x").contains("is not a name"));
    assert!(refused("m", "not a url").contains("base_url of m"));
    assert!(refused("m", "file:///etc/passwd").contains("neither http nor https"));
    let key = Endpoint {
        api_key: Some(Secret::from("a\nb")),
        ..endpoint("m", "http://x")
    };
    assert!(
        OpenAiChat::new(key)
            .expect_err("invalid")
            .to_string()
            .contains("api_key of m")
    );
    let chat = OpenAiChat::new(endpoint("m", "http://127.0.0.1:1")).expect("valid");
    assert!(!format!("{chat:?}").contains("very-secret"));
}
