//! From requests to rows and commands: the row is written before the command is sent (H2).
use super::operation::Operation;
use super::row::OperationRow;
use super::told::Told;
use super::waiters::Waiter;
use super::{Operations, Sent};
use crate::problem::{Code, Problem};
use events::{Key, TenantId};
use runtime::PortError;
use runtime::ports::state::Saved;

/// An operation to begin.
pub struct Begin {
    /// Its id.
    pub id: String,
    /// With its command, unless it consists of others.
    pub row: OperationRow,
}

/// An operation that was begun, now or before.
pub struct Begun {
    /// As it is now.
    pub operation: Operation,
    /// Whether an earlier request began it.
    pub repeated: bool,
    pub(super) waiter: Waiter,
}

impl Begun {
    /// The operation, and who waits for it.
    pub(crate) fn into_parts(self) -> (Operation, Waiter) {
        (self.operation, self.waiter)
    }
}

impl Operations {
    /// Begins operations of one tenant: their rows together, then their commands together. One that an earlier
    /// request began is left as it is.
    ///
    /// # Errors
    /// 422 if an earlier one was another request; 503 or 507 if the rows cannot be written: they may have been.
    pub async fn begin(&self, tenant: &TenantId, all: Vec<Begin>) -> Result<Vec<Begun>, Problem> {
        let mut keys = Vec::with_capacity(all.len());
        let mut saves = Vec::with_capacity(all.len());
        for begin in &all {
            let key = Key::of(tenant, &begin.id)
                .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
            saves.push(begin.row.save(key.as_str(), 0)?);
            keys.push(key);
        }
        // Whoever waits is there before the command is, so no answer can be missed.
        let waiters: Vec<Waiter> = keys
            .iter()
            .map(|key| self.waiters.join(key.as_str()))
            .collect();
        let saved = self.ports.state.save(saves).await?;

        let mut begun = Vec::with_capacity(all.len());
        let mut fresh = Vec::new();
        for (((begin, key), waiter), saved) in all.into_iter().zip(&keys).zip(waiters).zip(saved) {
            let repeated = saved == Saved::Lost;
            let operation = if repeated {
                self.repeated(tenant, &begin).await?
            } else {
                fresh.push((key, begin.row.clone()));
                Operation {
                    id: begin.id,
                    row: begin.row,
                    told: Told::default(),
                    parts: vec![],
                }
            };
            begun.push(Begun {
                operation,
                repeated,
                waiter,
            });
        }
        self.send(fresh).await;
        Ok(begun)
    }

    /// Begins an operation that consists of others. Its own row goes first: if an earlier request was another one,
    /// no part of this one is begun.
    ///
    /// # Errors
    /// See [`Self::begin`].
    pub async fn begin_group(
        &self,
        tenant: &TenantId,
        group: Begin,
        parts: Vec<Begin>,
    ) -> Result<(Operation, Vec<Begun>), Problem> {
        let group = self.begin(tenant, vec![group]).await?;
        let parts = self.begin(tenant, parts).await?;
        let group = group.into_iter().next().map(|begun| begun.operation);
        Ok((
            group.ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))?,
            parts,
        ))
    }

    async fn repeated(&self, tenant: &TenantId, begin: &Begin) -> Result<Operation, Problem> {
        let gone = || PortError::Unreachable {
            port: "state",
            why: "an operation ended while it was read".into(),
        };
        let earlier = self.load(tenant, &begin.id).await?.ok_or_else(gone)?;
        if earlier.row.fingerprint != begin.row.fingerprint {
            let detail = "another request came with this Idempotency-Key before; use a new key for a new request";
            return Err(
                Problem::new(Code::IdempotencyKeyReused, detail).with("operation", earlier.id)
            );
        }
        Ok(earlier)
    }

    /// Sends what was just written. If that fails it is not an error any more: the rows say what to send again.
    async fn send(&self, fresh: Vec<(&Key, OperationRow)>) {
        let commands: Vec<_> = fresh
            .iter()
            .filter_map(|(_, row)| row.command.clone())
            .collect();
        if commands.is_empty() {
            return;
        }
        if let Err(error) = self.ports.log.append(commands).await {
            tracing::warn!(%error, "commands were not sent; they will be sent again");
            return;
        }
        for (key, row) in fresh {
            if row.command.is_some() {
                let row = OperationRow {
                    command: None,
                    ..row
                };
                // If there is no room the mark is left out; see MARKS.
                let _ = self.sent.try_send(Sent {
                    id: key.as_str().to_owned(),
                    row,
                });
            }
        }
    }
}
