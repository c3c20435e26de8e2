//! An upstream system: it writes inboxes, with any Kafka client, and nothing of it is ours.
use super::load::Caller;
use events::BlobRef;
use events::documents::DocumentUploaded;
use events::record::Record as _;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const INBOX: &str = "inbox.document.uploaded";
/// Its subject.
pub(super) const UPLOADED: &str = "inbox.document.uploaded-value";
/// Where chatbots are asked for something from outside.
pub(super) const COMMANDS: &str = "inbox.chatbots.commands";
/// Of what upstream may take.
const CALL: Duration = Duration::from_secs(20);

pub(super) struct Upstream {
    producer: FutureProducer,
    registry: String,
    http: reqwest::Client,
}

impl Upstream {
    pub(super) fn new(bootstrap: &str, registry: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("message.max.bytes", "20000000")
            // Java's partitioner, which is Troupe's as well (I5).
            .set("partitioner", "murmur2_random");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        Self {
            producer: config.create().expect("a producer"),
            registry: registry.to_owned(),
            http: http.build().expect("a client"),
        }
    }

    async fn asked(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request
            .timeout(CALL)
            .send()
            .await
            .expect("the registry answers");
        let status = response.status();
        let text = response.text().await.expect("text");
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
    /// The id of a subject's schema as it is registered, and the schema.
    pub(super) async fn latest(&self, subject: &str) -> (u32, Value) {
        let url = format!("{}/subjects/{subject}/versions/latest", self.registry);
        let found = self.asked(self.http.get(url)).await;
        let id = found["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let schema = found["schema"].as_str().expect("a schema");
        (
            id.expect("an id"),
            serde_json::from_str(schema).expect("JSON"),
        )
    }
    /// Registers the same with one more field at its end, a text with a default; the new id.
    pub(super) async fn register_with(&self, field: &str) -> u32 {
        let (_, mut schema) = self.latest(UPLOADED).await;
        let more = json!({ "name": field, "type": "string", "default": "" });
        schema["fields"].as_array_mut().expect("fields").push(more);
        let url = format!("{}/subjects/{UPLOADED}/versions", self.registry);
        let body = json!({ "schema": schema.to_string(), "schemaType": "AVRO" });
        let found = self.asked(self.http.post(url).json(&body)).await;
        u32::try_from(found["id"].as_u64().expect("an id")).expect("an id")
    }

    /// What was uploaded there: the blob is in our store.
    pub(super) async fn uploaded(&self, caller: &Caller, document: &str) -> Vec<u8> {
        let content =
            format!("# {document}\n\nThe lamp of the lighthouse is cleaned. This is {document}.\n");
        let put = || {
            caller
                .request(Method::POST, "/v1/blobs")
                .body(content.clone())
        };
        let blob = caller.insist(put).await.body;
        let text = |name: &str| blob[name].as_str().expect(name).to_owned();
        let uploaded = DocumentUploaded {
            document: document.into(),
            chatbot: "bot".into(),
            name: format!("{document}.md"),
            media_type: "text/markdown".into(),
            blob: BlobRef {
                id: text("id"),
                size: blob["size"].as_i64().expect("a size"),
                sha256: text("sha256"),
            },
            ..DocumentUploaded::default()
        };
        DocumentUploaded::schema()
            .encode(&uploaded)
            .expect("encodes")
    }

    /// Publishes on an inbox; refused with the broker's code, or there.
    pub(super) async fn publish(
        &self,
        inbox: &str,
        (tenant, named): (&str, &str),
        payload: &[u8],
        more: &[(&str, &str)],
    ) -> Result<(), RDKafkaErrorCode> {
        let key = format!("{tenant}/{named}");
        let ours = [
            ("ce_specversion", "1.0"),
            ("ce_id", named),
            ("ce_source", "upstream"),
            ("ce_tenantid", tenant),
        ];
        let headers = ours
            .iter()
            .chain(more)
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(*value),
                })
            });
        let record = FutureRecord::to(inbox)
            .key(&key)
            .payload(payload)
            .headers(headers);
        match self.producer.send(record, CALL).await {
            Ok(_) => Ok(()),
            Err((KafkaError::MessageProduction(code), _)) => Err(code),
            Err((e, _)) => panic!("{e}"),
        }
    }
}

/// A zero byte, the schema's id, the datum.
pub(super) fn framed(id: u32, datum: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), datum].concat()
}

/// An operator changes how large a topic's messages may be.
pub(super) async fn takes(bootstrap: &str, topic: &str, bytes: usize) {
    let mut config = ClientConfig::new();
    let config = config.set("bootstrap.servers", bootstrap);
    let admin: AdminClient<DefaultClientContext> = config.create().expect("a client");
    let bytes = bytes.to_string();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &bytes);
    let changed = admin.alter_configs([&change], &AdminOptions::new()).await;
    for changed in changed.expect("the broker answers") {
        changed.expect("it is changed");
    }
}
