//! Real servers for tests: those that `tests/services/up` has started (`./tests/run` does it), and servers of a test's own,
//! which it may stop, freeze and kill.
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `tests/services/up` said of a server.
///
/// # Panics
/// If it was not run.
pub fn shared(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run ./tests/run, or eval \"$(tests/services/up)\" before cargo test"
        )
    })
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/services")
}

/// A server of one test's own; it ends with this.
pub struct Own {
    dir: tempfile::TempDir,
    script: &'static str,
    arguments: Vec<String>,
    /// What the script said.
    said: BTreeMap<String, String>,
}

impl Own {
    /// Starts `tests/services/<script>`; returns when it answers.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(script: &'static str, arguments: &[&str]) -> Self {
        let mut own = Self {
            dir: tempfile::tempdir().expect("a directory"),
            script,
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            said: BTreeMap::new(),
        };
        own.start_again(&[]);
        own
    }

    /// Starts it again where it was, after [`Self::kill`]; `more` arguments, such as `--keep-data`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self, more: &[&str]) {
        let port = self.port();
        let mut command = Command::new(scripts().join(self.script));
        command.arg("--dir").arg(self.dir.path());
        if let Some(port) = port {
            command.args(["--port", &port]);
        }
        let done = command
            .args(&self.arguments)
            .args(more)
            .stderr(Stdio::inherit())
            .output()
            .expect("bash runs");
        assert!(done.status.success(), "{} did not start", self.script);
        let text = String::from_utf8(done.stdout).expect("UTF-8");
        let lines = text.lines().filter_map(|line| line.strip_prefix("export "));
        self.said = lines
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
    }

    /// What the script said under this name.
    ///
    /// # Panics
    /// If it said nothing.
    pub fn said(&self, variable: &str) -> &str {
        self.said
            .get(variable)
            .unwrap_or_else(|| panic!("{} said no {variable}", self.script))
    }
    fn port(&self) -> Option<String> {
        let first = self.said.values().next()?;
        let after = &first[first.find("127.0.0.1:")? + "127.0.0.1:".len()..];
        Some(after.chars().take_while(char::is_ascii_digit).collect())
    }

    fn signal(&self, signal: Signal) -> bool {
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap_or_default();
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
    /// SIGSTOP: it is there and does not answer.
    pub fn freeze(&self) {
        assert!(self.signal(Signal::STOP), "it runs");
    }
    /// SIGCONT.
    pub fn thaw(&self) {
        assert!(self.signal(Signal::CONT), "it runs");
    }
    /// SIGKILL; returns when it is gone.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap_or_default();
        self.signal(Signal::KILL);
        // Its parent, the script, has ended: init reaps it. As long as one of its threads is there, so are its sockets.
        let entry = Path::new("/proc").join(pid.trim());
        let threads = || std::fs::read_dir(entry.join("task")).map_or(0, Iterator::count);
        let gone = || match std::fs::read_to_string(entry.join("stat")) {
            Ok(stat) => stat.contains(") Z ") && threads() <= 1,
            Err(_) => true,
        };
        while !gone() {
            std::thread::yield_now();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.signal(Signal::KILL) {
            self.kill();
        }
    }
}
