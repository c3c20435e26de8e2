//! Looking for a request on a cluster: no topic has an index by correlation, so all of them are read, from some time on.
use super::trace::{Cut, Looked, MOST, Traced};
use super::{Look, LookError};
use cluster::Cluster;
use events::envelope::name;
use events::map::TopicMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How often it is told how far it has got.
const TELL: Duration = Duration::from_secs(2);

impl Look {
    /// All messages since `since_ms` that carry this correlation id, the oldest first, and why there may be more. Its
    /// payloads are not kept.
    pub(super) async fn scan_for(
        &self,
        cluster: &Cluster,
        correlation: &str,
        since_ms: i64,
        until: impl Future<Output = Cut>,
        tell: impl Fn(Looked),
    ) -> Result<(Vec<Traced>, Option<Cut>), LookError> {
        let wanted = correlation.to_owned();
        let topics = TopicMap::embedded().topics();
        let topics = topics.map(|topic| topic.name.clone());
        let mut scan = cluster.log.scan(topics, since_ms, move |message| {
            message.headers.text(name::CORRELATION) == Some(&wanted)
        });
        let (progress, found) = (scan.progress(), Mutex::new(vec![]));
        let found_now = || found.lock().unwrap_or_else(PoisonError::into_inner);
        let looking = async {
            while let Some(message) = scan.next().await? {
                if found_now().len() == MOST {
                    return Ok(Some(Cut::Many));
                }
                // In milliseconds since 1970, until the first one is known. The registry may be asked, and not answer.
                let traced = self.traced(&message, 0).await?;
                found_now().push(traced);
            }
            Ok::<_, LookError>(None)
        };
        let mut ticks = interval_at(Instant::now() + TELL, TELL);
        let (mut until, mut looking) = (std::pin::pin!(until), std::pin::pin!(looking));
        let cut = loop {
            tokio::select! {
                biased;
                cut = &mut until => break Some(cut),
                _ = ticks.tick() => tell(Looked {
                    looked_at: progress.looked_at(),
                    of: progress.of(),
                    found: found_now().len(),
                }),
                cut = &mut looking => break cut?,
            }
        };
        let mut found = std::mem::take(&mut *found_now());
        found.sort_by(|a, b| {
            let place = |t: &Traced| (t.after_ms, t.topic.clone(), t.partition, t.offset);
            place(a).cmp(&place(b))
        });
        let first = found.first().map_or(0, |first| first.after_ms);
        for traced in &mut found {
            traced.after_ms -= first;
        }
        Ok((found, cut))
    }
}
