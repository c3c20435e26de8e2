//! A whole Troupe in this process: all workers, the edge, a file in a directory of its own.
use super::caller::{Caller, client};
use app::demo::evidence::{Document, Evidence};
use app::demo::found::{Found, Stores};
use app::look::Look;
use app::wiring::{Figures, Unfinished};
use app::{App, Config, Roles};
use edge::Which;
use edge::{ApiKey, KeyHash};
use events::TenantId;
use runtime::dead_letters::Letter;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// How long stopping may take.
const STOP: Duration = Duration::from_secs(30);

pub(super) struct World {
    app: Option<App>,
    pub(super) config: Config,
    http: reqwest::Client,
    dir: TempDir,
}

fn key(tenant: &str) -> ApiKey {
    ApiKey {
        tenant: TenantId::new(tenant).expect("a tenant"),
        name: "test".into(),
        sha256: KeyHash::of(&secret(tenant)),
    }
}
fn secret(tenant: &str) -> String {
    format!("{tenant}-secret")
}

impl World {
    /// With two tenants, `acme` and `globex`, and whatever else is configured.
    pub(super) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        events::record::limit_allocations();
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::defaults();
        config.data.path = dir.path().join("troupe.db");
        config.http.listen = ([127, 0, 0, 1], 0).into();
        config.access.keys = vec![key("acme"), key("globex")];
        configure(&mut config);
        let mut world = Self {
            app: None,
            config,
            http: client(),
            dir,
        };
        world.start(&Roles::all()).await;
        world
    }
    /// With a chatbot of `acme`, `bot`.
    pub(super) async fn new() -> Self {
        Self::with_chatbot(|_| {}).await
    }
    pub(super) async fn with_chatbot(configure: impl FnOnce(&mut Config)) -> Self {
        let world = Self::with(configure).await;
        world.acme().create("bot").await;
        world
    }

    pub(super) async fn start(&mut self, roles: &Roles) {
        let started = App::start(&self.config, roles).await;
        self.app = Some(started.unwrap_or_else(|e| panic!("{e}")));
    }
    /// Stops within a bounded time, with nothing left in hand.
    pub(super) async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            assert_eq!(app.stop(STOP).await, Unfinished::default());
        }
    }

    pub(super) fn app(&self) -> &App {
        self.app.as_ref().expect("it runs")
    }
    pub(super) fn acme(&self) -> Caller {
        self.caller("acme")
    }
    pub(super) fn caller(&self, tenant: &str) -> Caller {
        self.caller_with(&secret(tenant))
    }
    pub(super) fn caller_with(&self, key: &str) -> Caller {
        let address = self.app().address().expect("it listens");
        Caller::new(&self.http, &format!("http://{address}"), key)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.path().join("troupe.db")
    }
    /// What the tables hold of these documents of `acme`, and the log.
    pub(super) async fn found(&self, documents: &[&str]) -> Found {
        let document = |id: &&str| Document {
            id: (*id).to_owned(),
            ..Document::default()
        };
        let evidence = Evidence {
            tenant: "acme".into(),
            documents: documents.iter().map(document).collect(),
            ..Evidence::default()
        };
        Stores::File(self.database())
            .look(&evidence)
            .await
            .expect("readable")
    }
    pub(super) async fn dead_letters(&self) -> Vec<Letter> {
        let look = Look::open(&self.database()).await.expect("readable");
        let all = Which::default();
        let listed = look.operator().list(&all, None, 1_000).await;
        let (letters, more) = listed.expect("readable");
        assert_eq!(more, None);
        letters
    }
    /// What a consumer has done since the start.
    pub(super) fn figures(&self, consumer: &str) -> Figures {
        let all = self.app().watch().figures().into_iter();
        let mut of = all.filter(|figures| figures.consumer == consumer);
        of.next().expect("it runs")
    }
    /// Failed attempts and dead letters of all consumers since the start.
    pub(super) fn failures(&self) -> (u64, u64) {
        let all = self.app().watch().figures();
        let retried = all.iter().map(|figures| figures.retried).sum();
        (
            retried,
            all.iter().map(|figures| figures.dead_lettered).sum(),
        )
    }
}
