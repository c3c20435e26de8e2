//! What is asked of the house: chatbots with good sources and bad ones, uploads from two sides, questions, deletions.
use super::super::seen::{Seen, seen};
use super::clients::Clients;
use events::chatbots::{CreateChatbot, DeleteChatbot, Source};
use events::conversations::AskQuestion;
use events::documents::{AddDocument, DeleteDocument, DocumentUploaded};
use events::{BlobRef, ReplyStatus};
use runtime::ports::log::Outgoing;
use runtime::testkit::sim::{Random, Sim};

pub const TENANTS: [&str; 2] = ["acme", "bolt"];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Create,
    Delete,
    Upload,
    Replace,
    Remove,
    Ask,
}
impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Delete,
        Self::Upload,
        Self::Replace,
        Self::Remove,
        Self::Ask,
    ];
}

/// A client's command.
#[derive(Clone, Debug)]
pub struct Command {
    pub kind: Kind,
    pub tenant: &'static str,
    /// Its operation.
    pub request: String,
    /// The chatbot that it concerns.
    pub chatbot: String,
    message: Outgoing,
}

/// A chatbot that was asked for.
#[derive(Clone, Debug)]
pub struct Bot {
    pub tenant: &'static str,
    pub id: String,
    /// The operation that creates it.
    asked: String,
    /// Documents that it was given, or was to be.
    documents: Vec<String>,
    /// Somebody asked for its deletion.
    deleted: bool,
}

/// Asks.
pub struct Load {
    sim: Sim,
    clients: Clients,
    random: Random,
    pub bots: Vec<Bot>,
    pub commands: Vec<Command>,
    inbox: Vec<Outgoing>,
    number: u64,
}

/// What clients were told: those of the edges, and those outside.
pub fn told(sim: &Sim) -> Vec<Seen> {
    let mut told = seen(sim, "replies");
    told.extend(seen(sim, "replies.upstream"));
    told
}

/// By which the passages of a tenant are told from another's.
pub fn mark(tenant: &str) -> String {
    format!("property of {tenant}")
}

impl Load {
    pub async fn new(sim: &Sim, seed: u64) -> Self {
        Self {
            sim: sim.clone(),
            clients: Clients::new(sim).await,
            random: Random::new(seed).stream("house"),
            bots: vec![],
            commands: vec![],
            inbox: vec![],
            number: 0,
        }
    }

    /// Asks one thing or another.
    pub async fn send(&mut self) {
        match self.random.between(0, 99) {
            _ if self.bots.len() < 2 => self.create().await,
            0..16 => self.create().await,
            16..38 => self.upload().await,
            38..48 => self.publish().await,
            48..54 => self.replace().await,
            54..60 => self.remove().await,
            60..82 => self.ask().await,
            82..88 => self.delete().await,
            88..94 => self.command_again().await,
            _ => self.publish_again().await,
        }
    }

    /// Who asks: a system outside, or somebody over HTTP.
    fn outsiders_say(&mut self) -> bool {
        self.random.chance(300)
    }

    fn next(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what}-{}", self.number)
    }

    /// A chatbot that nobody asked to delete yet. It may be there, or on its way, or its creation was undone: whoever asked
    /// for it chose its id, so they may give it something, and delete it, before they are told that it is there.
    fn any(&mut self) -> Option<usize> {
        let any: Vec<usize> = (0..self.bots.len())
            .filter(|&at| !self.bots[at].deleted)
            .collect();
        self.one_of(&any)
    }

    /// One that is there, as whoever asked for it was told.
    fn living(&mut self) -> Option<usize> {
        let told = told(&self.sim);
        let is_there = |bot: &Bot| {
            let done = |reply: &Seen| reply.envelope.reply_status == Some(ReplyStatus::Done);
            let key = format!("{}/{}", bot.tenant, bot.asked);
            !bot.deleted && told.iter().any(|reply| reply.key == key && done(reply))
        };
        let living: Vec<usize> = (0..self.bots.len())
            .filter(|&at| is_there(&self.bots[at]))
            .collect();
        self.one_of(&living)
    }

    fn one_of(&mut self, bots: &[usize]) -> Option<usize> {
        let chosen = self.random.index(bots.len().max(1));
        bots.get(chosen).copied()
    }

    /// A document of a few sections; one in eight is empty, which nobody can read.
    async fn blob(&mut self, tenant: &str, id: &str) -> BlobRef {
        let number = self.number;
        let sections = self.random.between(1, 4);
        let section = |n: u64| {
            format!(
                "## Part {n}\n\nNotebook {number} of part {n} says that the observatory opens at {} in the \
                 evening, {}.\n\n",
                n + 5,
                mark(tenant)
            )
        };
        let content = if self.random.chance(125) {
            String::new()
        } else {
            (1..=sections).map(section).collect()
        };
        self.clients.put(tenant, id, &content).await
    }

    /// Over HTTP, or from a system outside.
    async fn command(
        &mut self,
        kind: Kind,
        (tenant, chatbot): (&'static str, &str),
        request: String,
        command: &impl events::Addressed,
        outside: bool,
    ) {
        let message = match outside {
            false => self.clients.command(tenant, &request, command).await,
            true => self.clients.outsiders_say(tenant, &request, command),
        };
        self.clients.send(message.clone()).await;
        self.commands.push(Command {
            kind,
            tenant,
            request,
            chatbot: chatbot.to_owned(),
            message,
        });
    }

    async fn create(&mut self) {
        let tenant = TENANTS[self.random.index(TENANTS.len())];
        let request = self.next("create");
        let chatbot = format!("bot-{}", self.number);
        let mut sources = vec![];
        for n in 0..self.random.between(0, 3) {
            let document = format!("{request}-{n}");
            let blob = self.blob(tenant, &format!("put/{document}")).await;
            sources.push(Source {
                document,
                name: format!("source {n}.md"),
                media_type: "text/markdown".to_owned(),
                blob,
            });
        }
        let documents = sources.iter().map(|source| source.document.clone());
        self.bots.push(Bot {
            tenant,
            id: chatbot.clone(),
            asked: request.clone(),
            documents: documents.collect(),
            deleted: false,
        });
        let create = CreateChatbot {
            chatbot: chatbot.clone(),
            name: "Ada".to_owned(),
            sources,
            ..CreateChatbot::default()
        };
        let outside = self.outsiders_say();
        self.command(Kind::Create, (tenant, &chatbot), request, &create, outside)
            .await;
        // Who cannot wait for it.
        if self.random.chance(400) {
            self.add(Kind::Upload, self.bots.len() - 1, None).await;
        }
    }

    async fn delete(&mut self) {
        let Some(at) = self.any() else { return };
        self.bots[at].deleted = true;
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let request = self.next("delete");
        let delete = DeleteChatbot {
            chatbot: id.clone(),
        };
        let outside = self.outsiders_say();
        self.command(Kind::Delete, (tenant, &id), request, &delete, outside)
            .await;
    }

    async fn add(&mut self, kind: Kind, at: usize, document: Option<String>) {
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let request = self.next("upload");
        let document = document.unwrap_or_else(|| request.clone());
        let outside = self.outsiders_say();
        // What an edge took in for one command nobody else may name.
        let whose = if outside { "crm" } else { "upload" };
        let blob = self.blob(tenant, &format!("{whose}/{request}")).await;
        let add = AddDocument {
            document: document.clone(),
            chatbot: id.clone(),
            name: "upload.md".to_owned(),
            media_type: "text/markdown".to_owned(),
            blob,
        };
        self.bots[at].documents.push(document);
        self.command(kind, (tenant, &id), request, &add, outside)
            .await;
    }

    async fn upload(&mut self) {
        if let Some(at) = self.any() {
            self.add(Kind::Upload, at, None).await;
        }
    }

    fn document(&mut self) -> Option<(usize, String)> {
        let at = self.any()?;
        let documents = self.bots[at].documents.clone();
        let chosen = self.random.index(documents.len().max(1));
        documents.get(chosen).map(|document| (at, document.clone()))
    }

    /// Another revision of a document.
    async fn replace(&mut self) {
        if let Some((at, document)) = self.document() {
            self.add(Kind::Replace, at, Some(document)).await;
        }
    }

    async fn remove(&mut self) {
        let Some((at, document)) = self.document() else {
            return;
        };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let request = self.next("remove");
        let delete = DeleteDocument {
            document,
            chatbot: id.clone(),
        };
        let outside = self.outsiders_say();
        self.command(Kind::Remove, (tenant, &id), request, &delete, outside)
            .await;
    }

    async fn ask(&mut self) {
        let chosen = if self.random.chance(150) {
            self.any()
        } else {
            self.living()
        };
        let Some(at) = chosen else { return };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let request = self.next("ask");
        let visitor = format!("visitor-{}", self.random.between(1, 2));
        let ask = AskQuestion {
            question: request.clone(),
            conversation: format!("{id}-{visitor}"),
            chatbot: id.clone(),
            visitor,
            text: "When does the observatory open in the evening?".into(),
        };
        let outside = self.outsiders_say();
        self.command(Kind::Ask, (tenant, &id), request, &ask, outside)
            .await;
    }

    /// An edge that does not know whether it has sent something (H2).
    async fn command_again(&mut self) {
        let recent = self.commands.len().min(8);
        if recent > 0 {
            let chosen = self.commands.len() - 1 - self.random.index(recent);
            self.clients
                .send(self.commands[chosen].message.clone())
                .await;
        }
    }

    /// An upstream system says that something was uploaded.
    async fn publish(&mut self) {
        let Some(at) = self.any() else { return };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let document = self.next("crm");
        let blob = self.blob(tenant, &format!("crm/{document}")).await;
        let uploaded = DocumentUploaded {
            document: document.clone(),
            chatbot: id,
            name: "from the crm.md".to_owned(),
            media_type: "text/markdown".to_owned(),
            blob,
            ..DocumentUploaded::default()
        };
        let message = self.clients.uploaded(tenant, &document, &uploaded);
        self.clients.send(message.clone()).await;
        self.bots[at].documents.push(document);
        self.inbox.push(message);
    }

    /// It does not know whether it has said so.
    async fn publish_again(&mut self) {
        if !self.inbox.is_empty() {
            let chosen = self.random.index(self.inbox.len());
            self.clients.send(self.inbox[chosen].clone()).await;
        }
    }
}
