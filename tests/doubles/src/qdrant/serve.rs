//! The gRPC services.
use super::faults::Faults;
use super::store::Store;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::{HealthCheckReply, HealthCheckRequest};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

pub(super) struct Served {
    _store: Store,
    _faults: Faults,
}

pub(super) fn spawn(listener: TcpListener, store: Store, faults: Faults) {
    let served = Served {
        _store: store,
        _faults: faults,
    };
    let serving = Server::builder()
        .add_service(QdrantServer::new(served))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serving);
}

#[tonic::async_trait]
impl Qdrant for Served {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        Ok(Response::new(HealthCheckReply {
            title: "a double of qdrant".to_owned(),
            version: "1.20.0".to_owned(),
            commit: None,
        }))
    }
}
