//! The edge: made, served, stopped.
use crate::admission::Admission;
use crate::app::{App, stopped};
use crate::config::EdgeConfig;
use crate::health::Health;
use crate::metrics::{Metrics, Observed};
use crate::operations::{Marks, Operations};
use crate::router::{open_router, router};
use axum::serve::ListenerExt;
use events::id::partition_of;
use events::map::TopicMap;
use events::topic;
use runtime::{PortError, Ports};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Why an edge cannot be made or served.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The log has not the topics of the map.
    #[error("there is no topic {0}: create the topics first")]
    NoTopic(&'static str),
    /// A port could not be asked.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The listener failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] std::io::Error),
}

/// Before it is asked again where the replies end.
const AGAIN: Duration = Duration::from_millis(250);

/// Where the replies end now. When a cluster starts, the partition may have no leader for a while.
async fn replies_end(app: &App) -> i64 {
    loop {
        match app.operations.replies_end().await {
            Ok(end) => return end,
            Err(error) => tracing::warn!(%error, "replies cannot be heard yet"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// HTTP in front of the log: commands in, replies, streams and queries out.
pub struct Edge {
    app: App,
    marks: Marks,
    stop: watch::Sender<bool>,
}

impl Edge {
    /// On these ports. The partition of `replies` that it hears is a hash of itself: nobody allocates it, and a
    /// collision is harmless (H1).
    ///
    /// # Errors
    /// [`EdgeError::NoTopic`].
    pub fn new(
        ports: Ports,
        config: EdgeConfig,
        health: Arc<dyn Health>,
    ) -> Result<Self, EdgeError> {
        let partitions = ports
            .log
            .partitions(topic::REPLIES)
            .ok_or(EdgeError::NoTopic(topic::REPLIES))?;
        let partition = partition_of(&ports.clock.random(), partitions);
        let (stop, stopping) = watch::channel(false);
        let (operations, marks) = Operations::new(ports.clone(), partition, stopping.clone());
        let operations = operations.with_documents(config.limits.documents_per_tenant);
        let admission = Admission::new(
            config.limits.concurrency,
            config.limits.concurrency_per_tenant,
        );
        let (observed, more_metrics) = (Observed::default(), vec![]);
        let app = App {
            ports,
            map: Arc::new(TopicMap::embedded().clone()),
            config,
            health,
            more_metrics,
            observed,
            admission,
            operations,
            stopping,
        };
        Ok(Self { app, marks, stop })
    }

    /// With what the rest of the process counts.
    pub fn with_metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.app.more_metrics.push(metrics);
        self
    }

    /// What it is made of.
    #[cfg(feature = "testkit")]
    pub(crate) fn into_parts(self) -> (App, Marks, watch::Sender<bool>) {
        (self.app, self.marks, self.stop)
    }

    /// Serves only what needs no key, health and metrics: for a process of workers, which hears no replies.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve_open(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), EdgeError> {
        let router = open_router(Arc::new(self.app));
        Ok(axum::serve(listener, router)
            .with_graceful_shutdown(shutdown)
            .await?)
    }

    /// Serves until `shutdown` returns; then accepts no more, ends waits (as 202) and streams (with `bye`), and
    /// gives what is in flight [`crate::Limits::stop_s`] to finish.
    ///
    /// Nobody is let in before replies can be heard.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), EdgeError> {
        let Self { app, marks, stop } = self;
        let app = Arc::new(app);
        let mut shutdown = Box::pin(shutdown);
        let heard_from = tokio::select! {
            biased;
            () = &mut shutdown => return Ok(()),
            end = replies_end(&app) => end,
        };
        let (hearing, sending, marking) = (app.clone(), app.clone(), app.clone());
        let background = [
            tokio::spawn(async move { hearing.operations.listen(heard_from).await }),
            tokio::spawn(async move { sending.operations.keep_sending().await }),
        ];
        let (end, ended) = watch::channel(false);
        let marking =
            tokio::spawn(async move { marking.operations.mark_sent(marks, &ended).await });

        let (stopping, grace) = (
            app.stopping.clone(),
            Duration::from_secs(app.config.limits.stop_s),
        );
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection without nodelay");
            }
        });
        let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
            shutdown.await;
            stop.send_replace(true);
        });
        let over = async {
            stopped(&stopping).await;
            tokio::time::sleep(grace).await;
        };
        let served = tokio::select! {
            served = serving => served,
            () = over => {
                tracing::warn!(?grace, "requests were still under way when the edge stopped");
                Ok(())
            }
        };
        for task in background {
            task.abort();
        }
        end.send_replace(true);
        // A mark that is lost is a command sent again, and recognised.
        let _ = tokio::time::timeout(grace.max(Duration::from_secs(1)), marking).await;
        Ok(served?)
    }
}
