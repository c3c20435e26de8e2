//! Whoever asks: as the edge would for its clients, and as upstream systems publish.
use super::super::load;
use events::documents::DocumentUploaded;
use events::envelope::name;
use events::{Addressed, BlobRef, Headers, MessageId, Record, ReplyAddress, TenantId};
use futures::StreamExt;
use runtime::emission::Emitter;
use runtime::emits::AnyRecord;
use runtime::ports::log::Outgoing;
use runtime::testkit::sim::Sim;
use runtime::{Moment, Ports};

/// How long a command may wait, in milliseconds: more than any storm takes.
const TIME_MS: i64 = 3_600_000;

/// They meet neither delays nor faults.
pub struct Clients {
    ports: Ports,
}

impl Clients {
    pub async fn new(sim: &Sim) -> Self {
        let ports = load::ports(&sim.outside("clients")).await;
        Self { ports }
    }

    /// A command whose id, and whose operation's, is `request`.
    pub async fn command<A: Addressed>(
        &self,
        tenant: &str,
        request: &str,
        command: &A,
    ) -> Outgoing {
        let now_ms = self.ports.clock.now_ms();
        let at = Moment {
            tenant: tenant.into(),
            id: command.id().into(),
            message: MessageId {
                tenant: tenant.to_owned(),
                source: "troupe/edge".to_owned(),
                id: request.to_owned(),
            },
            consumer: "edge".into(),
            correlation: request.into(),
            idempotency_key: request.to_owned(),
            now_ms,
            ..Moment::for_tests(command.id())
        };
        let reply_to = ReplyAddress {
            topic: "replies".to_owned(),
            key: format!("{tenant}/{request}"),
            partition: None,
            request: request.to_owned(),
            from_outside: false,
        };
        Emitter::new(&self.ports)
            .command(&at, command, &reply_to, now_ms + TIME_MS)
            .await
            .expect("a sound command")
    }

    /// The same from a system outside, on the inbox of the context; the answer has the same key, on another topic.
    pub fn outsiders_say<A: Addressed>(
        &self,
        tenant: &str,
        request: &str,
        command: &A,
    ) -> Outgoing {
        let mut headers = Headers::default();
        headers.set(name::ID, request);
        headers.set(name::SOURCE, "crm");
        headers.set(name::TENANT, tenant);
        headers.set(name::TYPE, A::NAME);
        headers.set(name::CORRELATION, request);
        headers.set(name::REPLY_TO, "replies.upstream");
        headers.set(name::REPLY_KEY, format!("{tenant}/{request}"));
        headers.set(name::REQUEST, request);
        let deadline_ms = self.ports.clock.now_ms() + TIME_MS;
        headers.set(name::DEADLINE, deadline_ms.to_string());
        let datum = command.encode_for_outside().expect("encodes");
        let payload = self.ports.schemas.frame(A::NAME, &datum);
        let context = A::TOPIC.split('.').next().unwrap_or_default();
        Outgoing {
            topic: format!("inbox.{context}.commands"),
            partition: None,
            key: format!("{tenant}/{}", command.id()).into_bytes(),
            headers,
            payload: payload.expect("frames"),
        }
    }

    /// What an upstream system says, under its own id.
    pub fn uploaded(&self, tenant: &str, id: &str, uploaded: &DocumentUploaded) -> Outgoing {
        let mut headers = Headers::default();
        headers.set(name::ID, id);
        headers.set(name::SOURCE, "crm");
        headers.set(name::TENANT, tenant);
        headers.set(name::TYPE, DocumentUploaded::NAME);
        let datum = DocumentUploaded::schema()
            .encode(uploaded)
            .expect("encodes");
        let payload = self.ports.schemas.frame(DocumentUploaded::NAME, &datum);
        Outgoing {
            topic: "inbox.document.uploaded".to_owned(),
            partition: None,
            key: format!("{tenant}/{}", uploaded.document).into_bytes(),
            headers,
            payload: payload.expect("frames"),
        }
    }

    pub async fn send(&self, message: Outgoing) {
        let sent = self.ports.log.append(vec![message]).await;
        sent.expect("clients meet no faults");
    }

    /// Puts a blob.
    pub async fn put(&self, tenant: &str, id: &str, content: &str) -> BlobRef {
        let tenant = TenantId::new(tenant).expect("a tenant");
        let content = futures::stream::iter([Ok(content.to_owned().into())]).boxed();
        let put = self.ports.blobs.put(&tenant, id, content, 1 << 20).await;
        put.expect("clients meet no faults")
    }
}
