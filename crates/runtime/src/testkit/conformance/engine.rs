//! The engine on an adapter's log and state, where time need not be simulated: its clock is set by hand.
use super::within;
use crate::codec::Schemas;
use crate::dead_letters::{DeadLetters, Filter};
use crate::engine::{self, Options, PARKED};
use crate::ports::clock::Clock;
use crate::ports::log::Outgoing;
use crate::ports::schemas::SchemaRegistry;
use crate::rows::HOLDS;
use crate::{Consumer, Context, Emits, Failure, Handler, Ports, Retry, Stores, Verdict};
use events::documents::ParseUpload;
use events::envelope::name;
use events::map::TopicMap;
use events::{Headers, Record};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// The consumer's topic, and its name.
const WORK: &str = "work.effects";
/// Name and partitions of the topics that must be there.
pub const TOPICS: [(&str, i32); 2] = [(WORK, 1), ("work.effects.dead", 1)];

const MAP: &str = "
defaults: { partitions: 1, retention: 7d, from: first, limit: 8, attempts: 3, dead_retention: 90d }
topics:
  - name: work.effects
    kind: effects
    meaning: Work.
    key: document
    schemas: [troupe.documents.ParseUpload]
    producers: [work.job]
    consumers:
      - { name: work.effects, kind: handlers, ordered: true }
  - name: work.job
    kind: input
    meaning: Who asks for it.
    key: document
    schemas: [troupe.documents.AddDocument, troupe.system.Woke]
    producers: [edge]
    replies: internal
    consumers:
      - { name: work.job, kind: entity, ordered: true }
";

/// Longer than a message waits in its lane.
const LONG: Duration = Duration::from_secs(1_200);

/// The time of day, and as much later as somebody said.
#[derive(Default)]
struct Hands {
    ahead_ms: AtomicI64,
}

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX / 2);
        now + self.ahead_ms.load(Ordering::Relaxed)
    }
    fn random(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// What is called `later` goes well the second time, and wants to wait for that.
struct Work {
    begun: mpsc::UnboundedSender<(String, u32)>,
}

#[derive(Debug, thiserror::Error)]
#[error("later")]
struct Later;
impl Failure for Later {
    fn verdict(&self) -> Verdict {
        Verdict::Retry(Retry::After(LONG))
    }
}
impl Handler for Work {
    type Message = ParseUpload;
    type Error = Later;
    async fn handle(&self, work: ParseUpload, cx: &Context) -> Result<Emits, Later> {
        let attempt = cx.moment.attempt;
        let waits = work.name == "later" && attempt == 0;
        let _ = self.begun.send((work.name, attempt));
        if waits {
            return Err(Later);
        }
        Ok(Emits::default())
    }
}

fn work(ports: &Ports, document: &str, called: &str) -> Outgoing {
    let record = ParseUpload {
        document: document.to_owned(),
        name: called.to_owned(),
        ..ParseUpload::default()
    };
    let mut headers = Headers::default();
    headers.set(name::ID, called);
    headers.set(name::SOURCE, "test");
    headers.set(name::TENANT, "acme");
    let datum = ParseUpload::schema().encode(&record).expect("encodes");
    let payload = ports.schemas.frame(ParseUpload::NAME, &datum);
    Outgoing {
        topic: WORK.into(),
        partition: None,
        key: format!("acme/{document}").into_bytes().into(),
        headers,
        payload: payload.expect("frames").into(),
    }
}

/// C2: what waits long is parked with what comes behind it, and comes back by itself, in order, with its attempts.
///
/// # Panics
/// If it does not.
pub async fn what_is_parked_comes_back(stores: Stores, schemas: Arc<dyn SchemaRegistry>) {
    let schemas = Schemas::start(schemas, &events::all_records()).await;
    let hands = Arc::new(Hands::default());
    let ports = Ports::new(stores, schemas.expect("resolved"), hands.clone());
    let map = Arc::new(TopicMap::parse(MAP).expect("it keeps the rules"));
    let (begun, mut hearing) = mpsc::unbounded_channel();
    let consumer = Consumer::handlers(WORK).handler(Work { begun });
    let running = engine::start(&ports, vec![consumer], &Options::new(map.clone()));
    let running = running.expect("the wiring is right");
    let mut begins = async |called: &str, attempt: u32| {
        let next = within(called, hearing.recv()).await;
        assert_eq!(next, Some((called.to_owned(), attempt)));
    };

    let append = async |document: &str, called: &str| {
        let appended = ports.log.append(vec![work(&ports, document, called)]).await;
        appended.expect("appended");
    };
    append("d1", "later").await;
    begins("later", 0).await;
    append("d1", "behind").await;
    append("d2", "other").await;
    begins("other", 0).await;
    let letters = DeadLetters::new(&ports, map);
    let dead = async || {
        let filter = Filter::default();
        let page = letters.list(&filter, None, 10).await.expect("listed");
        let letters = page.letters.into_iter();
        letters
            .map(|letter| (letter.id.id, letter.code, letter.place.offset))
            .collect::<Vec<_>>()
    };
    let letters = within("the letters", async {
        loop {
            let letters = dead().await;
            if letters.len() == 2 {
                return letters;
            }
            let next = letters.last().map_or(0, |(_, _, offset)| offset + 1);
            let grown = ports.log.grown("work.effects.dead", 0, next).await;
            grown.expect("grows");
        }
    })
    .await;
    let codes = letters.iter().map(|(id, code, _)| (&**id, &**code));
    let wanted = [("later", PARKED), ("behind", "runtime.held")];
    assert_eq!(codes.collect::<Vec<_>>(), wanted);
    let holds = format!("{HOLDS}.{WORK}");
    let due = ports.state.due(&holds, 0, 10).await.expect("answers");
    let ids: Vec<&str> = due.iter().map(|due| due.id.as_str()).collect();
    assert_eq!(ids, ["acme/d1"], "it is due some time");

    let long = i64::try_from(LONG.as_millis()).expect("minutes");
    hands.ahead_ms.store(long, Ordering::Relaxed);
    begins("later", 1).await;
    begins("behind", 0).await;
    let unfinished = running.stop(Duration::from_secs(30)).await;
    assert_eq!(unfinished, Vec::<Arc<str>>::new());
    let hold = ports.state.load(&holds, &["acme/d1".to_owned()]).await;
    assert_eq!(hold.expect("answers"), [None], "the key is free");
    assert_eq!(dead().await, letters, "and nothing died");
}
