//! An endpoint that writes answers, as slowly as a test wants.
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(super) struct Model {
    pub(super) url: String,
    takes: watch::Sender<Duration>,
}

impl Model {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let (takes, taking) = watch::channel(Duration::ZERO);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, *taking.borrow()));
            }
        });
        Self { url, takes }
    }
    /// How long each answer takes from now on.
    pub(super) fn takes(&self, time: Duration) {
        self.takes.send_replace(time);
    }
}

async fn serve(mut stream: TcpStream, takes: Duration) {
    let mut request = vec![];
    // The request ends with the JSON object that it carries; what it says does not matter.
    while !request.ends_with(b"}") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    tokio::time::sleep(takes).await;
    let word = json!({"model": "slow-1", "choices": [{"index": 0, "delta": {"content": "The keeper cleans it [1]."}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 4}});
    let answer = format!(
        "HTTP/1.1 200 Said\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
         data: {word}\n\ndata: {end}\n\ndata: [DONE]\n\n"
    );
    // Who asked may have gone.
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}
