//! Marks operations as sent, sends what never was, and sweeps away what is old.
use super::row::{COLLECTION, OperationRow, UNSENT};
use super::{Marks, Operations};
use crate::app::stopped;
use runtime::PortError;
use std::time::Duration;
use tokio::sync::watch;

/// Rows looked at in one go.
const BATCH: usize = 200;
/// How often unsent commands are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often old rows are swept away, in looks: a minute.
const SWEEP_EVERY: u32 = 30;

impl Operations {
    /// Marks what was sent, until `ended`; then what is left of it, and returns: the last thing an edge does.
    pub async fn mark_sent(&self, mut marks: Marks, ended: &watch::Receiver<bool>) {
        let mut sent = Vec::new();
        loop {
            let closed = marks.0.is_closed();
            tokio::select! {
                biased;
                more = marks.0.recv_many(&mut sent, BATCH) => {
                    if more == 0 {
                        return;
                    }
                }
                () = stopped(ended), if !closed => {
                    marks.0.close();
                    continue;
                }
            }
            let saves: Result<Vec<_>, _> = sent
                .drain(..)
                .map(|sent| sent.row.save(&sent.id, 1))
                .collect();
            let marked = match saves {
                Ok(saves) => self.ports.state.save(saves).await.map(|_| ()),
                Err(error) => Err(error),
            };
            if let Err(error) = marked {
                tracing::warn!(%error, "operations were not marked as sent; their commands will be sent again");
            }
        }
    }

    /// Looks for unsent commands again and again; never returns.
    pub async fn keep_sending(&self) {
        for look in 0_u32.. {
            self.ports.clock.sleep(LOOK_EVERY).await;
            let now_ms = self.ports.clock.now_ms();
            if let Err(error) = self.send_again(now_ms).await {
                tracing::warn!(%error, "cannot look for commands that were not sent");
            }
            if look % SWEEP_EVERY == 0
                && let Err(error) = self.ports.state.sweep(COLLECTION, now_ms, BATCH).await
            {
                tracing::warn!(%error, "cannot sweep old operations");
            }
        }
    }

    /// Sends the commands of rows that have been unsent for too long, with the same ids (H2): one that was sent
    /// after all is recognised (E2). After their deadline too: only who owns what they are about knows what became of
    /// them (E6), since one may have been sent and never been marked. Says how many.
    ///
    /// # Errors
    /// If log or state cannot be asked.
    pub async fn send_again(&self, now_ms: i64) -> Result<usize, PortError> {
        let due = self.ports.state.due(COLLECTION, UNSENT, BATCH).await?;
        let ids: Vec<String> = due
            .into_iter()
            .filter(|due| due.at_ms <= now_ms)
            .map(|due| due.id)
            .collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let rows = self.ports.state.load(COLLECTION, &ids).await?;
        let (mut commands, mut saves) = (Vec::new(), Vec::new());
        for (id, row) in ids.iter().zip(rows) {
            let Some(row) = row else { continue };
            let mut operation = OperationRow::read(id, &row)?;
            commands.extend(operation.command.take());
            saves.push(operation.save(id, row.version)?);
        }
        let again = commands.len();
        if again > 0 {
            self.ports.log.append(commands).await?;
            tracing::info!(again, "sent commands that had not been sent");
        }
        self.ports.state.save(saves).await?;
        Ok(again)
    }
}
