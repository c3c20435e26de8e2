//! Troupe as processes on servers of their own, each of which a test may kill.
use super::history::{self, History};
use super::load::{Caller, Told};
use super::model::Model;
use super::process::Process;
use super::servers::{Janitor, Server, Servers};
use crate::cli::binary::Place;
use crate::cluster::servers::{Settings, id_of, keys, prepare};
use std::collections::BTreeMap;

/// The groups of workers, each a process, or several.
pub(super) const GROUPS: &[(&str, &[&str])] = &[
    ("documents", &["documents"]),
    ("knowledge", &["knowledge"]),
    ("talk", &["answers", "conversations"]),
    ("rest", &["chatbots", "operations", "sagas"]),
];
/// Whose dead letters are meant to be.
pub(super) const LETTERS: &str = "letters";
/// Each test is a tenant, so that none sees what another has left.
const TENANTS: &[&str] = &[
    "before-save",
    "between",
    "within",
    "after",
    "zombie",
    "broker",
    "mongo",
    "registry",
    LETTERS,
    "storm",
    "chaos",
];

pub(super) struct Cluster {
    pub(super) servers: Servers,
    pub(super) model: Model,
    pub(super) place: Place,
    running: BTreeMap<&'static str, Vec<Process>>,
    keys: BTreeMap<&'static str, String>,
    base: String,
    _janitor: Janitor,
}

fn spawn_edge(place: &Place, listen: &str) -> Process {
    let up = ["up", "--cluster", "--no-workers", "--listen", listen];
    Process::spawn(place, &up, &keys())
}

impl Cluster {
    /// Prepares the servers as an operator does, then starts everything.
    pub(super) async fn build() -> Self {
        let (servers, model) = (Servers::start().await, Model::start().await);
        let place = Place::new();
        let janitor = Janitor::of(&servers, &place.path("."));
        let mut tenants = BTreeMap::new();
        let mut access = String::new();
        for tenant in TENANTS {
            let made = place.run(&["keys", "new", "--tenant", tenant]).await;
            let (key, lines) = made
                .succeeds()
                .split_once('\n')
                .expect("the key, then its lines");
            tenants.insert(*tenant, key.to_owned());
            access += lines;
        }
        // Each cluster of these tests has names of its own on the servers that all share.
        let name = format!("faults{}", servers.kafka.address.port());
        let kafka = servers.kafka_for_troupe();
        let configure = |id: &str| {
            let settings = Settings {
                registry: servers.registry(),
                mongodb: servers.mongodb_for_troupe(),
                ..Settings::of(&kafka, id, &name)
            };
            let (settings, slow) = (settings.text(), &model.url);
            let text = format!(
                "[[models.chat]]\nname = \"slow\"\nurl = {slow:?}\nmodel = \"slow-1\"\n{settings}\
                 [log]\nlevel = \"info\"\n{access}"
            );
            place.write("troupe.toml", &text);
        };
        configure("");
        configure(&id_of(&place).await);
        prepare(&place).await;
        let mut cluster = Self {
            servers,
            model,
            place,
            running: BTreeMap::new(),
            keys: tenants,
            base: String::new(),
            _janitor: janitor,
        };
        cluster
            .start_all(GROUPS.iter().map(|(group, _)| *group))
            .await;
        let edge = spawn_edge(&cluster.place, "127.0.0.1:0").once_ready().await;
        cluster.base.clone_from(&edge.ready);
        cluster.running.insert("edge", vec![edge]);
        cluster
    }

    /// Another process of a group; nobody waits until it is ready.
    pub(super) fn spawn(&self, group: &str) -> Process {
        let (_, workers) = GROUPS
            .iter()
            .find(|(name, _)| *name == group)
            .expect("a group");
        let mut arguments = vec!["run", "--cluster", "--listen", "127.0.0.1:0", "--worker"];
        arguments.extend_from_slice(workers);
        Process::spawn(&self.place, &arguments, &keys())
    }
    async fn start_all(&mut self, groups: impl Iterator<Item = &'static str>) {
        let started = groups.map(|group| {
            let process = self.spawn(group);
            async move { (group, process.once_ready().await) }
        });
        let started: Vec<_> = started.collect();
        for (group, process) in futures::future::join_all(started).await {
            self.running.entry(group).or_default().push(process);
        }
    }
    /// Another process of a group.
    pub(super) async fn start(&mut self, group: &'static str) {
        self.start_all(std::iter::once(group)).await;
    }
    /// The oldest process of a group.
    pub(super) fn oldest(&mut self, group: &str) -> &mut Process {
        &mut self.running.get_mut(group).expect("it runs")[0]
    }
    pub(super) fn take_oldest(&mut self, group: &str) -> Process {
        self.running.get_mut(group).expect("it runs").remove(0)
    }
    pub(super) fn give(&mut self, group: &'static str, process: Process) {
        self.running.entry(group).or_default().push(process);
    }

    pub(super) fn caller(&self, tenant: &str) -> Caller {
        Caller::new(&self.base, &self.keys[tenant], tenant)
    }
    /// A tenant with a chatbot.
    pub(super) async fn tenant(&self, tenant: &str) -> Caller {
        let caller = self.caller(tenant);
        caller.create_chatbot().await;
        caller
    }
    /// SIGKILL to the edge; the next listens where it did.
    pub(super) async fn restart_edge(&mut self) {
        self.take_oldest("edge").kill().await;
        let address = self.base.trim_start_matches("http://");
        let edge = spawn_edge(&self.place, address).once_ready().await;
        self.give("edge", edge);
    }
    /// Whether everything is as a test expects it at its beginning.
    pub(super) fn is_whole(&mut self) -> bool {
        let whole = |(_, processes): (&&str, &mut Vec<Process>)| {
            processes.len() == 1 && processes.iter_mut().all(Process::runs)
        };
        self.running.iter_mut().all(whole) && self.running.len() == GROUPS.len() + 1
    }

    /// What clients were told is so, and the history keeps its laws.
    pub(super) async fn check(&self, caller: &Caller, told: &Told) -> History {
        told.check(caller).await;
        let history = history::settled(&self.servers.bootstrap()).await;
        let mut faults = history.faults();
        let of_tenant = |id: &String| format!("{}/{id}", caller.tenant);
        for (id, name) in &told.documents {
            for topic in ["document.uploaded", "document.parsed", "embedding.ready"] {
                let said = history.said(topic, &of_tenant(id));
                if said != 1 {
                    faults.push(format!("{name} is {said} times on {topic}"));
                }
            }
        }
        for (id, asked) in &told.conversations {
            for topic in ["question.asked", "question.answered"] {
                let said = history.said(topic, &of_tenant(id));
                if said != asked.len() {
                    faults.push(format!(
                        "{id}: {said} of {} questions on {topic}",
                        asked.len()
                    ));
                }
            }
        }
        let meant = format!("{LETTERS}/");
        let dead = history
            .dead()
            .filter(|(_, one)| !one.key.starts_with(&meant));
        faults.extend(
            dead.map(|(topic, one)| format!("a dead letter on {topic}: {:?}", one.headers)),
        );
        assert!(faults.is_empty(), "{}: {faults:#?}", caller.tenant);
        eprintln!(
            "{}: {} records keep the laws",
            caller.tenant,
            history.count()
        );
        history
    }
    /// SIGKILL to a server.
    pub(super) fn kill(&self, server: Server) {
        self.servers.kill(server);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.running.values().flatten() {
                let said = process.stderr();
                let lines: Vec<&str> = said.lines().collect();
                let last = &lines[lines.len().saturating_sub(40)..];
                eprintln!("---- {}\n{}", process.ready, last.join("\n"));
            }
        }
    }
}
