//! Who asks from outside, at an inbox: where the answer goes, what its headers may say, what is refused, and what a copy
//! of a command is told.
use super::step::{Ended, Job, Ready, Stop, shared};
use super::{checks, dead};
use crate::emission::{EmissionError, Emitter};
use crate::emits::refused;
use crate::ports::log::{Message, Outgoing};
use crate::{Moment, answers_outside};
use events::envelope::{Envelope, name};
use events::outside::{OutsideRequest, spring};
use events::{Headers, Key, MessageId, ReplyAddress, ReplyStatus};
use std::sync::Arc;

/// The longest that an outsider may call something in a header, in bytes.
const MAX_CALLED: usize = 200;

/// The furthest deadline, in milliseconds (7 days): a copy that comes later than a border knows of the first (I3) is then
/// too late as well.
const MAX_DEADLINE_MS: i64 = checks::REMEMBERED_MS;

/// How long after it was sent the copy of a command waits for the answer, in milliseconds; its key waits with it. Whoever
/// sends one at once is answered, even if the first is still being carried out. Later, only the first is.
const MAX_WAIT_MS: i64 = 5_000;
/// How often it is looked whether there is one, in milliseconds.
const LOOK_AGAIN_MS: i64 = 50;

/// Why something does not pass: a code, and a sentence.
type Wrong = (&'static str, String);

/// From outside nobody redrives: a message that says it was a letter of ours is looked up, and if it is not that letter,
/// what it says is taken off. Else it could use up the redrive of another (D4).
pub(super) async fn disbelieve(job: &mut Job) -> Result<(), Stop> {
    let headers = &job.message.headers;
    if job.spec.border.is_none() || headers.get(name::REDRIVEN).is_none() {
        return Ok(());
    }
    let topic = &job.spec.dead_topic;
    let place = headers.text(name::REDRIVEN);
    let place = place.and_then(|place| place.strip_prefix(&**topic)?.strip_prefix('/'));
    let place = place.and_then(|place| place.split_once('/'));
    let place = place.and_then(|(p, offset)| Some((p.parse().ok()?, offset.parse().ok()?)));
    let partitions = job.ports.log.partitions(topic).unwrap_or_default();
    if let Some((partition, offset)) = place
        && (0..partitions).contains(&partition)
        && offset >= 0
    {
        let read = job.ports.log.read(topic, partition, offset, 1).await?;
        let message = &job.message;
        let is_it = |letter: &Message| {
            letter.at.offset == offset
                && letter.key == message.key
                && letter.payload == message.payload
        };
        if read.first().is_some_and(is_it) {
            return Ok(());
        }
    }
    let mut message = (*job.message).clone();
    let ours = [name::REDRIVEN, dead::header::PARKED_ATTEMPTS];
    message
        .headers
        .0
        .retain(|(header, _)| !ours.contains(&header.as_str()));
    job.message = Arc::new(message);
    Ok(())
}

/// Where an outsider wants to be answered.
#[derive(Default)]
pub(super) struct Address {
    /// There, as far as that can be used; none where nobody may be answered.
    pub usable: Option<ReplyAddress>,
    /// What is wrong with it.
    pub wrong: Option<Wrong>,
}

impl Address {
    fn wrong(&mut self, code: &'static str, why: String) {
        self.wrong.get_or_insert((code, why));
    }
    fn nowhere(why: String) -> Self {
        Self {
            usable: None,
            wrong: Some(("runtime.invalid_reply_to", why)),
        }
    }
}

/// A header's text as an outsider may write it.
fn called<'h>(headers: &'h Headers, header: &str) -> Result<Option<&'h str>, Wrong> {
    let Some(bytes) = headers.get(header) else {
        return Ok(None);
    };
    let wrong = |why: &str| Err(("runtime.invalid_header", format!("{header}: {why}")));
    match std::str::from_utf8(bytes) {
        Err(_) => wrong("it is not text"),
        Ok(text) if text.is_empty() || text.len() > MAX_CALLED => {
            wrong(&format!("1 to {MAX_CALLED} bytes are expected"))
        }
        Ok(text) if text.chars().any(char::is_control) => {
            wrong("control characters are not allowed")
        }
        Ok(text) => Ok(Some(text)),
    }
}

/// Names the command for as long as copies of it are known (I3).
pub(super) fn identity(message: &MessageId) -> String {
    events::id::derived(&[&message.source, &message.id]).to_string()
}

/// Where the message wants to be answered: on a topic that is read by a writer of this inbox (K4).
pub(super) fn address(job: &Job, tenant: &str, message: &MessageId) -> Address {
    let headers = &job.message.headers;
    let named = headers.get(name::REPLY_TO);
    let Some(named) = named.or_else(|| headers.get(spring::REPLY_TOPIC)) else {
        return Address::default();
    };
    let named: String = String::from_utf8_lossy(named).chars().take(250).collect();
    let map = &job.spec.map;
    let (inbox, topic) = (map.topic(&job.spec.topic), map.topic(&named));
    let (Some(inbox), Some(topic)) = (inbox, topic) else {
        return Address::nowhere(format!("there is no topic {named}"));
    };
    if !topic.is_read_by_writers_of(inbox) {
        return Address::nowhere(format!("nobody may be answered on {named}"));
    }
    let Some(partitions) = job.ports.log.partitions(&named) else {
        return Address::nowhere(format!("there is no topic {named}"));
    };
    let mut address = Address::default();
    if !topic.answers_writers_of(inbox, tenant) {
        let why = format!("who reads {named} may not hear of {tenant}");
        address.wrong("runtime.invalid_reply_to", why);
    }
    let partition = match partition(headers) {
        Ok(Some(p)) if !(0..partitions).contains(&p) => {
            let why = format!("{named} has {partitions} partitions, and {p} is none of them");
            address.wrong("runtime.invalid_reply_to", why);
            None
        }
        Ok(partition) => partition,
        Err(why) => {
            address.wrong("runtime.invalid_header", why);
            None
        }
    };
    let command = identity(message);
    let own_key = format!("{tenant}/{command}");
    let key = match headers.get(name::REPLY_KEY).map(std::str::from_utf8) {
        None => own_key,
        Some(Ok(text))
            if Key::parse(text).is_ok_and(|key| key.tenant().as_str() == tenant)
                && text.len() <= MAX_CALLED =>
        {
            text.to_owned()
        }
        Some(_) => {
            let why = format!("{}: {tenant}/<id> is expected", name::REPLY_KEY);
            address.wrong("runtime.invalid_header", why);
            own_key
        }
    };
    let correlation = called(headers, name::REQUEST).unwrap_or_else(|(code, why)| {
        address.wrong(code, why);
        None
    });
    let spring = headers.get(spring::CORRELATION);
    let spring = spring.filter(|bytes| {
        let fits = (1..=MAX_CALLED).contains(&bytes.len());
        if !fits {
            let why = format!(
                "{}: 1 to {MAX_CALLED} bytes are expected",
                spring::CORRELATION
            );
            address.wrong("runtime.invalid_header", why);
        }
        fits
    });
    let request = OutsideRequest {
        command,
        correlation: correlation.map(str::to_owned),
        spring: spring.map(<[u8]>::to_vec),
    };
    address.usable = Some(ReplyAddress {
        topic: named,
        key,
        partition,
        request: request.carried(),
        from_outside: true,
    });
    address
}

/// The partition that is asked for: in decimal, or as Spring says it.
fn partition(headers: &Headers) -> Result<Option<i32>, String> {
    if let Some(text) = headers.get(name::REPLY_PARTITION) {
        let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
        let why = || format!("{}: a number is expected", name::REPLY_PARTITION);
        return number.map(Some).ok_or_else(why);
    }
    let Some(bytes) = headers.get(spring::REPLY_PARTITION) else {
        return Ok(None);
    };
    let four: Result<[u8; 4], _> = bytes.try_into();
    four.map(|four| Some(i32::from_be_bytes(four)))
        .map_err(|_| format!("{}: 4 bytes are expected", spring::REPLY_PARTITION))
}

/// The headers of a command besides those of its address.
pub(super) fn check_headers(job: &Job) -> Result<(), Stop> {
    let wrong = |(code, why): Wrong| Stop::Dead { code, why };
    let headers = &job.message.headers;
    for header in [
        name::ID,
        name::SOURCE,
        name::CORRELATION,
        name::IDEMPOTENCY_KEY,
    ] {
        called(headers, header).map_err(wrong)?;
    }
    let Some(text) = called(headers, name::DEADLINE).map_err(wrong)? else {
        return Ok(());
    };
    let bad = |why: &str| {
        Err(wrong((
            "runtime.invalid_header",
            format!("deadline: {why}"),
        )))
    };
    match text.parse::<i64>() {
        Err(_) => bad("milliseconds since 1970 are expected"),
        Ok(at_ms) if at_ms > job.ports.clock.now_ms().saturating_add(MAX_DEADLINE_MS) => {
            bad("it is more than 7 days ahead")
        }
        Ok(_) => Ok(()),
    }
}

/// Who the message is and whose, if its key says so.
fn asker(job: &Job, envelope: &Envelope) -> Option<Moment> {
    let key = std::str::from_utf8(&job.message.key).ok()?;
    let key = Key::parse(key).ok()?;
    Some(checks::moment(job, &key, &key.tenant(), envelope))
}

/// A command that does not pass is refused to whoever asked, where somebody can be answered: it did not happen, and
/// never will (D5). `None`: it must become a dead letter.
pub(super) async fn refuse(
    job: &mut Job,
    code: &'static str,
    why: &str,
) -> Result<Option<Ready>, Stop> {
    if !job.spec.commands || code == "runtime.store_corrupt" {
        return Ok(None);
    }
    let envelope = Envelope::read(&job.message.headers);
    let Some(at) = asker(job, &envelope) else {
        return Ok(None);
    };
    let Some(to) = address(job, &at.tenant, &at.message).usable else {
        return Ok(None);
    };
    let place = &job.message.at;
    let part = format!("refused/{}/{}", place.partition, place.offset);
    let emitter = Emitter::new(&job.ports);
    let body = refused(code, why);
    let said = emitter.reply(&at, &to, ReplyStatus::Refused, &body, &part);
    let outgoing = match said.await {
        Ok(outgoing) => outgoing,
        Err(EmissionError::Port(e)) => return Err(e.into()),
        Err(_) => return Ok(None),
    };
    let mut ready = Ready::of(shared(vec![outgoing]), Ended::Refused);
    if let Some(letter) = checks::letter_identity(job, &envelope) {
        // It was a dead letter: each of them has its end once, and holds its key no more (D4).
        match checks::seen(job, letter, checks::letters_kept_ms(job)).await? {
            None => ready.outgoing.clear(),
            Some(save) => ready.identity = save,
        }
        ready.hold_changed = dead::release_done(job, &at.message);
    }
    Ok(Some(ready))
}

/// What the copy of a command is told: the answer that was given, if there is one yet, to its own request.
pub(super) async fn told_again(job: &Job) -> Result<Option<Outgoing>, Stop> {
    let envelope = Envelope::read(&job.message.headers);
    let Some(at) = asker(job, &envelope).filter(|_| job.spec.commands) else {
        return Ok(None);
    };
    let Some(to) = address(job, &at.tenant, &at.message).usable else {
        return Ok(None);
    };
    let Some(request) = OutsideRequest::read(&to.request) else {
        return Ok(None);
    };
    let key = Key::parse(std::str::from_utf8(&job.message.key).unwrap_or_default());
    let Ok(tenant) = key.map(|key| key.tenant()) else {
        return Ok(None);
    };
    let answer = answers_outside::answer_to(
        &job.ports,
        &job.spec.map,
        &to.topic,
        &tenant,
        &request.command,
    );
    let Some(answer) = answer.await? else {
        let now_ms = job.ports.clock.now_ms();
        let waited_ms = now_ms.saturating_sub(job.message.timestamp_ms);
        if (0..MAX_WAIT_MS).contains(&waited_ms) {
            return Err(Stop::Later {
                at_ms: now_ms + LOOK_AGAIN_MS,
                why: "the command that it is a copy of is not answered yet".to_owned(),
            });
        }
        return Ok(None);
    };
    let place = &job.message.at;
    let part = format!("again/{}/{}", place.partition, place.offset);
    let mut headers = answer.headers;
    let its_own = [name::REQUEST, name::TRACEPARENT, spring::CORRELATION];
    headers
        .0
        .retain(|(header, _)| !its_own.contains(&header.as_str()));
    let id = at.message.derive(&at.consumer, &part).to_string();
    headers.set(name::ID, id);
    headers.set(name::SOURCE, format!("troupe/{}", at.consumer));
    headers.set(name::CORRELATION, &*at.correlation);
    headers.set(name::CAUSATION, at.message.id.as_str());
    headers.set_some(name::REQUEST, request.request());
    headers.set_some(spring::CORRELATION, request.spring.as_deref());
    Ok(Some(Outgoing {
        topic: to.topic.into(),
        partition: to.partition,
        key: to.key.into_bytes().into(),
        headers,
        payload: answer.payload,
    }))
}
