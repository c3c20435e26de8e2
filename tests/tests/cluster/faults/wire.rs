//! The wire between a process and a server, where a test can stop the one message that it waits for: so the real binary,
//! with nothing in it that only tests need, dies (or stands still) at a named point of a commit.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a protocol cuts its bytes into frames, and which of them a test may wait for.
pub(super) trait Protocol: Send + Sync + 'static {
    /// The length of what follows the first four bytes of a frame.
    fn rest(head: [u8; 4]) -> usize;
    /// Whether a request (without its first four bytes) is the one that changes something for `whom`.
    fn is_it(request: &[u8], whom: &str) -> bool;
    /// By which a request and its answer find each other.
    fn number(request: &[u8]) -> [u8; 4];
    fn answers(answer: &[u8]) -> [u8; 4];
}

fn four(bytes: &[u8], at: usize) -> [u8; 4] {
    let four = bytes.get(at..at + 4);
    four.and_then(|four| four.try_into().ok())
        .unwrap_or_default()
}
fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Kafka: the end of a transaction of the consumer `whom` (its name is a part of the transactional id, K3).
pub(super) struct Kafka;
impl Protocol for Kafka {
    fn rest(head: [u8; 4]) -> usize {
        usize::try_from(i32::from_be_bytes(head)).unwrap_or(0)
    }
    fn is_it(request: &[u8], whom: &str) -> bool {
        const END_TXN: [u8; 2] = 26i16.to_be_bytes();
        request.get(..2) == Some(&END_TXN) && contains(request, format!(".{whom}.").as_bytes())
    }
    fn number(request: &[u8]) -> [u8; 4] {
        four(request, 4)
    }
    fn answers(answer: &[u8]) -> [u8; 4] {
        four(answer, 0)
    }
}

/// MongoDB: rows of the collection of `whom` are inserted or changed.
pub(super) struct Mongo;
impl Protocol for Mongo {
    fn rest(head: [u8; 4]) -> usize {
        usize::try_from(i32::from_le_bytes(head)).map_or(0, |whole| whole.saturating_sub(4))
    }
    fn is_it(request: &[u8], whom: &str) -> bool {
        let names = |verb: &str| {
            let name = format!("state.{whom}");
            let length = u32::try_from(name.len() + 1).expect("short").to_le_bytes();
            let start = [
                b"\x02",
                verb.as_bytes(),
                b"\0",
                &length,
                name.as_bytes(),
                b"\0",
            ]
            .concat();
            contains(&request[..request.len().min(200)], &start)
        };
        names("insert") || names("update")
    }
    fn number(request: &[u8]) -> [u8; 4] {
        four(request, 0)
    }
    fn answers(answer: &[u8]) -> [u8; 4] {
        four(answer, 4)
    }
}

/// Where on its way a message is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Before the server has it.
    There,
    /// The server has done it, and nobody knows.
    Back,
}

struct Armed {
    whom: String,
    way: Way,
    /// So many pass before.
    pass: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    Stopped,
    Forwarded,
    Lost,
}

struct Inner {
    armed: Mutex<Option<Armed>>,
    held: watch::Sender<Held>,
}

/// A line to a server.
pub(super) struct Wire<P> {
    /// Where processes connect to.
    pub(super) address: SocketAddr,
    inner: Arc<Inner>,
    protocol: std::marker::PhantomData<P>,
}

impl<P: Protocol> Wire<P> {
    /// To `server`, a host and a port; it need not be there yet.
    pub(super) async fn to(server: String) -> Self {
        let listening = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listening.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            armed: Mutex::new(None),
            held: watch::Sender::new(Held::Nothing),
        });
        tokio::spawn(accept::<P>(listening, server, inner.clone()));
        Self {
            address,
            inner,
            protocol: std::marker::PhantomData,
        }
    }

    /// From now on the message for `whom` is stopped after `pass` others have passed.
    pub(super) fn arm(&self, whom: &str, way: Way, pass: u32) {
        self.inner.held.send_replace(Held::Nothing);
        let armed = Armed {
            whom: whom.to_owned(),
            way,
            pass,
        };
        *self.inner.armed() = Some(armed);
    }
    /// Until it is stopped.
    pub(super) async fn stopped(&self) {
        let mut held = self.inner.held.subscribe();
        let stopped = held.wait_for(|held| *held == Held::Stopped);
        let waited = tokio::time::timeout(super::PATIENCE, stopped).await;
        drop(
            waited
                .expect("nobody passed the point")
                .expect("the wire is there"),
        );
    }
    /// It goes on its way.
    pub(super) fn forward(&self) {
        self.inner.held.send_replace(Held::Forwarded);
    }
    /// It never arrives.
    pub(super) fn lose(&self) {
        self.inner.held.send_replace(Held::Lost);
    }
}

impl Inner {
    fn armed(&self) -> MutexGuard<'_, Option<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Whether this request, or its answer, is the one to be stopped.
    fn is_it<P: Protocol>(&self, request: &[u8]) -> Option<Way> {
        let mut armed = self.armed();
        let waiting = armed.as_mut().filter(|it| P::is_it(request, &it.whom))?;
        if waiting.pass > 0 {
            waiting.pass -= 1;
            return None;
        }
        let way = waiting.way;
        *armed = None;
        Some(way)
    }
    /// Whether what is stopped goes on in the end.
    async fn hold(&self) -> bool {
        let mut held = self.held.subscribe();
        self.held.send_replace(Held::Stopped);
        let over = held.wait_for(|held| matches!(held, Held::Forwarded | Held::Lost));
        over.await.is_ok_and(|held| *held == Held::Forwarded)
    }
}

async fn accept<P: Protocol>(listening: TcpListener, server: String, inner: Arc<Inner>) {
    while let Ok((client, _)) = listening.accept().await {
        let (server, inner) = (server.clone(), inner.clone());
        tokio::spawn(async move {
            // If the server is not there, the connection ends as it would without us.
            let Ok(server) = TcpStream::connect(server).await else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let awaited = Arc::new(Mutex::new(None));
            tokio::select! {
                _ = requests::<P>(from_client, to_server, &inner, &awaited) => {}
                _ = answers::<P>(from_server, to_client, &inner, &awaited) => {}
            }
        });
    }
}

/// The number of the request whose answer is to be stopped.
type Awaited = Mutex<Option<[u8; 4]>>;

async fn frame<P: Protocol>(from: &mut OwnedReadHalf) -> std::io::Result<([u8; 4], Vec<u8>)> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let mut rest = vec![0; P::rest(head)];
    from.read_exact(&mut rest).await?;
    Ok((head, rest))
}

async fn requests<P: Protocol>(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    inner: &Inner,
    awaited: &Awaited,
) -> std::io::Result<()> {
    loop {
        let (head, request) = frame::<P>(&mut from).await?;
        let way = inner.is_it::<P>(&request);
        if way == Some(Way::Back) {
            let number = Some(P::number(&request));
            *awaited.lock().unwrap_or_else(PoisonError::into_inner) = number;
        }
        if way == Some(Way::There) && !inner.hold().await {
            return Ok(());
        }
        to.write_all(&[&head[..], &request].concat()).await?;
    }
}

async fn answers<P: Protocol>(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    inner: &Inner,
    awaited: &Awaited,
) -> std::io::Result<()> {
    loop {
        let (head, answer) = frame::<P>(&mut from).await?;
        let is_it = {
            let mut awaited = awaited.lock().unwrap_or_else(PoisonError::into_inner);
            awaited
                .take_if(|number| *number == P::answers(&answer))
                .is_some()
        };
        if is_it && !inner.hold().await {
            return Ok(());
        }
        to.write_all(&[&head[..], &answer].concat()).await?;
    }
}
