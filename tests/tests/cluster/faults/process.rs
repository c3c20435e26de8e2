//! A process of Troupe, and what it said.
use super::PATIENCE;
use crate::cli::binary::{Place, troupe};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// It runs, or has ended.
pub(super) struct Process {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    stderr: PathBuf,
    /// What `key`, `health` and `ready` stand before on its standard output.
    pub(super) key: Option<String>,
    pub(super) health: Option<String>,
    pub(super) ready: String,
}

/// Another binary than the one that was built from these sources: for who breaks a rule by hand, to see which test says so.
fn binary() -> PathBuf {
    std::env::var_os("SABOTAGED_TROUPE").map_or_else(|| troupe().to_owned(), PathBuf::from)
}

impl Process {
    /// Starts it in `place`; nobody waits.
    pub(super) fn spawn(place: &Place, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let stderr = place.path(&format!("stderr-{number}-{}", arguments.join("-")));
        let file = std::fs::File::create(&stderr).expect("a file");
        let mut command = Command::new(binary());
        let ours =
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TROUPE_"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(place.path("."));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true);
        let mut child = command.spawn().expect("troupe starts");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self {
            child,
            said,
            stderr,
            key: None,
            health: None,
            ready: String::new(),
        }
    }
    /// Waits until it shows its health, ready or not.
    pub(super) async fn once_shown(mut self) -> Self {
        while self.health.is_none() {
            self.hear().await;
        }
        self
    }
    /// Waits until it is ready.
    pub(super) async fn once_ready(mut self) -> Self {
        while self.ready.is_empty() {
            self.hear().await;
        }
        self
    }
    /// The next line that it says.
    async fn hear(&mut self) {
        let line = timeout(PATIENCE, self.said.next_line());
        let line = line.await.expect("ready in time").expect("readable");
        let Some(line) = line else {
            panic!("it ended before it was ready: {}", self.stderr());
        };
        match line.split_once(' ') {
            Some(("key", text)) => self.key = Some(text.to_owned()),
            Some(("health", text)) => self.health = Some(text.to_owned()),
            Some(("ready", text)) => text.clone_into(&mut self.ready),
            _ => panic!("not expected on stdout: {line}"),
        }
    }

    /// All that it said on standard error until now.
    pub(super) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }
    /// Whether it has not ended.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
    pub(super) fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(sent.expect("kill runs").success());
    }
    /// Waits until it ends by itself; its exit code.
    pub(super) async fn ends(&mut self) -> Option<i32> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends in time").expect("waited for").code()
    }
    /// SIGKILL.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
    /// SIGTERM: it ends with 0.
    pub(super) async fn stop(mut self) {
        self.signal("-TERM");
        let code = self.ends().await;
        assert_eq!(code, Some(0), "{}", self.stderr());
    }
}
