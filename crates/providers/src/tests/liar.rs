//! A real HTTP server on 127.0.0.1 that does to each connection what the test says: answers, lies, hangs, cuts.
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does to a connection, once it has read the request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes and ends the connection.
    Send(Vec<u8>),
    /// Sends these bytes, then nothing more, and keeps the connection open.
    Hang(Vec<u8>),
}

/// The server; it stops when dropped.
pub struct Liar {
    pub base_url: String,
    heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Liar {
    /// Does these things, one a connection, the last one for ever.
    pub async fn that(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            for n in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else {
                    return;
                };
                let request = read_request(&mut stream).await;
                hears
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(request);
                match &acts[n.min(acts.len() - 1)] {
                    Act::Send(bytes) => {
                        let _gone = stream.write_all(bytes).await;
                        let _gone = stream.shutdown().await;
                    }
                    Act::Hang(bytes) => {
                        let _gone = stream.write_all(bytes).await;
                        open.push(stream);
                    }
                }
            }
        });
        Self {
            base_url,
            heard,
            serving,
        }
    }
    /// The requests so far, whole.
    pub fn heard(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0_u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            _ => return text,
        }
    }
}

/// A whole response.
pub fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
pub fn json(body: &str) -> Vec<u8> {
    response("200 OK", "content-type: application/json\r\n", body)
}
/// A stream of events; it ends where the connection ends, or, with `chunked`, is cut if the last chunk is missing.
pub fn stream(events: &[&str]) -> Vec<u8> {
    let mut all =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for event in events {
        let data = format!("data: {event}\n\n");
        all.extend_from_slice(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes());
    }
    all
}
/// The same, and its end.
pub fn whole_stream(events: &[&str]) -> Vec<u8> {
    let mut all = stream(events);
    all.extend_from_slice(b"0\r\n\r\n");
    all
}
/// An event with these words.
pub fn words(text: &str) -> String {
    serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string()
}
