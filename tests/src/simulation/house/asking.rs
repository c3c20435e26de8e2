//! One thing that is asked, each in a function: over HTTP, or by a system outside.
use super::doors::Request;
use super::load::{Bot, Command, Foreign, Kind, Load, TENANTS};
use events::chatbots::{
    CreateChatbot, DeleteChatbot, PauseChatbot, ResumeChatbot, Source, UpdateChatbot,
};
use events::conversations::{AskQuestion, EndConversation};
use events::documents::{AddDocument, DeleteDocument, DocumentUploaded};
use events::{Addressed, id};
use serde_json::json;

const QUESTION: &str = "When does the observatory open in the evening?";

impl Load {
    /// A system outside says it, once.
    async fn say(
        &mut self,
        kind: Kind,
        (tenant, chatbot): (&'static str, &str),
        request: String,
        command: &impl Addressed,
    ) {
        let said = self.outsiders.command(tenant, &request, command);
        self.outsiders.send(said.clone()).await;
        self.commands.push(Command {
            kind,
            tenant,
            request,
            chatbot: chatbot.to_owned(),
            said: Some(said),
        });
    }

    /// Somebody asks it over HTTP; the operation.
    fn http(&mut self, kind: Kind, chatbot: &str, request: Request) -> String {
        let operation = request.operation();
        self.commands.push(Command {
            kind,
            tenant: request.tenant,
            request: operation.clone(),
            chatbot: chatbot.to_owned(),
            said: None,
        });
        let random = self.random.stream(&operation);
        self.http.ask(&self.doors, random, request);
        operation
    }

    fn request(
        &mut self,
        tenant: &'static str,
        method: &'static str,
        path: String,
        body: serde_json::Value,
    ) -> Request {
        let body = match body.is_null() {
            true => vec![],
            false => body.to_string().into_bytes(),
        };
        Request {
            tenant,
            method,
            path,
            idempotency_key: Some(self.next("key")),
            markdown: false,
            body,
        }
    }

    pub(super) async fn create(&mut self) {
        let tenant = TENANTS[self.random.index(TENANTS.len())];
        let request = self.next("create");
        let chatbot = format!("bot-{}", self.number);
        let outside = self.outsiders_say();
        let mut sources = vec![];
        for n in 0..self.random.between(0, 3) {
            let document = format!("{request}-{n}");
            let content = self.content(tenant);
            let blob = self
                .outsiders
                .put(tenant, &format!("put/{document}"), &content)
                .await;
            sources.push(Source {
                document,
                name: format!("source {n}.md"),
                media_type: "text/markdown".to_owned(),
                blob,
            });
        }
        let mut documents: Vec<String> = sources.iter().map(|s| s.document.clone()).collect();
        let asked = if outside {
            let create = CreateChatbot {
                chatbot: chatbot.clone(),
                name: "Ada".to_owned(),
                sources,
                ..CreateChatbot::default()
            };
            self.say(Kind::Create, (tenant, &chatbot), request.clone(), &create)
                .await;
            request
        } else {
            let named = sources.iter().map(|source| {
                let blob = &source.blob;
                let blob = json!({"id": blob.id, "size": blob.size, "sha256": blob.sha256});
                json!({"name": source.name, "media_type": source.media_type, "blob": blob})
            });
            let body = json!({
                "id": chatbot, "name": "Ada", "sources": named.collect::<Vec<_>>(),
            });
            let request = self.request(tenant, "POST", "/v1/chatbots".to_owned(), body);
            let operation = self.http(Kind::Create, &chatbot, request);
            for (n, document) in documents.iter_mut().enumerate() {
                *document = id::derived(&[&operation, "source", &n.to_string()]).to_string();
            }
            operation
        };
        self.bots.push(Bot {
            tenant,
            id: chatbot,
            asked,
            over_http: !outside,
            step: self.step,
            documents,
            conversations: vec![],
            deleted: false,
        });
        // Who cannot wait for it.
        if self.random.chance(300) {
            self.add(Kind::Upload, self.bots.len() - 1, None, true)
                .await;
        }
    }

    pub(super) async fn delete(&mut self) {
        let Some(at) = self.any() else { return };
        let outside = self.outsiders_say();
        // Over HTTP nobody can delete what is not there yet.
        let there = self.living();
        let at = if outside { at } else { there.unwrap_or(at) };
        self.bots[at].deleted = true;
        let Bot { tenant, id, .. } = self.bots[at].clone();
        if outside {
            let request = self.next("delete");
            let delete = DeleteChatbot {
                chatbot: id.clone(),
            };
            self.say(Kind::Delete, (tenant, &id), request, &delete)
                .await;
        } else {
            let path = format!("/v1/chatbots/{id}");
            let request = self.request(tenant, "DELETE", path, json!(null));
            self.http(Kind::Delete, &id, request);
        }
    }

    async fn add(&mut self, kind: Kind, at: usize, document: Option<String>, outside: bool) {
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let content = self.content(tenant);
        let document = if outside {
            let request = self.next("upload");
            let document = document.unwrap_or_else(|| request.clone());
            // What an edge took in for one command nobody else may name.
            let blob = self
                .outsiders
                .put(tenant, &format!("crm/{request}"), &content)
                .await;
            let add = AddDocument {
                document: document.clone(),
                chatbot: id.clone(),
                name: "upload.md".to_owned(),
                media_type: "text/markdown".to_owned(),
                blob,
            };
            self.say(kind, (tenant, &id), request, &add).await;
            document
        } else {
            let documents = format!("/v1/chatbots/{id}/documents");
            let (method, path) = match &document {
                None => ("POST", format!("{documents}?name=upload.md")),
                Some(document) => ("PUT", format!("{documents}/{document}?name=upload.md")),
            };
            let request = Request {
                markdown: true,
                body: content.into_bytes(),
                ..self.request(tenant, method, path, json!(null))
            };
            let operation = self.http(kind, &id, request);
            document.unwrap_or(operation)
        };
        self.bots[at].documents.push(document);
    }

    pub(super) async fn upload(&mut self) {
        let outside = self.outsiders_say();
        let at = if outside { self.any() } else { self.living() };
        if let Some(at) = at {
            self.add(Kind::Upload, at, None, outside).await;
        }
    }

    /// Another revision of a document.
    pub(super) async fn replace(&mut self) {
        let outside = self.outsiders_say();
        if let Some((at, document)) = self.document() {
            self.add(Kind::Replace, at, Some(document), outside).await;
        }
    }

    pub(super) async fn remove(&mut self) {
        let Some((at, document)) = self.document() else {
            return;
        };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        if self.outsiders_say() {
            let request = self.next("remove");
            let delete = DeleteDocument {
                document,
                chatbot: id.clone(),
            };
            self.say(Kind::Remove, (tenant, &id), request, &delete)
                .await;
        } else {
            let path = format!("/v1/chatbots/{id}/documents/{document}");
            let request = self.request(tenant, "DELETE", path, json!(null));
            self.http(Kind::Remove, &id, request);
        }
    }

    pub(super) async fn ask(&mut self) {
        let outside = self.outsiders_say();
        let hasty = outside && self.random.chance(150);
        let at = if hasty { self.any() } else { self.living() };
        let Some(at) = at else { return };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let visitor = format!("visitor-{}", self.random.between(1, 2));
        let conversation = format!("{id}-{visitor}");
        self.bots[at].conversations.push(conversation.clone());
        if outside {
            let request = self.next("ask");
            let ask = AskQuestion {
                question: request.clone(),
                conversation,
                chatbot: id.clone(),
                visitor,
                text: QUESTION.into(),
            };
            self.say(Kind::Ask, (tenant, &id), request, &ask).await;
        } else {
            let path = format!("/v1/chatbots/{id}/questions");
            let body = json!({"text": QUESTION, "conversation": conversation, "visitor": visitor});
            let request = self.request(tenant, "POST", path, body);
            self.http(Kind::Ask, &id, request);
        }
    }

    /// Another name, or a pause, or its end.
    pub(super) async fn change(&mut self) {
        let Some(at) = self.living() else { return };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let kind = [Kind::Update, Kind::Pause, Kind::Resume, Kind::Resume][self.random.index(4)];
        let name = format!("Ada {}", self.number);
        if self.outsiders_say() {
            let request = self.next("change");
            let (whose, chatbot) = ((tenant, id.as_str()), id.clone());
            match kind {
                Kind::Pause => {
                    let pause = PauseChatbot { chatbot };
                    self.say(kind, whose, request, &pause).await;
                }
                Kind::Resume => {
                    let resume = ResumeChatbot { chatbot };
                    self.say(kind, whose, request, &resume).await;
                }
                _ => {
                    let update = UpdateChatbot {
                        chatbot,
                        name: Some(name),
                        settings: None,
                        settings_patch: None,
                    };
                    self.say(kind, whose, request, &update).await;
                }
            }
            return;
        }
        let path = format!("/v1/chatbots/{id}");
        let request = match kind {
            Kind::Pause => self.request(tenant, "POST", format!("{path}/pause"), json!(null)),
            Kind::Resume => self.request(tenant, "POST", format!("{path}/resume"), json!(null)),
            _ => self.request(tenant, "PATCH", path, json!({"name": name})),
        };
        self.http(kind, &id, request);
    }

    /// A conversation is to be forgotten.
    pub(super) async fn end(&mut self) {
        let Some(at) = self.living() else { return };
        let bot = &self.bots[at];
        let (tenant, id) = (bot.tenant, bot.id.clone());
        let Some(conversation) = bot.conversations.last().cloned() else {
            return;
        };
        if self.outsiders_say() {
            let request = self.next("end");
            let end = EndConversation { conversation };
            self.say(Kind::End, (tenant, &id), request, &end).await;
        } else {
            let path = format!("/v1/conversations/{conversation}");
            let request = self.request(tenant, "DELETE", path, json!(null));
            self.http(Kind::End, &id, request);
        }
    }

    /// A system outside does not know whether it has said something.
    pub(super) async fn say_again(&mut self) {
        let said = self.commands.iter().rev().filter_map(|c| c.said.clone());
        let said: Vec<_> = said.take(8).collect();
        if !said.is_empty() {
            let chosen = self.random.index(said.len());
            self.outsiders.send(said[chosen].clone()).await;
        }
    }

    /// An upstream system says that something was uploaded.
    pub(super) async fn publish(&mut self) {
        let Some(at) = self.any() else { return };
        let Bot { tenant, id, .. } = self.bots[at].clone();
        let document = self.next("crm");
        let content = self.content(tenant);
        let blob = self
            .outsiders
            .put(tenant, &format!("crm/{document}"), &content)
            .await;
        let uploaded = DocumentUploaded {
            document: document.clone(),
            chatbot: id,
            name: "from the crm.md".to_owned(),
            media_type: "text/markdown".to_owned(),
            blob,
            ..DocumentUploaded::default()
        };
        let message = self.outsiders.uploaded(tenant, &document, &uploaded);
        self.outsiders.send(message.clone()).await;
        self.bots[at].documents.push(document);
        self.inbox.push(message);
    }

    /// It does not know whether it has said so.
    pub(super) async fn publish_again(&mut self) {
        if !self.inbox.is_empty() {
            let chosen = self.random.index(self.inbox.len());
            self.outsiders.send(self.inbox[chosen].clone()).await;
        }
    }

    /// An upstream system says what nobody can take.
    pub(super) async fn say_nonsense(&mut self) {
        let id = self.next("odd");
        let uploaded = DocumentUploaded {
            document: id.clone(),
            ..DocumentUploaded::default()
        };
        let mut message = self.outsiders.uploaded(TENANTS[0], &id, &uploaded);
        let code = match self.random.index(4) {
            0 => {
                message.key = format!("{}/{id}", TENANTS[1]).into_bytes().into();
                "runtime.tenant_mismatch"
            }
            1 => {
                message.key = b"Not a key".to_vec().into();
                "runtime.invalid_key"
            }
            2 => {
                message.payload = [&message.payload[..], &[7]].concat().into();
                "runtime.undecodable"
            }
            _ => {
                message.payload = vec![0, 0, 0, 77, 77, 1].into();
                "runtime.unknown_schema"
            }
        };
        let place = self.outsiders.send(message).await;
        self.foreign.push(Foreign { place, code });
    }
}
