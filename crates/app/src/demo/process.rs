//! A process of Troupe: started, killed and stopped from outside.
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
const START: Duration = Duration::from_secs(60);
/// How long stopping may take.
const STOP: Duration = Duration::from_secs(20);
/// Lines that are kept of what it writes.
const TAIL: usize = 20;

/// A running process. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// While this is open it runs: should the demo be killed, nobody is left behind.
    _held: Option<ChildStdin>,
    /// Its process id.
    pub pid: u32,
    /// What it said when it was ready: where it listens, or which consumers it runs.
    pub ready: String,
    /// The key that it lets in, if it has made one.
    pub key: Option<String>,
}

/// The last lines that processes wrote.
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

impl Process {
    /// Starts `command` and waits until it is ready. What it logs is added to `log`, each line after `name` if there is
    /// one.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it ends before it is ready.
    pub async fn start(
        mut command: Command,
        name: &'static str,
        log: &Path,
        tail: &Tail,
    ) -> Result<Self, Trouble> {
        let unstartable = |e: std::io::Error| Trouble::Worker(format!("cannot be started: {e}"));
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
            let lines = BufReader::new(stderr).lines();
            tokio::spawn(keep(lines, name, tail.clone(), Some(file)));
        }
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| Trouble::Worker("says nothing".into()))?;
        let mut said = BufReader::new(stdout).lines();
        let waiting_for = format!("{} to be ready", called(name));
        let (ready, key) = within(START, waiting_for, ready(&mut said, &mut child, name)).await?;
        tokio::spawn(keep(said, name, tail.clone(), None));
        Ok(Self {
            child,
            _held: held,
            pid,
            ready,
            key,
        })
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

    /// Asks it with SIGTERM to stop.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it cannot be told.
    pub fn tell_to_stop(&self) -> Result<(), Trouble> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Trouble::Worker("has no process id".into()))?;
        kill_process(pid, Signal::TERM)
            .map_err(|e| Trouble::Worker(format!("cannot be told to stop: {e}")))
    }

    /// Waits until it has stopped. Gives its exit code.
    ///
    /// # Errors
    /// [`Trouble::Late`] if it does not stop.
    pub async fn stopped(mut self) -> Result<Option<i32>, Trouble> {
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

fn called(name: &str) -> String {
    match name {
        "" => "the working process".into(),
        name => format!("the process of {name}"),
    }
}

/// Reads until `ready …`, and what key it has made.
async fn ready(
    said: &mut Lines<BufReader<ChildStdout>>,
    child: &mut Child,
    name: &str,
) -> Result<(String, Option<String>), Trouble> {
    let mut key = None;
    while let Ok(Some(line)) = said.next_line().await {
        match line.split_once(' ') {
            Some(("key", text)) => key = Some(text.to_owned()),
            Some(("ready", what)) => return Ok((what.to_owned(), key)),
            _ => {}
        }
    }
    let how = child
        .wait()
        .await
        .map_or_else(|e| e.to_string(), |status| status.to_string());
    let of = match name {
        "" => String::new(),
        name => format!("that of {name} "),
    };
    Err(Trouble::Worker(format!(
        "{of}ended before it was ready ({how})"
    )))
}

async fn keep<R: AsyncRead + Unpin>(
    mut lines: Lines<BufReader<R>>,
    name: &'static str,
    tail: Tail,
    mut file: Option<std::fs::File>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let line = match name {
            "" => line,
            name => format!("{name:9} {line}"),
        };
        if let Some(file) = &mut file {
            // The log is for reading afterwards; the demo does not hang on it.
            let _ = writeln!(file, "{line}");
        }
        tail.push(line);
    }
}
