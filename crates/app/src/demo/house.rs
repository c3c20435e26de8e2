//! The processes that do the work: one on a file, or the groups of workers and an edge on a cluster, each a process of its
//! own.
use super::client::Client;
use super::process::{Process, Tail};
use super::trouble::Trouble;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::process::Command;
use tokio::task::JoinSet;

/// Who works on a file: everything in one process. It has no name: there are no others.
const ALONE: &str = "";
/// The groups of workers on a cluster, as docs/operations/cluster.md starts them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("documents", &["documents"]),
    ("knowledge", &["knowledge"]),
    ("chatbots", &["chatbots"]),
    ("talk", &["answers", "conversations"]),
    ("edge-side", &["operations", "sagas"]),
];
/// The one that is killed on a cluster: it has the documents in hand.
const VICTIM: &str = "knowledge";
const EDGE: &str = "edge";

/// Where the work is done.
#[derive(Clone, Debug)]
pub enum Site {
    /// On this file.
    File(PathBuf),
    /// On the servers that the configuration names.
    Servers {
        /// The configuration file, if one was named.
        config: Option<PathBuf>,
        /// Whose data it is: another tenant each time.
        tenant: String,
    },
}

/// The processes that do the work.
pub struct House {
    site: Site,
    log: PathBuf,
    tail: Tail,
    running: BTreeMap<&'static str, Process>,
    client: Option<Client>,
}

/// A process that was killed.
pub struct Killed {
    /// Its process id.
    pub pid: u32,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl House {
    /// None runs yet. What they log is added to `log`.
    pub fn new(site: Site, log: PathBuf) -> Self {
        Self {
            site,
            log,
            tail: Tail::default(),
            running: BTreeMap::new(),
            client: None,
        }
    }

    /// Starts all of them, at once.
    ///
    /// # Errors
    /// [`Trouble`] of the first that does not become ready.
    pub async fn start(&mut self) -> Result<(), Trouble> {
        let names: Vec<&'static str> = match &self.site {
            Site::File(_) => vec![ALONE],
            Site::Servers { .. } => {
                let groups = GROUPS.iter().map(|(name, _)| *name);
                groups.chain([EDGE]).collect()
            }
        };
        self.start_these(names).await
    }

    async fn start_these(&mut self, names: Vec<&'static str>) -> Result<(), Trouble> {
        let mut starting = JoinSet::new(); // whoever is on the way is killed if this is given up
        for name in names {
            let (command, log, tail) = (self.command(name)?, self.log.clone(), self.tail.clone());
            starting.spawn(async move {
                let started = Process::start(command, name, &log, &tail).await;
                started.map(|process| (name, process))
            });
        }
        while let Some(started) = starting.join_next().await {
            let (name, process) = started.map_err(|e| Trouble::Worker(e.to_string()))??;
            if let Some(key) = &process.key {
                self.client = Some(Client::new(&process.ready, key)?);
            }
            self.running.insert(name, process);
        }
        Ok(())
    }

    fn command(&self, name: &'static str) -> Result<Command, Trouble> {
        let program = std::env::current_exe();
        let program = program.map_err(|e| Trouble::Worker(format!("cannot be started: {e}")))?;
        let mut command = Command::new(program);
        let listen = ["--dev", "--listen", "127.0.0.1:0", "--with-parent"];
        match &self.site {
            Site::File(database) => {
                // No configuration of this machine is used: the demo is the same everywhere.
                let ours = std::env::vars_os().map(|(name, _)| name);
                for name in ours.filter(|name| name.to_string_lossy().starts_with("TROUPE_")) {
                    command.env_remove(name);
                }
                if let Some(directory) = database.parent() {
                    command.current_dir(directory); // where no troupe.toml is
                }
                command.arg("--data").arg(database).arg("up").args(listen);
            }
            Site::Servers { config, tenant } => {
                if let Some(config) = config {
                    command.arg("--config").arg(config);
                }
                let group = GROUPS.iter().find(|(group, _)| *group == name);
                match group {
                    Some((_, workers)) => command
                        .args(["run", "--cluster", "--with-parent", "--worker"])
                        .args(*workers),
                    None => command
                        .args(["up", "--cluster", "--no-workers", "--dev-tenant", tenant])
                        .args(listen),
                };
            }
        }
        Ok(command)
    }

    /// Kills the one that has the documents in hand.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it does not run.
    pub async fn kill(&mut self) -> Result<Killed, Trouble> {
        let victim = self.running.remove(self.victim());
        let victim = victim.ok_or_else(|| Trouble::Worker("is not running".into()))?;
        let pid = victim.pid;
        let signal = victim.kill().await?;
        Ok(Killed { pid, signal })
    }

    /// Starts it again, and gives its process id.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if it does not become ready.
    pub async fn start_again(&mut self) -> Result<u32, Trouble> {
        self.start_these(vec![self.victim()]).await?;
        let victim = self.running.get(self.victim());
        victim
            .map(|victim| victim.pid)
            .ok_or_else(|| Trouble::Worker("is not running".into()))
    }

    fn victim(&self) -> &'static str {
        match self.site {
            Site::File(_) => ALONE,
            Site::Servers { .. } => VICTIM,
        }
    }

    /// Asks all of them to stop. 0 if each ends with 0, else what the first of the others ended with.
    ///
    /// # Errors
    /// [`Trouble`] of one that does not stop; those are killed.
    pub async fn stop(&mut self) -> Result<Option<i32>, Trouble> {
        let running = std::mem::take(&mut self.running);
        for process in running.values() {
            process.tell_to_stop()?;
        }
        let mut worst = Some(0);
        for process in running.into_values() {
            let code = process.stopped().await?;
            if worst == Some(0) {
                worst = code;
            }
        }
        Ok(worst)
    }

    /// Whatever happened before: from here on none of them runs. On servers they say goodbye, so that nobody has to wait
    /// for their sessions to run out.
    pub async fn end(&mut self) {
        let killed = match self.site {
            Site::File(_) => None,
            Site::Servers { .. } => Some(self.stop().await.is_ok()),
        };
        if killed != Some(true) {
            for process in std::mem::take(&mut self.running).into_values() {
                let _ = process.kill().await; // it has ended already
            }
        }
    }

    /// Speaks with the one that listens.
    ///
    /// # Errors
    /// [`Trouble::Worker`] if none does.
    pub fn client(&self) -> Result<&Client, Trouble> {
        let there = self.client.as_ref().filter(|_| !self.running.is_empty());
        there.ok_or_else(|| Trouble::Worker("is not running".into()))
    }
    /// Each with its process id.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let all = self.running.iter();
        all.map(|(name, process)| (*name, process.pid))
    }
    /// Where they work.
    pub fn site(&self) -> &Site {
        &self.site
    }
    /// The last lines that they wrote.
    pub fn tail(&self) -> Vec<String> {
        self.tail.lines()
    }
    /// What they log.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::accepts;
    use std::ffi::OsString;

    fn lines(site: Site) -> Vec<Vec<OsString>> {
        let house = House::new(site, PathBuf::from("worker.log"));
        let names = GROUPS.iter().map(|(name, _)| *name).chain([EDGE]);
        let line = |name| {
            let command = house.command(name).expect("a command");
            let arguments = command.as_std().get_args();
            arguments.map(OsString::from).collect()
        };
        names.map(line).collect()
    }

    #[test]
    fn every_process_is_started_as_the_command_line_takes_it() {
        let sites = [
            Site::File("/tmp/demo/troupe.db".into()),
            Site::Servers {
                config: Some("my.toml".into()),
                tenant: "demo-1".into(),
            },
        ];
        for line in sites.into_iter().flat_map(lines) {
            let texts: Vec<&str> = line.iter().filter_map(|text| text.to_str()).collect();
            let line = ["troupe"].into_iter().chain(texts);
            accepts(line).expect("accepted");
        }
    }
    #[test]
    fn every_consumer_of_the_map_runs_somewhere() {
        let all: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        for (_, consumer) in events::map::TopicMap::embedded().consumers() {
            let context = consumer.name.split('.').next().expect("a name");
            assert!(all.contains(&context), "{}", consumer.name);
        }
    }
}
