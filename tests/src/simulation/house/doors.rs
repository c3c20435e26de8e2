//! The edges that take requests now: one a process, without a socket. A request to one that is killed breaks off.
use edge::testkit::{Answered, InProcess};
use edge::{AlwaysUp, ApiKey, Edge, EdgeConfig, KeyHash};
use events::TenantId;
use runtime::Ports;
use runtime::testkit::sim::{Random, SimProcess};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::load::TENANTS;

/// The longest that a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(75);

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Request {
    pub tenant: &'static str,
    pub method: &'static str,
    pub path: String,
    /// `None`: it asks how something stands.
    pub idempotency_key: Option<String>,
    /// `text/markdown`, or JSON.
    pub markdown: bool,
    pub body: Vec<u8>,
}

impl Request {
    /// What the operation is called that it begins (H2).
    pub fn operation(&self) -> String {
        let endpoint = format!(
            "{} {}",
            self.method,
            self.path.split('?').next().unwrap_or("")
        );
        let key = self.idempotency_key.clone().unwrap_or_default();
        let principal = principal(self.tenant);
        events::id::derived(&["edge", self.tenant, &principal, &endpoint, &key]).to_string()
    }
}

/// The name of a tenant's key.
fn principal(tenant: &str) -> String {
    format!("{tenant}-key")
}

fn secret(tenant: &str) -> String {
    format!("{tenant}-secret")
}

struct Door {
    process: SimProcess,
    edge: InProcess,
}

/// All of them, by the name of the process.
#[derive(Clone, Default)]
pub struct Doors(Arc<Mutex<BTreeMap<String, Arc<Door>>>>);

impl Doors {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Door>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the edge of a process that has just started; it is there as soon as the log answers.
    pub async fn opened(self, process: SimProcess, ports: Ports) {
        let keys = TENANTS.map(|tenant| ApiKey {
            tenant: TenantId::new(tenant).expect("a tenant"),
            name: principal(tenant),
            sha256: KeyHash::of(&secret(tenant)),
        });
        let config = EdgeConfig {
            keys: keys.to_vec(),
            ..EdgeConfig::default()
        };
        loop {
            let edge = Edge::new(ports.clone(), config.clone(), Arc::new(AlwaysUp));
            let spawner = process.clone();
            let edge = edge
                .expect("the topics are there")
                .in_process(|work| drop(spawner.spawn(work)));
            match edge.await {
                Ok(edge) => {
                    let name = process.name();
                    self.open().insert(name, Arc::new(Door { process, edge }));
                    return;
                }
                Err(_) => ports.clock.sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// One of those that may be there, as a load balancer sees it: one that is stopped looks like any other.
    fn any(&self, random: &mut Random) -> Option<Arc<Door>> {
        let mut doors = self.open();
        doors.retain(|_, door| !door.process.is_dead());
        let chosen = random.index(doors.len());
        doors.values().nth(chosen).cloned()
    }

    /// One request to one of them. `None`: there was nobody, the connection broke, or nothing came for too long.
    pub async fn request(
        &self,
        random: &mut Random,
        request: &Request,
        wait_s: u64,
    ) -> Option<Answered> {
        let door = self.any(random)?;
        let authorization = format!("Bearer {}", secret(request.tenant));
        let prefer = match wait_s {
            0 => "respond-async".to_owned(),
            seconds => format!("wait={seconds}"),
        };
        let content_type = match request.markdown {
            true => "text/markdown",
            false => "application/json",
        };
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("prefer", prefer.as_str()),
            ("content-type", content_type),
        ];
        if let Some(key) = &request.idempotency_key {
            headers.push(("idempotency-key", key));
        }
        let asking = door.edge.request(
            request.method,
            &request.path,
            &headers,
            request.body.clone(),
        );
        tokio::select! {
            biased;
            () = door.process.died() => None,
            answered = tokio::time::timeout(PATIENCE, asking) => answered.ok()?.ok(),
        }
    }
}
