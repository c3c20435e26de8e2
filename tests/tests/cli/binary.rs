//! Building, starting and stopping `troupe`.
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than anything here takes on a machine that is busy with other things; a test never waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary that belongs to these tests, built from the same sources.
pub(crate) fn troupe() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let own = std::env::current_exe().expect("a test binary"); // <target>/<profile>/deps/all-<hash>
        let profile = own
            .parent()
            .and_then(Path::parent)
            .expect("a profile")
            .to_owned();
        let mut build = std::process::Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "app", "--bin", "troupe"]);
        build
            .arg("--target-dir")
            .arg(profile.parent().expect("a target directory"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of its package, dependencies would take for a change, and be built again.
        let told =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
            build.env_remove(name);
        }
        let built = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "troupe cannot be built");
        profile.join("troupe")
    });
    &BUILT
}

/// A directory of its own, and `troupe` in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(troupe());
        let ours =
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TROUPE_"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
    /// Runs a command that ends by itself.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments)).await
    }
    /// Starts something that serves until it is stopped, and waits until it is ready.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Serving {
        self.start_with(arguments, &[]).await
    }
    /// The same, with more variables in its environment.
    pub(crate) async fn start_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> Serving {
        let mut command = self.command(arguments);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("troupe starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (mut key, mut ready) = (None, None);
        while ready.is_none() {
            let line = timeout(PATIENCE, lines.next_line())
                .await
                .expect("ready in time")
                .expect("readable");
            let line = line.expect("ready before it ended");
            match line.split_once(' ') {
                Some(("key", text)) => key = Some(text.to_owned()),
                Some(("ready", text)) => ready = Some(text.to_owned()),
                _ => panic!("not expected on stdout: {line}"),
            }
        }
        Serving {
            child,
            _lines: lines,
            key,
            ready: ready.unwrap_or_default(),
        }
    }
}

/// A command that has ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) async fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = timeout(PATIENCE, command.output())
            .await
            .expect("in time")
            .expect("troupe runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
    /// It failed with this code, says nothing on stdout, and all of these on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        for part in says {
            assert!(
                self.stderr.contains(part),
                "{part:?} is not in: {}",
                self.stderr
            );
        }
    }
    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        &self.stdout
    }
}

/// A process that serves.
pub(crate) struct Serving {
    child: Child,
    _lines: Lines<BufReader<ChildStdout>>, // kept open, or the next line that it says would end it
    pub(crate) key: Option<String>,
    pub(crate) ready: String,
}

impl Serving {
    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .await
            .expect("kill runs");
        assert!(sent.success());
    }
    pub(crate) async fn ends(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait())
            .await
            .expect("in time")
            .expect("waited for")
            .code()
    }
    /// SIGKILL.
    #[cfg(feature = "servers")]
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
    pub(crate) async fn stop(mut self) {
        self.signal("-TERM").await;
        assert_eq!(self.ends().await, Some(0));
    }
    pub(crate) async fn connect(&self) -> TcpStream {
        let address = self.ready.strip_prefix("http://").expect("an address");
        TcpStream::connect(address).await.expect("it listens")
    }
    /// Head and body of a response.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: &str,
    ) -> (u16, String) {
        let mut stream = self.connect().await;
        let key = key.map_or_else(String::new, |key| {
            format!("authorization: Bearer {key}\r\n")
        });
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{key}content-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer))
            .await
            .expect("in time")
            .expect("read");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap_or_default();
        (status, body)
    }
}
