//! The working process: `troupe up` on the demo's database, started, killed and stopped from outside.
use super::client::Client;
use super::trouble::{Trouble, within};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long a start may take.
const START: Duration = Duration::from_secs(30);
/// How long stopping may take.
const STOP: Duration = Duration::from_secs(20);
/// Lines that are kept of what it writes.
const TAIL: usize = 20;

/// A running working process. It is killed when this is dropped.
pub struct Worker {
    child: Child,
    /// While this is open it runs: should the demo be killed, nobody is left behind.
    _held: Option<ChildStdin>,
    /// Its process id.
    pub pid: u32,
    /// Speaks with it.
    pub client: Client,
    tail: Tail,
}

/// The last lines that it wrote.
#[derive(Clone, Default)]
pub struct Tail(Arc<Mutex<VecDeque<String>>>);
impl Tail {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    /// The oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl Worker {
    /// Starts `troupe up` on `database`, on any free port, with a key of its own; what it logs is added to `log`.
    /// No configuration of this machine is used: the demo is the same everywhere.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it ends before it is ready.
    pub async fn start(database: &Path, log: &Path, tail: &Tail) -> Result<Self, Trouble> {
        let unstartable = |e: std::io::Error| Trouble::Worker(format!("cannot be started: {e}"));
        let program = std::env::current_exe().map_err(unstartable)?;
        let mut command = Command::new(program);
        command.arg("--data").arg(database).args([
            "up",
            "--dev",
            "--listen",
            "127.0.0.1:0",
            "--with-parent",
        ]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TROUPE_") {
                command.env_remove(name);
            }
        }
        if let Some(directory) = database.parent() {
            command.current_dir(directory); // where no troupe.toml is
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(unstartable)?;
        let held = child.stdin.take();
        let pid = child
            .id()
            .ok_or_else(|| Trouble::Worker("ended at once".into()))?;
        if let Some(stderr) = child.stderr.take() {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(log);
            let file = file.map_err(|source| Trouble::File {
                path: log.to_owned(),
                source,
            })?;
            tokio::spawn(keep(
                BufReader::new(stderr).lines(),
                tail.clone(),
                Some(file),
            ));
        }
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| Trouble::Worker("says nothing".into()))?;
        let mut said = BufReader::new(stdout).lines();
        let (base, key) = within(
            START,
            "the working process to be ready",
            ready(&mut said, &mut child),
        )
        .await?;
        tokio::spawn(keep(said, tail.clone(), None));
        Ok(Self {
            child,
            _held: held,
            pid,
            client: Client::new(&base, &key)?,
            tail: tail.clone(),
        })
    }

    /// The process's last lines, to explain a failure.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Kills it with SIGKILL: nothing of it can clean up. Gives the signal that ended it.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it cannot be killed.
    pub async fn kill(mut self) -> Result<Option<i32>, Trouble> {
        self.child
            .start_kill()
            .map_err(|e| Trouble::Worker(format!("cannot be killed: {e}")))?;
        Ok(self.ended().await?.signal())
    }

    /// Asks it with SIGTERM to stop. Gives its exit code.
    ///
    /// # Errors
    /// [`Trouble::Late`] if it does not stop.
    pub async fn stop(mut self) -> Result<Option<i32>, Trouble> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Trouble::Worker("has no process id".into()))?;
        kill_process(pid, Signal::TERM)
            .map_err(|e| Trouble::Worker(format!("cannot be told to stop: {e}")))?;
        Ok(self.ended().await?.code())
    }

    async fn ended(&mut self) -> Result<ExitStatus, Trouble> {
        let ended = async {
            self.child
                .wait()
                .await
                .map_err(|e| Trouble::Worker(format!("cannot be waited for: {e}")))
        };
        within(STOP, "the working process to end", ended).await
    }
}

/// Reads `key KEY` and `ready URL`.
async fn ready(
    said: &mut Lines<BufReader<ChildStdout>>,
    child: &mut Child,
) -> Result<(String, String), Trouble> {
    let mut key = String::new();
    while let Ok(Some(line)) = said.next_line().await {
        match line.split_once(' ') {
            Some(("key", text)) => text.clone_into(&mut key),
            Some(("ready", base)) => return Ok((base.to_owned(), key)),
            _ => {}
        }
    }
    let how = child
        .wait()
        .await
        .map_or_else(|e| e.to_string(), |status| status.to_string());
    Err(Trouble::Worker(format!(
        "ended before it was ready ({how})"
    )))
}

async fn keep<R: AsyncRead + Unpin>(
    mut lines: Lines<BufReader<R>>,
    tail: Tail,
    mut file: Option<std::fs::File>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(file) = &mut file {
            // The log is for reading afterwards; the demo does not hang on it.
            let _ = writeln!(file, "{line}");
        }
        tail.push(line);
    }
}
