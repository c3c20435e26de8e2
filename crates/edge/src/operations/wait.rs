//! Waiting for answers, and finding what is known now.
use super::Operations;
use super::begin::Begun;
use super::operation::Operation;
use super::row::{COLLECTION, OperationRow};
use super::told::Told;
use super::waiters::Waiter;
use crate::app::stopped;
use events::TenantId;
use futures::future::BoxFuture;
use runtime::PortError;
use runtime::rows::ViewRow;
use std::time::Duration;
use tokio::time::Instant;

/// How soon the rows are looked at for an answer that another edge heard; doubled with each look.
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// How often at least.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Partitions of replies in which answers to one operation may be.
const PARTITIONS: usize = 100;

/// When to look at the rows: often at first, where the answer may be there already; rarely where this edge sent
/// the command and hears the answer anyway.
pub(crate) struct Looks(Duration);
impl Looks {
    pub fn new(repeated: bool) -> Self {
        Self(if repeated { FIRST_LOOK } else { LOOK_EVERY })
    }
    pub fn next(&mut self) -> Instant {
        let at = Instant::now() + self.0;
        self.0 = (self.0 * 2).min(LOOK_EVERY);
        at
    }
}

impl Operations {
    /// An operation as the rows have it, with its parts.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub fn load<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Operation>, PortError>> {
        Box::pin(async move {
            let key = format!("{tenant}/{id}");
            let rows = self
                .ports
                .state
                .load(COLLECTION, std::slice::from_ref(&key))
                .await?;
            let Some(row) = rows.into_iter().next().flatten() else {
                return Ok(None);
            };
            let row = OperationRow::read(&key, &row)?;
            let mut parts = Vec::with_capacity(row.parts.len());
            for part in &row.parts {
                parts.extend(self.load(tenant, part).await?);
            }
            let told = self.told(tenant, id).await?;
            Ok(Some(Operation {
                id: id.to_owned(),
                row,
                told,
                parts,
            }))
        })
    }

    /// What the consumer `operations` knows, personal fields opened.
    pub(crate) async fn told(&self, tenant: &TenantId, id: &str) -> Result<Told, PortError> {
        let rows = self
            .ports
            .state
            .scan(COLLECTION, &format!("{tenant}/{id}/"), "", PARTITIONS)
            .await?;
        let mut told = Told::default();
        for (id, row) in rows {
            let row: ViewRow<Told> =
                serde_json::from_slice(&row.body).map_err(|e| PortError::Corrupt {
                    port: "state",
                    why: format!("replies {id}: {e}"),
                })?;
            told.merge(row.row);
        }
        self.open(tenant, told).await
    }

    pub(crate) async fn open(&self, tenant: &TenantId, told: Told) -> Result<Told, PortError> {
        if told.subject.is_none() {
            return Ok(told);
        }
        let opening = self
            .ports
            .keys
            .opening(tenant.as_str(), told.subject.as_deref())
            .await?;
        Ok(told.opened(tenant.as_str(), &opening))
    }

    /// Hears from now on what is answered to an operation.
    pub(crate) fn join(&self, tenant: &TenantId, id: &str) -> Waiter {
        self.waiters.join(&format!("{tenant}/{id}"))
    }

    /// Waits until the operation has its final answer, `until` has come, or the edge stops.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn wait(
        &self,
        tenant: &TenantId,
        mut operation: Operation,
        repeated: bool,
        mut waiter: Waiter,
        until: Instant,
    ) -> Result<Operation, PortError> {
        let mut looks = Looks::new(repeated);
        let mut look = looks.next();
        while !operation.is_final() && Instant::now() < until && !*self.stopping.borrow() {
            tokio::select! {
                biased;
                () = waiter.changed() => {
                    let heard = self.open(tenant, waiter.heard()).await?;
                    operation.told.merge(heard);
                }
                () = stopped(&self.stopping) => break,
                () = tokio::time::sleep_until(look.min(until)) => {
                    operation = self.load(tenant, &operation.id).await?.unwrap_or(operation);
                    look = looks.next();
                }
            }
        }
        Ok(operation)
    }

    /// Waits for operations that were just begun, side by side.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn wait_all(
        &self,
        tenant: &TenantId,
        begun: Vec<Begun>,
        until: Instant,
    ) -> Result<Vec<Operation>, PortError> {
        let waits = begun
            .into_iter()
            .map(|begun| self.wait(tenant, begun.operation, begun.repeated, begun.waiter, until));
        futures::future::try_join_all(waits).await
    }
}
