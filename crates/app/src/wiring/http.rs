//! The edge within the process: what it is told of health and metrics, how it is served and stopped.
use super::{StartError, Watch};
use crate::Config;
use edge::{Check, Condition, Edge, EdgeConfig, EdgeError, Health, Limits, Metrics, OperatorKey};
use runtime::{BoxFuture, Ports};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The edge, serving.
pub(super) struct Http {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), EdgeError>>,
}

/// Opens the port.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

impl Http {
    /// Serves health and metrics only, on the listener.
    pub(super) fn start_open(
        listener: TcpListener,
        config: &Config,
        ports: &Ports,
        watch: &Arc<Watch>,
    ) -> Result<Self, StartError> {
        let failed = |e: &dyn std::fmt::Display| StartError::Edge(e.to_string());
        let address = listener.local_addr().map_err(|e| failed(&e))?;
        let edge = Edge::new(ports.clone(), edge_config(config, address), watch.clone())
            .map_err(|e| failed(&e))?
            .with_metrics(watch.clone());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await; // dropped is stopped too
        };
        let serving = tokio::spawn(edge.serve_open(listener, shutdown));
        Ok(Self {
            address,
            stop,
            serving,
        })
    }

    /// Serves on the listener.
    pub(super) fn start(
        listener: TcpListener,
        config: &Config,
        local: OperatorKey,
        ports: &Ports,
        watch: &Arc<Watch>,
    ) -> Result<Self, StartError> {
        let failed = |e: &dyn std::fmt::Display| StartError::Edge(e.to_string());
        let address = listener.local_addr().map_err(|e| failed(&e))?;
        let mut config = edge_config(config, address);
        config.operators.push(local);
        let edge = Edge::new(ports.clone(), config, watch.clone()).map_err(|e| failed(&e))?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await; // dropped is stopped too
        };
        let serving = tokio::spawn(edge.with_metrics(watch.clone()).serve(listener, shutdown));
        Ok(Self {
            address,
            stop,
            serving,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests and ends those under way; whether all of them ended in time.
    pub(super) async fn stop(self, deadline: Duration) -> bool {
        let _ = self.stop.send(()); // it has ended already
        let mut serving = self.serving;
        match tokio::time::timeout(deadline, &mut serving).await {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(error))) => {
                tracing::error!(%error, "the edge failed");
                false
            }
            Ok(Err(_)) => false,
            Err(_) => {
                serving.abort();
                false
            }
        }
    }
}

fn edge_config(config: &Config, listen: SocketAddr) -> EdgeConfig {
    EdgeConfig {
        listen,
        keys: config.access.keys.clone(),
        operators: config.access.operators.clone(),
        limits: Limits {
            stop_s: config.process.stop_s,
            ..config.limits.clone()
        },
        cors_origins: config.http.cors_origins.clone(),
    }
}

impl Health for Watch {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        let down = |trouble: super::Trouble| {
            Check::not_up(
                format!("consumer {}", trouble.consumer),
                Condition::Down,
                trouble.what,
            )
        };
        let mut checks: Vec<Check> = self.troubles().into_iter().map(down).collect();
        if checks.is_empty() {
            checks.push(Check::up(format!("{} consumers", self.figures().len())));
        }
        Box::pin(async move { checks })
    }
}

impl Metrics for Watch {
    fn text(&self) -> String {
        let (figures, mut text) = (self.figures(), String::new());
        type Read = fn(&super::Figures) -> u64;
        let counters: [(&str, &str, Read); 8] = [
            ("fetched", "Messages fetched", |f| f.fetched),
            ("done", "Messages whose result was committed", |f| f.done),
            ("refused", "Messages refused", |f| f.refused),
            ("repeated", "Repeats and duplicates", |f| f.repeated),
            ("dead_lettered", "Dead letters", |f| f.dead_lettered),
            ("parked", "Dead letters that come back by themselves", |f| {
                f.parked
            }),
            ("failed_attempts", "Attempts that failed", |f| f.retried),
            ("commits", "Commits", |f| f.commits),
        ];
        for (name, help, read) in counters {
            let values = figures.iter().map(|f| (f.consumer.as_str(), read(f)));
            family(&mut text, name, "counter", "_total", help, values);
        }
        let gauges: [(&str, &str, Read); 3] = [
            ("waiting", "Messages fetched and not committed", |f| {
                f.waiting
            }),
            ("partitions", "Partitions that are ours", |f| f.partitions),
            (
                "oldest_seconds",
                "Age of the oldest message fetched and not done",
                |f| f.oldest_s,
            ),
        ];
        for (name, help, read) in gauges {
            let values = figures.iter().map(|f| (f.consumer.as_str(), read(f)));
            family(&mut text, name, "gauge", "", help, values);
        }
        let troubles = self.troubles();
        let stalled = figures.iter().map(|f| {
            let named = troubles.iter().any(|t| t.consumer == f.consumer);
            (f.consumer.as_str(), u8::from(named))
        });
        let help =
            "1 if it has ended, does nothing, hangs in a commit, or does not read a partition";
        family(&mut text, "stalled", "gauge", "", help, stalled);
        let lags = self.lags();
        let values = lags.iter().map(|(consumer, lag)| (consumer.as_str(), *lag));
        family(
            &mut text,
            "lag",
            "gauge",
            "",
            "Offsets from the checkpoint to the end of the topic",
            values,
        );
        dependencies(&mut text, self);
        text
    }
}

/// What is down, who waits for it, and what is let in again little by little.
fn dependencies(text: &mut String, watch: &Watch) {
    let mut gauge = |name: &str, help: &str, values: Vec<(String, u32)>| {
        put(
            text,
            format_args!("# TYPE troupe_{name} gauge\n# HELP troupe_{name} {help}.\n"),
        );
        for (labels, value) in values {
            put(text, format_args!("troupe_{name}{{{labels}}} {value}\n"));
        }
    };
    let label = |name: &str, value: &str| format!("{name}=\"{}\"", escaped(value));
    let outages = watch.outages();
    let down = outages.iter().map(|outage| {
        let dependency = label("dependency", &outage.dependency);
        (format!("{dependency},{}", label("why", &outage.why)), 1)
    });
    let help = "Dependencies whose breaker is open, and the latest failure";
    gauge("outage", help, down.collect());
    let paused = outages.iter().flat_map(|outage| {
        let dependency = label("dependency", &outage.dependency);
        let of =
            move |consumer: &Arc<str>| (format!("{},{dependency}", label("consumer", consumer)), 1);
        outage.waiting.iter().map(of).collect::<Vec<_>>()
    });
    let help = "Consumers with messages that wait for a dependency which is down";
    gauge("paused", help, paused.collect());
    let recovering = watch.recovering().into_iter();
    let recovering = recovering.map(|of| (label("dependency", &of.dependency), of.let_in));
    let help = "Calls let in at a time to a dependency that is back";
    gauge("recovering", help, recovering.collect());
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(line); // writing to a String cannot fail
}

/// One metric family, labelled by consumer.
fn family<'a, V: std::fmt::Display>(
    text: &mut String,
    name: &str,
    kind: &str,
    suffix: &str,
    help: &str,
    values: impl Iterator<Item = (&'a str, V)>,
) {
    put(
        text,
        format_args!(
            "# TYPE troupe_consumer_{name} {kind}\n# HELP troupe_consumer_{name} {help}.\n"
        ),
    );
    for (consumer, value) in values {
        put(
            text,
            format_args!("troupe_consumer_{name}{suffix}{{consumer=\"{consumer}\"}} {value}\n"),
        );
    }
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
