//! Lives of the real process, on one database: each ends as a test wants it.
use super::caller::{Caller, client};
use crate::cli::binary::{PATIENCE, Place};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Who upload, in every test here.
pub(super) const UPLOADERS: usize = 2;

/// Numbers that follow from a seed (splitmix64).
pub(super) struct Random(pub(super) u64);
impl Random {
    /// Below `most`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// So long after it was started, whether it is ready or not.
    Starting(Duration),
    /// When it has served so many requests, and so long after that.
    Serving(u64, Duration),
    /// When each of those who upload has got on by one document, and so long after that.
    Working(Duration),
}
impl Moment {
    /// Of the life with this number: each tenth is as long as the work takes, so that nothing is taken for what kills
    /// the process (C5) only because no life was long enough for it. Of the others one in five dies while it starts.
    pub(super) fn of(life: u32, random: &mut Random) -> Self {
        if life % 10 == 9 {
            return Self::Working(Duration::from_micros(random.below(60_000)));
        }
        match random.below(5) {
            0 => Self::Starting(Duration::from_micros(random.below(70_000))),
            _ => Self::Serving(
                random.below(160),
                Duration::from_micros(random.below(60_000)),
            ),
        }
    }
}

/// One database, one process after the other.
pub(super) struct Lives {
    pub(super) place: Place,
    key: String,
    http: reqwest::Client,
    /// The process that serves, if one does.
    serving: watch::Sender<Option<Caller>>,
    /// How many requests were answered.
    pub(super) answered: watch::Sender<u64>,
    /// How many documents each uploader has got on by.
    pub(super) uploaded: watch::Sender<BTreeMap<u64, u64>>,
}

/// A process that is alive.
pub(super) struct Life {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Lives {
    pub(super) async fn new() -> Self {
        let place = Place::new();
        let made = place.run(&["keys", "new", "--tenant", "acme"]).await;
        let (key, line) = made
            .succeeds()
            .split_once('\n')
            .expect("the key, then its line");
        place.write(
            "troupe.toml",
            &format!("{line}\n[log]\nlevel = \"error\"\n"),
        );
        Self {
            key: key.to_owned(),
            place,
            http: client(),
            serving: watch::Sender::new(None),
            answered: watch::Sender::new(0),
            uploaded: watch::Sender::new(BTreeMap::new()),
        }
    }
    pub(super) fn serving(&self) -> watch::Receiver<Option<Caller>> {
        self.serving.subscribe()
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Life {
        let up = [&["up", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut command = self.place.command(&up);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("troupe starts");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        Life { child, said }
    }
    /// Waits until the process serves; `None` if it ends before.
    pub(super) async fn ready(&self, life: &mut Life) -> Option<Caller> {
        let said = timeout(PATIENCE, life.said.next_line()).await;
        let line = said.expect("ready in time").expect("readable")?;
        let base = line
            .strip_prefix("ready ")
            .expect("it says that it is ready");
        let caller = Caller::new(&self.http, base, &self.key);
        self.serving.send_replace(Some(caller.clone()));
        Some(caller)
    }

    /// A life that is ended by SIGKILL.
    pub(super) async fn live_until_killed(&self, moment: Moment) {
        let (mut answered, mut life) = (self.answered.subscribe(), self.start(&[]));
        let mut uploaded = self.uploaded.subscribe();
        match moment {
            Moment::Working(later) => {
                self.ready(&mut life)
                    .await
                    .expect("it starts on what was left");
                let before = uploaded.borrow_and_update().clone();
                let on = |now: &BTreeMap<u64, u64>| {
                    let got_on =
                        |(who, count): (&u64, &u64)| before.get(who).is_none_or(|b| b < count);
                    now.len() >= UPLOADERS && now.iter().all(got_on)
                };
                let worked = timeout(PATIENCE, uploaded.wait_for(on)).await;
                drop(worked.expect("it works").expect("somebody counts"));
                sleep(later).await;
            }
            Moment::Starting(later) => sleep(later).await,
            Moment::Serving(requests, later) => {
                self.ready(&mut life)
                    .await
                    .expect("it starts on what was left");
                let wanted = *answered.borrow_and_update() + requests;
                let served = timeout(PATIENCE, answered.wait_for(|count| *count >= wanted)).await;
                drop(served.expect("it serves").expect("somebody counts"));
                sleep(later).await;
            }
        }
        life.child.start_kill().expect("it can be killed");
        assert_eq!(self.ends(life).await.0, Some(9), "{moment:?}");
    }

    /// A life that ends by itself at a named point; whether it was ready before.
    pub(super) async fn live_until_crash(&self, at: &str) -> bool {
        let mut life = self.start(&["--crash-at", at]);
        let was_ready = self.ready(&mut life).await.is_some();
        assert_eq!(self.ends(life).await.0, Some(6), "it dies at {at}");
        was_ready
    }

    /// Tells it to stop.
    pub(super) async fn stop(&self, life: Life) {
        let pid = life.child.id().expect("it runs").to_string();
        let told = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status();
        assert!(told.expect("kill runs").success());
        assert_eq!(self.ends(life).await, (None, Some(0)));
    }

    /// The signal that ended it, and its exit code.
    async fn ends(&self, mut life: Life) -> (Option<i32>, Option<i32>) {
        let ended = timeout(PATIENCE, life.child.wait()).await;
        self.serving.send_replace(None);
        let status = ended.expect("it ends in time").expect("waited for");
        (status.signal(), status.code())
    }
}
