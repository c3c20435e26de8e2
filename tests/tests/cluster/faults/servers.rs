//! Servers that these tests may kill: a broker, a MongoDB-wire server and a registry of their own, all of which keep what
//! they acknowledged on disk; processes reach the first two through a [`Wire`].
use super::wire::{Kafka, Mongo, Wire};
use cluster::servers::Own;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("services")
}

/// What is left when whoever holds this has ended, however he did: its standard input is closed, and it ends the servers by
/// their pids and the processes that work in `place`, and removes what they wrote.
pub(super) struct Janitor(#[allow(dead_code)] Child); // it is enough that it is held

impl Janitor {
    pub(super) fn of(servers: &Servers, place: &Path) -> Self {
        const WORK: &str = r#"
            trap '' INT TERM HUP
            cat >/dev/null
            for process in /proc/[0-9]*; do
              if [ "$(readlink "$process/cwd")" = "$2" ]; then kill -9 "${process##*/}"; fi
            done
            "$3/down" "$1"
            rm -rf "$1" "$2"
        "#;
        let place = place.canonicalize().expect("it is there");
        let mut command = Command::new("bash");
        command.args(["-c", WORK, "janitor"]);
        command.args([&servers.root, &place, &scripts()]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().expect("bash runs"))
    }
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Server {
    Kafka,
    Mongo,
    Registry,
}

/// All of them.
pub(super) struct Servers {
    root: PathBuf,
    own: BTreeMap<Server, Own>,
    /// Between the processes and the broker.
    pub(super) kafka: Wire<Kafka>,
    /// Between the processes and the state.
    pub(super) mongo: Wire<Mongo>,
}

/// So many neighbouring ports that nobody has now, of a range that clients do not use, as in `tests/services/lib.sh`: so
/// nobody takes one before the server does.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let from = (std::process::id() % 1_000) as u16 * 11;
    loop {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let port = 20_000 + from.wrapping_add(step) % 11_900;
        if (port..port + count).all(free) {
            return port;
        }
    }
}

impl Servers {
    /// Starts them at once.
    pub(super) async fn start() -> Self {
        let port = free_ports(3);
        let (controller, inner) = (port + 1, port + 2);
        let kafka = Wire::<Kafka>::to(format!("127.0.0.1:{inner}")).await;
        let through = kafka.address;
        let kafka_arguments: Vec<String> = [
            format!("listeners=PLAINTEXT://127.0.0.1:{port},WIRE://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{controller}"),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port},WIRE://{through}"),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,WIRE:PLAINTEXT".to_owned(),
        ]
        .into_iter()
        .chain([
            // One that was killed comes back before its old self is given up; the default is 9 s.
            "broker.session.timeout.ms=4000".to_owned(),
            "broker.heartbeat.interval.ms=500".to_owned(),
        ])
        .flat_map(|line| ["--set".to_owned(), line])
        .chain(["--keep-data".to_owned()])
        .collect();
        let persistent = vec!["--persistent".to_owned()];
        let wanted = [
            (Server::Kafka, "kafka.sh", port, kafka_arguments),
            (Server::Mongo, "mongo.sh", free_ports(1), persistent.clone()),
            (Server::Registry, "registry.sh", free_ports(2), persistent),
        ];
        // The janitor removes it.
        let root = tempfile::tempdir().expect("a directory").keep();
        let starting = wanted.map(|(server, script, port, arguments)| {
            let dir = root.join(script);
            let own = tokio::task::spawn_blocking(move || Own::at(dir, port, script, arguments));
            async move { (server, own.await.expect("it starts")) }
        });
        let own: BTreeMap<_, _> = futures::future::join_all(starting)
            .await
            .into_iter()
            .collect();
        let mongo = Wire::to(format!("127.0.0.1:{}", own[&Server::Mongo].port())).await;
        Self {
            root,
            own,
            kafka,
            mongo,
        }
    }

    /// For those whom nobody disturbs.
    pub(super) fn bootstrap(&self) -> String {
        self.own[&Server::Kafka]
            .said("TROUPE_TEST_KAFKA")
            .to_owned()
    }
    pub(super) fn registry(&self) -> String {
        let registry = &self.own[&Server::Registry];
        registry.said("TROUPE_TEST_REGISTRY_URL").to_owned()
    }
    /// For the processes of Troupe.
    pub(super) fn kafka_for_troupe(&self) -> String {
        self.kafka.address.to_string()
    }
    pub(super) fn mongodb_for_troupe(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.mongo.address)
    }

    /// SIGKILL.
    pub(super) fn kill(&self, server: Server) {
        self.own[&server].kill();
    }
    /// Starts it again, on what it had acknowledged; returns when it answers.
    pub(super) async fn start_again(&mut self, server: Server) {
        let mut own = self.own.remove(&server).expect("it was there");
        let started = tokio::task::spawn_blocking(move || {
            own.start_again(&[]);
            own
        });
        self.own.insert(server, started.await.expect("it starts"));
    }
}
