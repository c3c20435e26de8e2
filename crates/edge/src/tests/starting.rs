//! A start while the log does not answer yet.
use super::support::{World, config};
use crate::{AlwaysUp, Edge};
use runtime::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use runtime::{BoxFuture, PortError, Ports};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::TcpListener;

/// A log whose partitions have no leader the first times that somebody asks for their ends.
struct Leaderless {
    log: Arc<dyn Log>,
    asked: Arc<AtomicU32>,
}

const TIMES: u32 = 2;

impl Log for Leaderless {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.log.partitions(topic)
    }
    fn max_message_bytes(&self, topic: &str) -> usize {
        self.log.max_message_bytes(topic)
    }
    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        self.log.append(messages)
    }
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        self.log.join(joining)
    }
    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        self.log.read(topic, partition, offset, limit)
    }
    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= TIMES {
            return self.log.end(topic, partition);
        }
        let why = "nobody leads it".into();
        Box::pin(async { Err(PortError::Unreachable { port: "log", why }) })
    }
    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        self.log.grown(topic, partition, offset)
    }
}

#[tokio::test]
async fn an_edge_that_cannot_hear_replies_yet_serves_when_it_can() {
    let world = World::new().await;
    let asked = Arc::new(AtomicU32::new(0));
    let log = Leaderless {
        log: world.ports.log.clone(),
        asked: asked.clone(),
    };
    let ports = Ports {
        log: Arc::new(log),
        ..world.ports.clone()
    };
    let edge = Edge::new(ports, config(), Arc::new(AlwaysUp)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health/ready", listener.local_addr().unwrap());
    let serving = tokio::spawn(edge.serve(listener, std::future::pending()));
    let ready = world.client.get(url).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    assert!(asked.load(Ordering::Relaxed) > TIMES);
    serving.abort();
}

#[tokio::test]
async fn an_edge_that_never_hears_any_can_be_stopped() {
    let world = World::new().await;
    let log = Leaderless {
        log: world.ports.log.clone(),
        asked: Arc::default(),
    };
    let ports = Ports {
        log: Arc::new(log),
        ..world.ports.clone()
    };
    let edge = Edge::new(ports, config(), Arc::new(AlwaysUp)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    edge.serve(listener, async {}).await.unwrap();
}
