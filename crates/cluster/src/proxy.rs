//! For tests: a server behind a line that can be cut, frozen, or deaf in one direction.
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// They pass.
    Open,
    /// They wait, as for a process that was stopped.
    Frozen,
    /// Connections end, and new ones are ended at once.
    Down,
    /// What is asked arrives; what is answered is lost.
    AnswersLost,
}

/// A line to a server.
pub(crate) struct Proxy {
    /// Where to connect to.
    pub(crate) address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// To `server`, a host and a port.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (line, watched) = watch::channel(Line::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() == Line::Down {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(&server).await {
                    tokio::spawn(connect(client, server, watched.clone()));
                }
            }
        });
        Self {
            address,
            line,
            accepting,
        }
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Line::Down);
    }
}

async fn connect(client: TcpStream, server: TcpStream, line: watch::Receiver<Line>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut down = line.clone();
    tokio::select! {
        () = pump(from_client, to_server, line.clone(), false) => {}
        () = pump(from_server, to_client, line, true) => {}
        _ = down.wait_for(|line| *line == Line::Down) => {}
    }
}

async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut line: watch::Receiver<Line>,
    answers: bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let Ok(now) = line
            .wait_for(|line| *line != Line::Frozen)
            .await
            .map(|line| *line)
        else {
            return;
        };
        let lost = answers && now == Line::AnswersLost;
        if !lost && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
