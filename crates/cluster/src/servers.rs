//! Real servers for tests, here and elsewhere (the feature `servers`): those that `tests/services/up` has started
//! (`./tests/run` does it), and servers of a test's own, which it may stop, freeze and kill.
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
#[derive(Debug)]
pub struct Own {
    dir: PathBuf,
    /// Removed with this, where nobody else sees to it.
    _removed: Option<tempfile::TempDir>,
    script: &'static str,
    arguments: Vec<String>,
    /// Any free one, if nobody says.
    port: Option<u16>,
    /// What the script said.
    said: BTreeMap<String, String>,
}

impl Own {
    /// Starts `tests/services/<script>` on free ports, in a directory of its own; returns when it answers.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(script: &'static str, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut own = Self {
            dir: dir.path().to_owned(),
            _removed: Some(dir),
            script,
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            port: None,
            said: BTreeMap::new(),
        };
        own.run(&[]);
        own
    }
    /// The same in a directory that is made and that stays, from this port on.
    ///
    /// # Panics
    /// If it does not start.
    pub fn at(dir: PathBuf, port: u16, script: &'static str, arguments: Vec<String>) -> Self {
        std::fs::create_dir_all(&dir).expect("a directory");
        let mut own = Self {
            dir,
            _removed: None,
            script,
            arguments,
            port: Some(port),
            said: BTreeMap::new(),
        };
        own.run(&[]);
        own
    }

    /// Starts it again where it was, after [`Self::kill`]; `more` arguments, such as `--keep-data`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self, more: &[&str]) {
        self.port = Some(self.port());
        self.run(more);
    }
    fn run(&mut self, more: &[&str]) {
        let mut command = Command::new(scripts().join(self.script));
        command.arg("--dir").arg(&self.dir);
        if let Some(port) = self.port {
            command.args(["--port", &port.to_string()]);
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
    /// Where it listens on 127.0.0.1; the first of its ports.
    ///
    /// # Panics
    /// If it did not say so.
    pub fn port(&self) -> u16 {
        let port = |said: &String| {
            let after = said.split("127.0.0.1:").nth(1)?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let first = self.said.values().next();
        self.port
            .or_else(|| port(first?))
            .unwrap_or_else(|| panic!("{} said no port", self.script))
    }

    /// Its pid, if it runs: a pid may have passed to a stranger since, and every command line of ours holds its directory.
    fn pid(&self) -> Option<Pid> {
        let pid = std::fs::read_to_string(self.dir.join("pid")).ok()?;
        let line = std::fs::read(Path::new("/proc").join(pid.trim()).join("cmdline")).ok()?;
        let dir = self.dir.to_string_lossy();
        let ours = String::from_utf8_lossy(&line).contains(&*dir);
        pid.trim()
            .parse()
            .ok()
            .filter(|_| ours)
            .and_then(Pid::from_raw)
    }
    fn signal(&self, signal: Signal) -> bool {
        self.pid()
            .is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
    /// SIGSTOP: it is there and does not answer.
    ///
    /// # Panics
    /// If it does not run.
    pub fn freeze(&self) {
        assert!(self.signal(Signal::STOP), "it runs");
    }
    /// SIGCONT.
    ///
    /// # Panics
    /// If it does not run.
    pub fn thaw(&self) {
        assert!(self.signal(Signal::CONT), "it runs");
    }
    /// SIGKILL; returns when it is gone.
    pub fn kill(&self) {
        let Some(pid) = self.pid() else { return };
        let _gone_already = kill_process(pid, Signal::KILL);
        // Its parent, the script, has ended: init reaps it. As long as one of its threads is there, so are its sockets.
        let entry = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
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
        self.kill();
    }
}
