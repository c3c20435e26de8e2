//! Servers that are not there yet when a process starts: it waits for them, and says for which, in its health and its log.
//!
//! Servers and workers are started together, and a process that ended instead would have to be started again by somebody.
use super::StartError;
use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;
use edge::{Check, Condition, EdgeError, Health, serve_waiting};
use runtime::BoxFuture;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// The first pause; each is twice the one before, with jitter: a whole cluster may be waiting.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause: so much later than a server a process is there at most.
const LONGEST: Duration = Duration::from_secs(3);
/// What a question about its health may take when the waiting is over.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// A process that waits, or does not.
pub(super) struct Waiting {
    waits: bool,
    told: Arc<Told>,
    shown: Option<Shown>,
}

/// Its health, on its own port.
struct Shown {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), EdgeError>>,
}

/// What it waits for.
#[derive(Default)]
struct Told(Mutex<Option<Check>>);

impl Health for Told {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        let check = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let starting = || Check::not_up("process", Condition::Down, "it is starting");
        let checks = vec![check.clone().unwrap_or_else(starting)];
        Box::pin(async move { checks })
    }
}

impl Waiting {
    /// What is not there is a failure.
    pub(super) fn for_nobody() -> Self {
        Self {
            waits: false,
            told: Arc::default(),
            shown: None,
        }
    }
    /// Shows its health on the listener meanwhile; whoever serves there afterwards has it unchanged.
    ///
    /// # Errors
    /// If it cannot be shared.
    pub(super) fn for_servers(listener: Option<&TcpListener>) -> Result<Self, StartError> {
        let (told, mut shown) = (Arc::<Told>::default(), None);
        if let Some(listener) = listener {
            let shared = listener.as_fd().try_clone_to_owned();
            let shared = shared.and_then(|fd| TcpListener::from_std(fd.into()));
            let shared = shared.map_err(|e| StartError::Edge(e.to_string()))?;
            let (stop, stopped) = oneshot::channel();
            let shutdown = async {
                let _ = stopped.await; // dropped is stopped too
            };
            let serving = tokio::spawn(serve_waiting(shared, told.clone(), shutdown));
            shown = Some(Shown { stop, serving });
        }
        Ok(Self {
            waits: true,
            told,
            shown,
        })
    }

    /// Does it, again and again as long as all that is wrong is that a server does not answer.
    ///
    /// # Errors
    /// What else is wrong.
    pub(super) async fn until<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StartError>
    where
        F: Future<Output = Result<T, StartError>>,
    {
        let mut pauses = ExponentialBackoffBuilder::new()
            .with_initial_interval(FIRST)
            .with_multiplier(2.0)
            .with_max_interval(LONGEST)
            .with_max_elapsed_time(None)
            .build();
        let mut waited_for = None;
        loop {
            let error = match attempt().await {
                Ok(done) => {
                    if let Some(port) = waited_for {
                        tracing::info!(port, "it is there");
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            let Some(port) = error.not_there().filter(|_| self.waits) else {
                return Err(error);
            };
            waited_for = Some(port);
            self.say(port, error.to_string());
            sleep(pauses.next_backoff().unwrap_or(LONGEST)).await;
        }
    }

    fn say(&self, port: &str, why: String) {
        let check = Check::not_up(port, Condition::Down, why);
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref() != Some(&check) {
            tracing::warn!(
                port,
                why = check.reason,
                "not there yet: waiting for it before anything starts"
            );
            *told = Some(check);
        }
    }

    /// Shows its health no longer.
    pub(super) async fn over(self) {
        if let Some(Shown { stop, mut serving }) = self.shown {
            let _ = stop.send(()); // it has ended already
            if timeout(LAST_ANSWER, &mut serving).await.is_err() {
                serving.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::PortError;
    use serde_json::Value;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    fn away() -> StartError {
        StartError::Port(PortError::Unreachable {
            port: "schemas",
            why: "nobody listens".into(),
        })
    }

    async fn get(at: SocketAddr, path: &str) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build();
        let url = format!("http://{at}{path}");
        let answer = client.expect("a client").get(url).send().await;
        let answer = answer.expect("answered");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    #[tokio::test]
    async fn who_waits_says_for_what_goes_on_when_it_is_there_and_leaves_the_port_to_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let waiting = Waiting::for_servers(Some(&listener)).expect("shared");
        let (status, starting) = get(at, "/health/ready").await;
        assert_eq!((status, &starting["status"]), (503, &"down".into()));

        let (tries, again, there) = (AtomicU32::new(0), Notify::new(), Notify::new());
        let attempt = || async {
            if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(away());
            }
            again.notify_one();
            there.notified().await;
            Ok("it")
        };
        let looking = async {
            again.notified().await;
            let (status, ready) = get(at, "/health/ready").await;
            assert_eq!(status, 503);
            let check = &ready["checks"][0];
            assert_eq!(check["name"], "schemas");
            assert_eq!(check["reason"], "schemas is unreachable: nobody listens");
            assert_eq!(get(at, "/health/live").await.0, 200);
            let (status, problem) = get(at, "/v1/chatbots").await;
            assert_eq!(
                (status, &problem["code"]),
                (503, &"edge.unavailable".into())
            );
            there.notify_one();
        };
        let (found, ()) = tokio::join!(waiting.until(attempt), looking);
        assert_eq!(found.expect("found"), "it");

        waiting.over().await;
        let (asks, heard) = tokio::join!(TcpStream::connect(at), listener.accept());
        let (asks, (_, from)) = (asks.expect("asks"), heard.expect("heard"));
        assert_eq!(asks.local_addr().expect("an address"), from);
    }

    #[tokio::test]
    async fn what_is_wrong_otherwise_is_not_waited_for_nor_is_anything_with_a_file() {
        let servers = Waiting::for_servers(None).expect("nothing is shared");
        let wrong = || async { Err::<(), _>(StartError::Models("unknown".into())) };
        let said = servers.until(wrong).await;
        assert!(matches!(said, Err(StartError::Models(_))));
        let file = Waiting::for_nobody();
        let said = file.until(|| async { Err::<(), _>(away()) }).await;
        assert!(matches!(said, Err(StartError::Port(_))));
    }
}
