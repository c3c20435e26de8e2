//! The database that a demo kept, read with SQL of our own: nothing here is shared with the code that wrote it.
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;
use std::path::Path;

/// The tenant of the demo.
const TENANT: &str = "demo";

/// The database.
pub struct Kept(Connection);

/// A document as it is in the tables.
pub struct Document {
    pub id: String,
    /// The texts of the published revision, in order.
    pub passages: Vec<String>,
    pub in_full_text: u64,
    /// The texts as the parser left them in a blob, in order.
    pub parsed: Vec<String>,
    /// Expected, embedded, stored, retrievable: the view's row.
    pub ledger: [u64; 4],
}

/// What there is of a chatbot.
pub struct Rows {
    /// Name and state of each of its documents, by name.
    pub documents: Vec<(String, String)>,
    pub state: String,
    pub revisions: u64,
    pub published: u64,
    pub full_text: u64,
    pub blobs: u64,
    /// The phase of the saga that made it.
    pub saga: String,
}

impl Kept {
    pub fn open(database: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Self(Connection::open_with_flags(database, flags).expect("a database"))
    }
    pub fn open_to_change(database: &Path) -> Self {
        Self(Connection::open(database).expect("a database"))
    }

    pub fn count(&self, query: &str) -> u64 {
        self.count_of(query, [])
    }
    fn count_of(&self, query: &str, params: impl rusqlite::Params) -> u64 {
        let count: i64 = self
            .0
            .query_row(query, params, |row| row.get(0))
            .expect(query);
        u64::try_from(count).expect("a count")
    }
    /// Id and body of every row of a collection.
    fn state(&self, collection: &str) -> Vec<(String, Value)> {
        let mut query = self
            .0
            .prepare("SELECT id, body FROM state WHERE collection = ?1")
            .expect("SQL");
        let rows = query.query_map([collection], |row| {
            Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))
        });
        let read =
            |(id, body): (String, Vec<u8>)| (id, serde_json::from_slice(&body).expect("JSON"));
        rows.expect("rows")
            .map(|row| read(row.expect("a row")))
            .collect()
    }
    fn blob(&self, id: &str) -> Vec<u8> {
        let find = "SELECT blob FROM blobs WHERE tenant = ?1 AND id = ?2";
        let number: i64 = self
            .0
            .query_row(find, [TENANT, id], |row| row.get(0))
            .expect("a blob");
        let chunks = "SELECT bytes FROM blob_chunks WHERE place >> 20 = ?1 ORDER BY place";
        let mut chunks = self.0.prepare(chunks).expect("SQL");
        let chunks = chunks
            .query_map([number], |row| row.get::<_, Vec<u8>>(0))
            .expect("chunks");
        chunks.flat_map(|chunk| chunk.expect("a chunk")).collect()
    }
    fn id_of(&self, chatbot: &str, name: &str) -> String {
        let listed = self.state("documents.directory").into_iter();
        let mut ids = listed
            .filter(|(_, body)| body["row"]["chatbot"] == chatbot && body["row"]["name"] == name);
        let (id, _) = ids.next().expect("it is listed");
        assert!(ids.next().is_none(), "{name} is listed once");
        id.split('/')
            .nth(1)
            .expect("<tenant>/<document>/<partition>")
            .to_owned()
    }
    /// The number of the published revision.
    fn published(&self, document: &str) -> i64 {
        let query = "SELECT published FROM search_documents WHERE tenant = ?1 AND document = ?2";
        self.0
            .query_row(query, [TENANT, document], |row| row.get(0))
            .expect("it is published")
    }

    pub fn document(&self, chatbot: &str, name: &str) -> Document {
        let id = self.id_of(chatbot, name);
        let published = self.published(&id);
        let mut texts = self
            .0
            .prepare("SELECT text FROM search_passages WHERE id >> 20 = ?1 ORDER BY id")
            .expect("SQL");
        let texts = texts
            .query_map([published], |row| row.get(0))
            .expect("rows");
        let revision: String = {
            let query = "SELECT revision FROM search_revisions WHERE tenant = ?1 AND document = ?2"; // fails if there are two
            self.0
                .query_row(query, [TENANT, &id], |row| row.get(0))
                .expect("one revision")
        };
        let parsed: Vec<Value> =
            serde_json::from_slice(&self.blob(&format!("{id}/{revision}/passages"))).expect("JSON");
        let mut ledger = self.state("knowledge.ledger").into_iter();
        let (_, ledger) = ledger
            .find(|(row, _)| row.starts_with(&format!("{TENANT}/{id}/")))
            .expect("it has a ledger");
        let counts = ["expected", "embedded", "stored", "retrievable"];
        Document {
            passages: texts.map(|text| text.expect("a text")).collect(),
            in_full_text: self.count_of(
                "SELECT count(*) FROM search_text_docsize WHERE id >> 20 = ?1",
                [published],
            ),
            parsed: parsed
                .iter()
                .map(|passage| passage["text"].as_str().expect("a text").to_owned())
                .collect(),
            ledger: counts.map(|count| ledger["row"][count].as_u64().expect("a count")),
            id,
        }
    }

    /// How many documents of a chatbot were announced as ready by then, and later.
    pub fn ready_before_and_after(&self, chatbot: &str, at_ms: u64) -> (u64, u64) {
        let documents = self.state("documents.directory").into_iter();
        let keys = documents
            .filter(|(_, body)| body["row"]["chatbot"] == chatbot)
            .map(|(id, _)| {
                let end = id.rfind('/').expect("<key>/<partition>");
                id[..end].to_owned()
            });
        let when = "SELECT timestamp_ms FROM log WHERE key = ?1 AND topic = (SELECT no FROM topics WHERE name = 'embedding.ready')";
        let (mut before, mut after) = (0, 0);
        for key in keys {
            let ms: i64 = self
                .0
                .query_row(when, params![key.as_bytes()], |row| row.get(0))
                .expect("it became ready");
            match ms.unsigned_abs() <= at_ms {
                true => before += 1,
                false => after += 1,
            }
        }
        (before, after)
    }

    /// Topic, source and id of every message that is exactly once: not what edges send, not pieces of answers.
    pub fn ids(&self) -> Vec<(String, String, String)> {
        let all = "SELECT topics.name, log.headers FROM log JOIN topics ON topics.no = log.topic WHERE topics.name <> 'answers.deltas'";
        let mut all = self.0.prepare(all).expect("SQL");
        let rows = all
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .expect("rows");
        let ids = rows.map(|row| {
            let (topic, headers) = row.expect("a row");
            (topic, header(&headers, 3), header(&headers, 2))
        });
        ids.filter(|(_, source, _)| source != "troupe/edge")
            .collect()
    }

    /// Consumers whose checkpoint is below the end of what they read.
    pub fn not_at_the_end(&self) -> Vec<String> {
        let query = "SELECT consumer || ' ' || partition FROM checkpoints c
                     WHERE watermark <= (SELECT max(offset) FROM log WHERE log.topic = c.topic AND log.partition = c.partition)";
        let mut query = self.0.prepare(query).expect("SQL");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }
    pub fn most_messages_of_a_key(&self, topic: &str) -> u64 {
        let query = "SELECT max(n) FROM (SELECT count(*) AS n FROM log
                     WHERE topic = (SELECT no FROM topics WHERE name = ?1) GROUP BY key)";
        self.count_of(query, [topic])
    }

    pub fn passages_that_say(&self, document: &str, page: Option<i64>, sentence: &str) -> u64 {
        let query = "SELECT count(*) FROM search_passages WHERE id >> 20 = ?1 AND page IS ?2 AND instr(text, ?3) > 0";
        self.count_of(query, params![self.published(document), page, sentence])
    }
    pub fn passages_with_a_word(&self, word: &str) -> u64 {
        self.count_of(
            "SELECT count(*) FROM search_passages WHERE instr(lower(text), ?1) > 0",
            [word],
        )
    }

    pub fn rows_of(&self, chatbot: &str) -> Rows {
        let documents: Vec<(String, Value)> = self
            .state("documents.directory")
            .into_iter()
            .filter(|(_, body)| body["row"]["chatbot"] == chatbot)
            .collect();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let key = format!("{TENANT}/{chatbot}");
        let row = |collection: &str| {
            let mut rows = self.state(collection).into_iter();
            rows.find(|(id, _)| *id == key || id.starts_with(&format!("{key}/")))
                .expect("a row")
                .1
        };
        let scope = "SELECT no FROM search_scopes WHERE chatbot = ?1";
        let (mut names, mut blobs) = (Vec::new(), 0);
        for (id, body) in &documents {
            names.push((text(&body["row"]["name"]), text(&body["row"]["state"])));
            let id = id.split('/').nth(1).expect("a document");
            blobs += self.count_of(
                "SELECT count(*) FROM blobs WHERE substr(id, 1, length(?1) + 1) = ?1 || '/'",
                [id],
            );
        }
        names.sort();
        let number: i64 = self
            .0
            .query_row(scope, [chatbot], |row| row.get(0))
            .expect("a scope");
        Rows {
            documents: names,
            state: text(&row("chatbots.directory")["row"]["state"]),
            revisions: self.count_of(
                "SELECT count(*) FROM search_revisions WHERE scope = ?1",
                [number],
            ),
            published: self.count_of(
                "SELECT count(*) FROM search_documents WHERE scope = ?1 AND published IS NOT NULL",
                [number],
            ),
            full_text: self.count_of(
                "SELECT count(*) FROM search_text WHERE scope MATCH ?1",
                [format!("s{number}")],
            ),
            blobs,
            saga: text(&row("chatbots.creation")["state"]["saga"]["phase"]),
        }
    }

    pub fn delete_a_passage(&self, chatbot: &str, name: &str) {
        let one = self.some_passage(chatbot, name);
        assert_eq!(
            self.0
                .execute("DELETE FROM search_passages WHERE id = ?1", [one]),
            Ok(1)
        );
    }
    pub fn delete_from_full_text(&self, chatbot: &str, name: &str) {
        let one = self.some_passage(chatbot, name);
        assert_eq!(
            self.0
                .execute("DELETE FROM search_text WHERE rowid = ?1", [one]),
            Ok(1)
        );
    }
    fn some_passage(&self, chatbot: &str, name: &str) -> i64 {
        let published = self.published(&self.id_of(chatbot, name));
        let query =
            "SELECT id FROM search_passages WHERE id >> 20 = ?1 ORDER BY id LIMIT 1 OFFSET 2";
        self.0
            .query_row(query, [published], |row| row.get(0))
            .expect("a passage")
    }
    pub fn repeat_a_message(&self, topic: &str) {
        let repeat = "INSERT INTO log SELECT topic, partition, offset + 1, timestamp_ms, key, headers, payload, correlation FROM log
                      WHERE topic = (SELECT no FROM topics WHERE name = ?1) ORDER BY partition, offset DESC LIMIT 1";
        assert_eq!(self.0.execute(repeat, [topic]), Ok(1));
    }
}

/// The header that the file knows by this number: a byte for its name, the value's length (u32, little-endian), the value.
fn header(mut bytes: &[u8], wanted: u8) -> String {
    fn take<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
        let (length, rest) = bytes.split_at(4);
        let length = u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
        let (part, rest) = rest.split_at(length);
        *bytes = rest;
        part
    }
    while let Some((&name, rest)) = bytes.split_first() {
        bytes = rest;
        if name == 0 {
            take(&mut bytes); // a name in full
        }
        let value = take(&mut bytes);
        if name == wanted {
            return String::from_utf8(value.to_vec()).expect("UTF-8");
        }
    }
    String::new()
}
