//! What upstream systems and clients send: with duplicates, copies, and things that do not belong.
use super::business::{Ask, DOCUMENT, map};
use events::documents::{AddDocument, DeleteDocument, DocumentUploaded, Parsed};
use events::envelope::name;
use events::id::partition_of;
use events::{Headers, MessageId, Record, ReplyAddress};
use runtime::codec::Schemas;
use runtime::emission::Emitter;
use runtime::ports::log::{Outgoing, Position};
use runtime::testkit::sim::{Random, Sim, SimProcess};
use runtime::{Moment, Ports};

const TENANTS: [&str; 2] = ["acme", "bolt"];
const DOCUMENTS: u64 = 5;
/// The time that most commands have, in milliseconds: more than any storm takes.
const LONG_MS: u64 = 600_000;

/// A message of an upstream system, as often as it was sent.
#[derive(Clone, Debug)]
pub struct Upload {
    pub identity: MessageId,
    pub key: String,
    pub ask: Ask,
    /// Everywhere it stands on the inbox; the first one counts.
    pub places: Vec<Position>,
}

/// A client's command.
#[derive(Clone, Debug)]
pub struct Command {
    pub identity: MessageId,
    pub key: String,
    /// `None`: to delete.
    pub ask: Option<Ask>,
    /// What the client calls it.
    pub request: String,
    pub copies: u64,
    message: Outgoing,
}

/// Something on the inbox that may not pass.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub place: Position,
    pub code: &'static str,
}

/// All that was sent.
#[derive(Default)]
pub struct Sent {
    pub uploads: Vec<Upload>,
    pub commands: Vec<Command>,
    pub foreign: Vec<Foreign>,
}

/// Sends.
pub struct Load {
    /// Where commands to documents go.
    pub input: &'static str,
    ports: Ports,
    random: Random,
    pub sent: Sent,
}

/// The ports of a process, ready for the runtime.
pub async fn ports(process: &SimProcess) -> Ports {
    let clock = process.clock();
    let schemas = loop {
        match Schemas::start(process.schemas(), &events::all_records()).await {
            Ok(schemas) => break schemas,
            Err(_) => clock.sleep(std::time::Duration::from_millis(100)).await,
        }
    };
    Ports::new(process.stores(), schemas, clock)
}

impl Load {
    pub async fn new(sim: &Sim, seed: u64) -> Self {
        let ports = ports(&sim.outside("load")).await;
        Self {
            input: DOCUMENT,
            ports,
            random: Random::new(seed).stream("load"),
            sent: Sent::default(),
        }
    }

    /// Makes the topics of the business, with those of its dead letters.
    pub fn topics(sim: &Sim) {
        for topic in map().topics() {
            sim.topic(runtime::testkit::sim::SimTopic::new(
                &topic.name,
                topic.partitions,
            ));
        }
    }

    /// Sends one thing or another.
    pub async fn send(&mut self) {
        match self.random.between(0, 99) {
            0..45 => self.upload().await,
            45..55 => self.upload_again().await,
            55..60 => self.foreign().await,
            60..92 => self.command().await,
            _ => self.command_again().await,
        }
    }

    /// Sends plain work for every document, so that what stood in doubt is settled by what follows.
    pub async fn send_plain_to_all(&mut self) {
        for tenant in TENANTS {
            for document in 0..DOCUMENTS {
                self.upload_to(tenant, document, Ask::Plain).await;
            }
        }
    }

    /// Sends what never goes well.
    pub async fn send_doomed(&mut self) {
        self.upload_to(TENANTS[0], 0, Ask::Doomed).await;
    }

    /// Sends the first document what goes well.
    pub async fn send_plain(&mut self) {
        self.upload_to(TENANTS[0], 0, Ask::Plain).await;
    }
    /// Has the keys of documents of both tenants kept.
    pub async fn send_kept(&mut self) {
        for tenant in TENANTS {
            self.upload_to(tenant, 0, Ask::Kept).await;
        }
    }
    /// Asks something of the first document.
    pub async fn send_command(&mut self, ask: Ask) {
        self.command_to(TENANTS[0], 0, Some(ask), LONG_MS).await;
    }
    /// Says to the first document what a route passes on: nobody's command, so only its place says that it comes again.
    pub async fn send_routed(&mut self) {
        let add = AddDocument {
            document: "doc-0".to_owned(),
            chatbot: "bot-9".to_owned(),
            name: Ask::Late.name(),
            ..AddDocument::default()
        };
        let message = self.on_inbox("acme/doc-0", TENANTS[0], "crm", Some("routed"), &add);
        let topic = DOCUMENT.to_owned();
        self.append(Outgoing {
            topic: topic.into(),
            ..message
        })
        .await;
    }
    /// Asks something of a document.
    pub async fn send_command_to(&mut self, document: u64, ask: Ask) {
        self.command_to(TENANTS[0], document, Some(ask), LONG_MS)
            .await;
    }
    /// The first documents whose key stands in the partition of the first one's, of so many.
    pub fn neighbours(partitions: i32, count: usize) -> Vec<u64> {
        let of = |document: &u64| {
            let key = format!("{}/doc-{document}", TENANTS[0]);
            partition_of(key.as_bytes(), partitions)
        };
        let first = of(&0);
        (0..).filter(|n| of(n) == first).take(count).collect()
    }
    /// Deletes the first document.
    pub async fn send_deletion(&mut self) {
        self.command_to(TENANTS[0], 0, None, LONG_MS).await;
    }
    /// A command to the first document that is not sent yet.
    pub async fn late_command(&mut self) -> Outgoing {
        self.make_command(TENANTS[0], 0, Some(Ask::Late), LONG_MS)
            .await
            .message
    }
    /// Deletes the first document, within a second.
    pub async fn send_hurried_deletion(&mut self) {
        self.command_to(TENANTS[0], 0, None, 1_000).await;
    }
    /// Asks the first document for a late answer.
    pub async fn send_late(&mut self) {
        self.command_to(TENANTS[0], 0, Some(Ask::Late), LONG_MS)
            .await;
    }

    fn ask(&mut self) -> Ask {
        match self.random.between(0, 99) {
            0..60 => Ask::Plain,
            60..78 => Ask::Flaky(self.random.between(1, 3) as u32),
            78..86 => Ask::Slow,
            86..88 => Ask::Poison,
            88..90 => Ask::Doomed,
            _ => Ask::Refuse,
        }
    }

    async fn append(&self, message: Outgoing) -> Position {
        let places = self
            .ports
            .log
            .append(vec![message])
            .await
            .expect("the load has no faults");
        places.into_iter().next().expect("one message, one place")
    }

    fn uploaded(&self, document: &str, ask: Ask) -> DocumentUploaded {
        let chatbot = format!("bot-{}", document.len() % 3);
        let (document, name) = (document.to_owned(), ask.name());
        DocumentUploaded {
            document,
            chatbot,
            name,
            media_type: "text/plain".to_owned(),
            ..DocumentUploaded::default()
        }
    }

    fn on_inbox<R: Record>(
        &self,
        key: &str,
        tenant: &str,
        source: &str,
        id: Option<&str>,
        record: &R,
    ) -> Outgoing {
        let mut headers = Headers::default();
        headers.set_some(name::ID, id);
        headers.set(name::SOURCE, source);
        headers.set(name::TENANT, tenant);
        headers.set(name::TYPE, R::NAME);
        let datum = R::schema().encode(record).expect("encodes");
        let payload = self.ports.schemas.frame(R::NAME, &datum).expect("frames");
        Outgoing {
            topic: "inbox.document.uploaded".into(),
            partition: None,
            key: key.as_bytes().to_vec().into(),
            headers,
            payload: payload.into(),
        }
    }

    async fn upload(&mut self) {
        let tenant = TENANTS[self.random.index(TENANTS.len())];
        let document = self.random.between(0, DOCUMENTS - 1);
        let ask = self.ask();
        self.upload_to(tenant, document, ask).await;
    }

    async fn upload_to(&mut self, tenant: &str, document: u64, ask: Ask) {
        let (document, number) = (format!("doc-{document}"), self.sent.uploads.len());
        let key = format!("{tenant}/{document}");
        // Two sources use the same ids; and one message in ten has none (I1).
        let source = if number.is_multiple_of(2) {
            "crm"
        } else {
            "shop"
        };
        let id = (!self.random.chance(100)).then(|| format!("up-{}", number / 2));
        let message = self.on_inbox(
            &key,
            tenant,
            source,
            id.as_deref(),
            &self.uploaded(&document, ask),
        );
        let place = self.append(message).await;
        let id =
            id.unwrap_or_else(|| format!("{}#1/{}/{}", place.topic, place.partition, place.offset));
        let identity = MessageId {
            tenant: tenant.to_owned(),
            source: source.to_owned(),
            id,
        };
        self.sent.uploads.push(Upload {
            identity,
            key,
            ask,
            places: vec![place],
        });
    }

    /// An upstream system that does not know whether it has sent something.
    async fn upload_again(&mut self) {
        let named = |upload: &&mut Upload| !upload.identity.id.contains('#');
        let mut uploads: Vec<&mut Upload> = self.sent.uploads.iter_mut().filter(named).collect();
        if uploads.is_empty() {
            return;
        }
        let chosen = self.random.index(uploads.len());
        let upload = uploads.swap_remove(chosen).clone();
        let MessageId { tenant, source, id } = &upload.identity;
        let document = upload
            .key
            .split_once('/')
            .map_or("", |(_, document)| document);
        let message = self.on_inbox(
            &upload.key,
            tenant,
            source,
            Some(id),
            &self.uploaded(document, upload.ask),
        );
        let place = self.append(message).await;
        for sent in &mut self.sent.uploads {
            if sent.identity == upload.identity {
                sent.places.push(place.clone());
            }
        }
    }

    async fn foreign(&mut self) {
        let number = self.sent.foreign.len();
        let (document, id) = (format!("odd-{number}"), format!("odd-{number}"));
        let key = format!("acme/{document}");
        let uploaded = self.uploaded(&document, Ask::Plain);
        let sound =
            |key: &str, tenant: &str| self.on_inbox(key, tenant, "odd", Some(&id), &uploaded);
        let (message, code) = match number % 6 {
            0 => (
                sound(&format!("evil/{document}"), "evil"),
                "runtime.tenant_not_allowed",
            ),
            1 => (sound(&key, "bolt"), "runtime.tenant_mismatch"),
            2 => (sound("Not a key", "acme"), "runtime.invalid_key"),
            3 => {
                let mut message = sound(&key, "acme");
                message.payload = [&message.payload[..], &[7]].concat().into();
                (message, "runtime.undecodable")
            }
            4 => (
                Outgoing {
                    payload: vec![0, 0, 0, 77, 77, 1].into(),
                    ..sound(&key, "acme")
                },
                "runtime.unknown_schema",
            ),
            _ => {
                let wrong = Parsed {
                    document,
                    ..Parsed::default()
                };
                (
                    self.on_inbox(&key, "acme", "odd", Some(&id), &wrong),
                    "runtime.unknown_schema",
                )
            }
        };
        let place = self.append(message).await;
        self.sent.foreign.push(Foreign { place, code });
    }

    async fn command(&mut self) {
        let tenant = TENANTS[self.random.index(TENANTS.len())];
        let document = self.random.between(0, DOCUMENTS - 1);
        // Some have hardly any time.
        let hurried = self.random.chance(150);
        let time_ms = if hurried {
            self.random.between(1, 1_500)
        } else {
            LONG_MS
        };
        let ask = match self.random.between(0, 9) {
            0 | 1 => None,
            2 | 3 => Some(Ask::Late),
            _ => Some(self.ask()),
        };
        self.command_to(tenant, document, ask, time_ms).await;
    }

    async fn command_to(&mut self, tenant: &str, document: u64, ask: Option<Ask>, time_ms: u64) {
        let command = self.make_command(tenant, document, ask, time_ms).await;
        self.append(command.message.clone()).await;
        self.sent.commands.push(command);
    }

    async fn make_command(
        &self,
        tenant: &str,
        document: u64,
        ask: Option<Ask>,
        time_ms: u64,
    ) -> Command {
        let document = format!("doc-{document}");
        let number = self.sent.commands.len();
        let request = format!("op-{number}");
        let now_ms = self.ports.clock.now_ms();
        let identity = MessageId {
            tenant: tenant.to_owned(),
            source: "edge".to_owned(),
            id: format!("cmd-{number}"),
        };
        let moment = Moment {
            tenant: tenant.into(),
            message: identity.clone(),
            consumer: "edge".into(),
            now_ms,
            ..Moment::for_tests("edge")
        };
        let reply_to = ReplyAddress {
            topic: "replies".to_owned(),
            key: format!("{tenant}/{request}"),
            partition: None,
            request: request.clone(),
            from_outside: false,
        };
        let key = format!("{tenant}/{document}");
        let (chatbot, deadline_ms) = ("bot-9".to_owned(), now_ms + time_ms as i64);
        let emitter = Emitter::new(&self.ports);
        let message = match ask {
            None => {
                emitter
                    .command(
                        &moment,
                        &DeleteDocument { document, chatbot },
                        &reply_to,
                        deadline_ms,
                    )
                    .await
            }
            Some(ask) => {
                let add = AddDocument {
                    document,
                    chatbot,
                    name: ask.name(),
                    ..AddDocument::default()
                };
                emitter.command(&moment, &add, &reply_to, deadline_ms).await
            }
        };
        let mut message = message.expect("a sound command");
        message.topic = self.input.into();
        Command {
            identity,
            key,
            ask,
            request,
            copies: 1,
            message,
        }
    }

    /// An edge that does not know whether it has sent something (H2).
    async fn command_again(&mut self) {
        if self.sent.commands.is_empty() {
            return;
        }
        let last = self.sent.commands.len() - 1;
        let chosen = last - self.random.index(last.min(10) + 1);
        self.sent.commands[chosen].copies += 1;
        self.append(self.sent.commands[chosen].message.clone())
            .await;
    }
}
