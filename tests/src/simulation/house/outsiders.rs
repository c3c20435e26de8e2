//! Systems outside: what they say on inboxes, and the blobs that they put. They meet neither delays nor faults.
use super::super::load;
use events::documents::DocumentUploaded;
use events::envelope::name;
use events::{Addressed, BlobRef, Headers, Record, TenantId};
use futures::StreamExt;
use runtime::Ports;
use runtime::emits::AnyRecord;
use runtime::ports::log::{Outgoing, Position};
use runtime::testkit::sim::Sim;

/// How long a command may wait, in milliseconds: more than any storm takes.
const TIME_MS: i64 = 3_600_000;

/// Whoever speaks for them.
pub struct Outsiders {
    ports: Ports,
}

impl Outsiders {
    pub async fn new(sim: &Sim) -> Self {
        let ports = load::ports(&sim.outside("outsiders")).await;
        Self { ports }
    }

    /// A command on the inbox of its context, whose answer has the same key.
    pub fn command<A: Addressed>(&self, tenant: &str, request: &str, command: &A) -> Outgoing {
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
            topic: format!("inbox.{context}.commands").into(),
            partition: None,
            key: format!("{tenant}/{}", command.id()).into_bytes().into(),
            headers,
            payload: payload.expect("frames").into(),
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
            topic: "inbox.document.uploaded".into(),
            partition: None,
            key: format!("{tenant}/{}", uploaded.document)
                .into_bytes()
                .into(),
            headers,
            payload: payload.expect("frames").into(),
        }
    }

    /// Says it; where it stands.
    pub async fn send(&self, message: Outgoing) -> Position {
        let sent = self.ports.log.append(vec![message]).await;
        let places = sent.expect("outsiders meet no faults").into_iter();
        places.last().expect("one message, one place")
    }

    /// Puts a blob.
    pub async fn put(&self, tenant: &str, id: &str, content: &str) -> BlobRef {
        let tenant = TenantId::new(tenant).expect("a tenant");
        let content = futures::stream::iter([Ok(content.to_owned().into())]).boxed();
        let put = self.ports.blobs.put(&tenant, id, content, 1 << 20).await;
        put.expect("outsiders meet no faults")
    }
}
