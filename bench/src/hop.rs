//! The embedded hop: published -> handled -> emitted message visible.
use crate::machine::{Failed, Machine};
use events::documents::DocumentDeleted;
use events::record::decode;
use hdrhistogram::Histogram;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Latencies at `rate` messages a second with Poisson arrivals, in microseconds.
pub async fn latency(
    directory: &Path,
    rate: f64,
    messages: usize,
) -> Result<Histogram<u64>, Failed> {
    let machine = Arc::new(Machine::start(directory, true).await?);
    let sent: Arc<Mutex<Vec<Option<Instant>>>> = Arc::new(Mutex::new(vec![None; messages + 50]));
    let seen = Arc::new(Mutex::new(Histogram::<u64>::new_with_bounds(
        1, 60_000_000, 3,
    )?));
    let mut readers = vec![];
    for partition in 0..4 {
        let (machine, sent, seen) = (machine.clone(), sent.clone(), seen.clone());
        readers.push(tokio::spawn(async move {
            let mut next = 0;
            loop {
                let grown = machine.ports.log.grown("replies", partition, next).await;
                let read = machine
                    .ports
                    .log
                    .read("replies", partition, next, 100)
                    .await;
                let now = Instant::now();
                let (Ok(()), Ok(messages)) = (grown, read) else {
                    return;
                };
                for message in messages {
                    next = message.at.offset + 1;
                    let Ok(datum) = machine.ports.schemas.datum(&message.payload).await else {
                        return;
                    };
                    let Ok(out) = decode::<DocumentDeleted>(&datum) else {
                        return;
                    };
                    let Ok(n) = out.chatbot[1..].parse::<usize>() else {
                        return;
                    };
                    let at = sent.lock().ok().and_then(|sent| sent[n]);
                    if let (Some(at), Ok(mut seen)) = (at, seen.lock())
                        && n >= 50
                    {
                        let took = u64::try_from((now - at).as_micros()).unwrap_or(u64::MAX);
                        seen.saturating_record(took);
                    }
                }
            }
        }));
    }
    let mut due = Instant::now();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..messages + 50 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let uniform = (random >> 11) as f64 / (1u64 << 53) as f64;
        due += Duration::from_secs_f64(-(1.0 - uniform).ln() / rate);
        tokio::time::sleep_until(due.into()).await;
        let message = machine.upload(n, n % 200).await?;
        if let Ok(mut sent) = sent.lock() {
            sent[n] = Some(Instant::now());
        }
        let machine = machine.clone();
        tokio::spawn(async move { machine.ports.log.append(vec![message]).await });
    }
    let limit = Instant::now() + Duration::from_secs(30);
    while machine.out("replies").await? < i64::try_from(messages + 50)? {
        if Instant::now() > limit {
            return Err("messages did not come out within 30 s".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    readers.iter().for_each(|reader| reader.abort());
    let seen = seen.lock().map_err(|e| e.to_string())?.clone();
    Ok(seen)
}

/// Messages a second that come out of a backlog of `messages` over 200 keys.
pub async fn throughput(directory: &Path, messages: usize, entity: bool) -> Result<f64, Failed> {
    let topic = if entity {
        "document.deleted"
    } else {
        "replies"
    };
    let mut machine = Machine::start(directory, false).await?;
    for chunk in (0..messages).collect::<Vec<_>>().chunks(1_000) {
        let mut batch = vec![];
        for n in chunk {
            let key = n % 200;
            batch.push(if entity {
                machine.add(*n, key).await?
            } else {
                machine.upload(*n, key).await?
            });
        }
        machine.ports.log.append(batch).await?;
    }
    let begun = Instant::now();
    machine.run()?;
    while machine.out(topic).await? < i64::try_from(messages)? {
        if begun.elapsed() > Duration::from_secs(120) {
            return Err(format!(
                "{} of {messages} came out within 120 s",
                machine.out(topic).await?
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let rate = messages as f64 / begun.elapsed().as_secs_f64();
    machine.stop().await;
    Ok(rate)
}
