//! A broker of a test's own, and a line to it that loses what it is told to.
use crate::servers::Own;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The request that ends a transaction.
const END_TXN: i16 = 26;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It arrives.
    Open,
    /// It waits, both ways, as for a process that was stopped.
    Frozen,
    /// Requests to end a transaction arrive; their connection never hears anything again.
    EndsUnanswered,
    /// Requests to end a transaction, and what follows them on their connection, are lost.
    EndsLost,
}

/// A broker with two addresses.
pub(super) struct Broker {
    pub own: Own,
    /// For those that are not disturbed.
    pub direct: String,
    /// Through the line.
    pub through: String,
    line: Arc<watch::Sender<Line>>,
    /// The requests to end a transaction that the line has spoilt.
    spoilt: Arc<watch::Sender<Vec<Vec<u8>>>>,
}

fn free_ports() -> (u16, u16) {
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port));
    loop {
        let first = bind(0).expect("a port");
        let port = first.local_addr().expect("an address").port();
        // The controller's is the next.
        if let (Ok(_next), Ok(other)) = (bind(port + 1), bind(0)) {
            return (port, other.local_addr().expect("an address").port());
        }
    }
}

impl Broker {
    pub async fn start() -> Self {
        let listening = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let through = listening.local_addr().expect("an address").to_string();
        let (port, inner) = free_ports();
        let controller = port + 1;
        let arguments = [
            format!("listeners=PLAINTEXT://127.0.0.1:{port},LINE://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{controller}"),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port},LINE://{through}"),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT".to_owned(),
        ];
        let line = Arc::new(watch::Sender::new(Line::Open));
        let spoilt = Arc::new(watch::Sender::new(vec![]));
        let inner = format!("127.0.0.1:{inner}");
        tokio::spawn(accept(listening, inner, line.clone(), spoilt.clone()));
        let own = tokio::task::spawn_blocking(move || {
            let port = port.to_string();
            let mut all = vec!["--port", &port];
            for argument in &arguments {
                all.extend(["--set", argument]);
            }
            Own::start("kafka.sh", &all)
        });
        let own = own.await.expect("starts");
        let direct = own.said("TROUPE_TEST_KAFKA").to_owned();
        Self {
            own,
            direct,
            through,
            line,
            spoilt,
        }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Until so many requests to end a transaction have been spoilt.
    pub async fn ended(&self, times: usize) {
        let mut spoilt = self.spoilt.subscribe();
        let ended = spoilt.wait_for(|spoilt| spoilt.len() >= times);
        super::within("the end of a transaction", ended)
            .await
            .expect("the line is there");
    }
    /// The transactional id of the last of them, which begins so and ends with a uuid.
    pub fn whose(&self, beginning: &str) -> String {
        let spoilt = self.spoilt.borrow();
        let last = String::from_utf8_lossy(spoilt.last().expect("one was spoilt"));
        let from = last.find(beginning).expect("it names its producer");
        last[from..][..beginning.len() + 36].to_owned()
    }
}

async fn accept(
    listening: TcpListener,
    broker: String,
    line: Arc<watch::Sender<Line>>,
    spoilt: Arc<watch::Sender<Vec<Vec<u8>>>>,
) {
    while let Ok((client, _)) = listening.accept().await {
        let (broker, line, spoilt) = (broker.clone(), line.clone(), spoilt.clone());
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(broker).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (deaf, is_deaf) = watch::channel(false);
            tokio::select! {
                () = requests(from_client, to_server, line.subscribe(), deaf, &spoilt) => {}
                () = answers(from_server, to_client, line.subscribe(), is_deaf) => {}
            }
        });
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    deaf: watch::Sender<bool>,
    spoilt: &watch::Sender<Vec<Vec<u8>>>,
) {
    let mut lost = false;
    loop {
        let Ok(size) = from.read_u32().await else {
            return;
        };
        let mut frame = vec![0; usize::try_from(size).expect("32 bits")];
        if from.read_exact(&mut frame).await.is_err() {
            return;
        }
        let Ok(now) = line
            .wait_for(|line| *line != Line::Frozen)
            .await
            .map(|l| *l)
        else {
            return;
        };
        if frame.starts_with(&END_TXN.to_be_bytes()) {
            lost |= now == Line::EndsLost;
            if now != Line::Open {
                spoilt.send_modify(|spoilt| spoilt.push(frame.clone()));
            }
            if now == Line::EndsUnanswered {
                deaf.send_replace(true);
            }
        }
        if lost {
            continue;
        }
        let sent = to.write_u32(size).await.is_ok() && to.write_all(&frame).await.is_ok();
        if !sent {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    deaf: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        if line.wait_for(|line| *line != Line::Frozen).await.is_err() {
            return;
        }
        let lost = *deaf.borrow();
        if !lost && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
