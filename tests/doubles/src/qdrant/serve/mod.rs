//! The gRPC services, and what goes wrong with their calls.
mod collections;
mod points;

use super::faults::{Fault, Faults};
use super::store::Store;
use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::{HealthCheckReply, HealthCheckRequest};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A header that befalls the call that carries it: a fault as in a rule, without `CALLS:`.
const HEADER: &str = "double-fault";

/// As Qdrant's own largest: requests and answers.
const LARGEST: usize = 32 << 20;

#[derive(Clone)]
pub(super) struct Served {
    store: Store,
    faults: Faults,
}

/// Whether a call changes something.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Read,
    Write,
}

type Answer<R> = Result<Response<R>, Status>;

/// Serves until the runtime ends.
pub(super) fn spawn(listener: TcpListener, store: Store, faults: Faults) {
    let served = Served { store, faults };
    let points = PointsServer::new(served.clone());
    let collections = CollectionsServer::new(served.clone());
    let serving = Server::builder()
        .add_service(
            points
                .max_decoding_message_size(LARGEST)
                .max_encoding_message_size(LARGEST),
        )
        .add_service(collections)
        .add_service(QdrantServer::new(served))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tokio::spawn(serving);
}

impl Served {
    /// A call and what befalls it. `act` does it, and pauses half-way for the time it is given.
    async fn call<Q: Clone, R, F: Future<Output = Result<R, Status>>>(
        &self,
        method: &str,
        does: Does,
        request: Request<Q>,
        act: impl Fn(Q, Option<Duration>) -> F,
    ) -> Answer<R> {
        let fault = match request.metadata().get(HEADER) {
            None => self.faults.befall(method, does == Does::Write),
            Some(asked) => {
                let asked = asked.to_str().unwrap_or_default();
                let rules = Faults::parse(&format!("any: {asked}"));
                let rules = rules.map_err(|wrong| Status::invalid_argument(wrong.to_string()))?;
                rules.first().map(|rule| rule.fault)
            }
        };
        let asked = request.into_inner();
        let lost = || Status::unavailable("the double of Qdrant is told to be unavailable");
        let done = match fault {
            None => act(asked, None).await,
            Some(Fault::Unavailable) => Err(lost()),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                act(asked, None).await
            }
            Some(Fault::Lost) => {
                act(asked, None).await?;
                Err(lost())
            }
            Some(Fault::Mute) => {
                act(asked, None).await?;
                std::future::pending().await
            }
            Some(Fault::Twice) => {
                let _ = act(asked.clone(), None).await;
                act(asked, None).await
            }
            Some(Fault::Torn(time)) => act(asked, Some(time)).await,
        };
        done.map(Response::new)
    }
}

#[tonic::async_trait]
impl Qdrant for Served {
    async fn health_check(&self, request: Request<HealthCheckRequest>) -> Answer<HealthCheckReply> {
        let act = async |_, _| {
            Ok(HealthCheckReply {
                title: "a double of qdrant".to_owned(),
                version: "1.20.0".to_owned(),
                commit: None,
            })
        };
        self.call("HealthCheck", Does::Read, request, act).await
    }
}
