//! A message as a row, compact, and back.
use crate::fault::Fault;
use crate::log::topics::Topic;
use events::{Headers, envelope::name};
use runtime::ports::log::{Message, Position};
use rusqlite::{Connection, Row, params};
use std::sync::Arc;

/// Names that are written as one byte: their place here plus 1. Part of the file's format: only added to.
const KNOWN: &[&str] = &[
    name::SPEC_VERSION,
    name::ID,
    name::SOURCE,
    name::TYPE,
    name::TIME,
    name::SUBJECT,
    name::TENANT,
    name::CORRELATION,
    name::CAUSATION,
    name::SUBJECT_KEY,
    name::TRACEPARENT,
    name::REPLY_TO,
    name::REPLY_PARTITION,
    name::REPLY_KEY,
    name::REQUEST,
    name::IDEMPOTENCY_KEY,
    name::DEADLINE,
    name::REPLY_STATUS,
    name::REDRIVEN,
    name::ORIGIN,
];

/// At most so much is fetched of a partition at once, in messages and in bytes.
pub(crate) const FETCH_MESSAGES: usize = 100;
/// See [`FETCH_MESSAGES`].
pub(crate) const FETCH_BYTES: usize = 1 << 20;

/// What a message weighs in memory, about.
pub(crate) fn weight(message: &Message) -> usize {
    256 + message.key.len()
        + message.payload.len()
        + message.headers.size()
        + 48 * message.headers.0.len()
}

/// Writes a message where it stands.
pub(crate) fn insert(sql: &Connection, topic: i64, message: &Message) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "INSERT INTO log(topic, partition, offset, timestamp_ms, key, headers, payload, correlation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        topic,
        message.at.partition,
        message.at.offset,
        message.timestamp_ms,
        &message.key[..],
        encode(&message.headers),
        &message.payload[..],
        message.headers.text(name::CORRELATION),
    ])?;
    Ok(())
}

/// Up to `limit` messages, and about [`FETCH_BYTES`], from `offset` on.
pub(crate) fn read(
    sql: &Connection,
    topic: &Topic,
    partition: i32,
    offset: i64,
    limit: usize,
) -> Result<Vec<Message>, Fault> {
    let mut found = sql.prepare_cached(
        "SELECT partition, offset, timestamp_ms, key, headers, payload FROM log
         WHERE topic = ?1 AND partition = ?2 AND offset >= ?3 ORDER BY offset",
    )?;
    let mut rows = found.query(params![topic.no, partition, offset])?;
    let (mut messages, mut bytes) = (vec![], 0);
    while messages.len() < limit && bytes < FETCH_BYTES {
        let Some(row) = rows.next()? else { break };
        let message = from_row(row, &topic.name)?;
        bytes += weight(&message);
        messages.push(message);
    }
    Ok(messages)
}

/// A message from the columns partition, offset, timestamp_ms, key, headers, payload.
pub(crate) fn from_row(row: &Row<'_>, topic: &Arc<str>) -> Result<Message, Fault> {
    let at = Position {
        topic: Arc::clone(topic),
        partition: row.get(0)?,
        offset: row.get(1)?,
    };
    let headers = row.get_ref(4)?.as_bytes().ok().and_then(decode);
    let headers = headers.ok_or_else(|| Fault::Corrupt(format!("the headers of {at:?}")))?;
    Ok(Message {
        at,
        timestamp_ms: row.get(2)?,
        key: row.get::<_, Vec<u8>>(3)?.into(),
        headers,
        payload: row.get::<_, Vec<u8>>(5)?.into(),
    })
}

/// Each header: the name (one byte, or 0, a length and the text), a length, the value. Lengths are u32 LE.
fn encode(headers: &Headers) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(headers.size() + 8 * headers.0.len());
    for (name, value) in &headers.0 {
        match KNOWN.iter().position(|known| known == name) {
            Some(index) => bytes.push(index as u8 + 1),
            None => {
                bytes.push(0);
                put(&mut bytes, name.as_bytes());
            }
        }
        put(&mut bytes, value);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn decode(mut bytes: &[u8]) -> Option<Headers> {
    let mut headers = vec![];
    while let Some((&code, rest)) = bytes.split_first() {
        bytes = rest;
        let name = match code {
            0 => String::from_utf8(take(&mut bytes)?.to_vec()).ok()?,
            code => (*KNOWN.get(usize::from(code) - 1)?).to_owned(),
        };
        headers.push((name, take(&mut bytes)?.to_vec()));
    }
    Some(Headers(headers))
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were() {
        let headers = Headers(vec![
            ("ce_id".into(), b"1".to_vec()),
            ("x-own".into(), vec![]),
            ("ce_id".into(), vec![0, 255]),
            (String::new(), b"nameless".to_vec()),
        ]);
        assert_eq!(decode(&encode(&headers)), Some(headers));
        assert_eq!(
            decode(&encode(&Headers::default())),
            Some(Headers::default())
        );
    }
    #[test]
    fn damaged_headers_are_noticed() {
        let whole = encode(&Headers(vec![("ce_id".into(), b"12345".to_vec())]));
        for length in 1..whole.len() {
            assert_eq!(decode(&whole[..length]), None, "{length}");
        }
        assert_eq!(decode(&[200, 0, 0, 0, 0]), None);
    }
}
