//! The real binary, `troupe up`, as a process of its own, spoken to over HTTP.
use crate::machine::Failed;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A `troupe up` that ends with this value.
pub struct Server {
    process: Child,
    /// From its start until it said that it is ready.
    pub ready_after: Duration,
    client: Client,
}
impl std::ops::Deref for Server {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A tenant of it.
#[derive(Clone)]
pub struct Client {
    /// `http://127.0.0.1:…`
    pub address: String,
    http: reqwest::Client,
    key: String,
}

/// A key of the tenant `quiet`, beside the one that `--dev` makes, and what the configuration has of it.
const QUIET: &str = "quiet-secret";
const QUIETS: &str = "[[access.keys]]\ntenant = \"quiet\"\nname = \"bench\"\n\
    sha256 = \"01f4dd30b5b920274a35b8969dd3d63d98564bd81c71667aa8584ad89ebe1115\"\n";

impl Server {
    /// On the database in `directory`. The binary stands beside this one.
    pub fn start(directory: &Path) -> Result<Self, Failed> {
        let binary = std::env::current_exe()?.with_file_name("troupe");
        let config = directory.join("troupe.toml");
        std::fs::write(&config, QUIETS)?;
        let begun = Instant::now();
        let mut process = Command::new(&binary)
            .args(["up", "--dev", "--listen", "127.0.0.1:0", "--data"])
            .arg(directory.join("troupe.db"))
            .arg("--config")
            .arg(config)
            .env("TROUPE_LOG_LEVEL", "warn")
            .env("TROUPE_LIMITS_CONCURRENCY_PER_TENANT", "2048")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|e| format!("{}: {e}; build it with --release first", binary.display()))?;
        let (mut key, mut address) = (String::new(), String::new());
        let said = process.stdout.take().ok_or("no stdout")?;
        for line in BufReader::new(said).lines() {
            let line = line?;
            if let Some(made) = line.strip_prefix("key ") {
                key = made.to_owned();
            }
            if let Some(listening) = line.strip_prefix("ready ") {
                address = listening.to_owned();
                break;
            }
        }
        if address.is_empty() {
            return Err("troupe up ended before it was ready".into());
        }
        let ready_after = begun.elapsed();
        let client = Client {
            address,
            http: reqwest::Client::new(),
            key,
        };
        Ok(Self {
            process,
            ready_after,
            client,
        })
    }
    /// The same server for the tenant `quiet`.
    pub fn quiet(&self) -> Client {
        Client {
            address: self.address.clone(),
            http: reqwest::Client::new(),
            key: QUIET.to_owned(),
        }
    }
    /// Resident memory in MiB: now, and at most since the start.
    pub fn memory(&self) -> Result<(f64, f64), Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let of = |name: &str| -> Result<f64, Failed> {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .ok_or("no such line")?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
    /// Seconds of processor time used so far.
    pub fn cpu(&self) -> Result<f64, Failed> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let after = stat.rsplit(") ").next().ok_or("no stat")?;
        let ticks: Vec<&str> = after.split(' ').collect();
        let of = |i: usize| {
            ticks
                .get(i)
                .and_then(|t| t.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        Ok((of(11) + of(12)) / 100.0)
    }
}
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Client {
    /// A request with the key.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.address))
            .bearer_auth(&self.key)
    }
    /// A chatbot without sources; its id.
    pub async fn chatbot(&self, name: &str) -> Result<String, Failed> {
        let body = serde_json::json!({ "name": name, "sources": [] });
        let made = self
            .request(reqwest::Method::POST, "/v1/chatbots")
            .json(&body)
            .send()
            .await?;
        let made: serde_json::Value = made.error_for_status()?.json().await?;
        Ok(made["id"]
            .as_str()
            .ok_or("a chatbot without an id")?
            .to_owned())
    }
    /// Hands a Markdown document over; it is worked on afterwards.
    pub async fn upload(&self, chatbot: &str, name: &str, text: String) -> Result<(), Failed> {
        let path = format!("/v1/chatbots/{chatbot}/documents?name={name}");
        let request = self.request(reqwest::Method::POST, &path);
        let request = request
            .header("content-type", "text/markdown")
            .header("prefer", "respond-async");
        request.body(text).send().await?.error_for_status()?;
        Ok(())
    }
    /// Hands a Markdown document over, and waits until it can be found.
    pub async fn ingest(&self, chatbot: &str, name: &str, text: String) -> Result<(), Failed> {
        let path = format!("/v1/chatbots/{chatbot}/documents?name={name}");
        let request = self.request(reqwest::Method::POST, &path);
        let request = request.header("content-type", "text/markdown");
        let answer = request.header("prefer", "wait=60").body(text).send();
        let answer = answer.await?.error_for_status()?;
        match answer.status().as_u16() {
            201 => Ok(()),
            status => Err(format!("{name}: {status}: {}", answer.text().await?).into()),
        }
    }
    /// Asks a question that is known, and waits for the answer.
    pub async fn ask(&self, chatbot: &str, text: &str) -> Result<serde_json::Value, Failed> {
        let path = format!("/v1/chatbots/{chatbot}/questions");
        let request = self.request(reqwest::Method::POST, &path);
        let answer = request.json(&serde_json::json!({ "text": text })).send();
        let answer: serde_json::Value = answer.await?.error_for_status()?.json().await?;
        match answer["known"] == true {
            true => Ok(answer),
            false => Err(format!("not known: {text}: {answer}").into()),
        }
    }
    /// Documents that are in the index.
    pub async fn indexed(&self) -> Result<u64, Failed> {
        let metrics = self
            .request(reqwest::Method::GET, "/metrics")
            .send()
            .await?
            .text()
            .await?;
        let name = "troupe_consumer_done_total{consumer=\"knowledge.ledger\"} ";
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.ok_or("no such metric")?.parse()?)
    }
}
