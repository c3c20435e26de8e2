//! What clients are shown of chatbots, documents and conversations: the rows of the workers' views, read as JSON,
//! since the edge depends on no worker. Only the fields named here are shown.

pub mod chatbots;
pub mod conversations;
pub mod documents;

use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use runtime::rows::{EntityRow, ViewRow};
use runtime::{PortError, Ports};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The largest page.
pub const MAX_PAGE: usize = 200;
/// The page if none is asked for.
const DEFAULT_PAGE: usize = 50;
/// Rows read at a time.
const BATCH: usize = 500;
/// Batches read for one page at most: what is not found by then is on the next page.
const BATCHES: usize = 10;

/// `?limit=&after=`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paging {
    /// At most so many items, 1 to [`MAX_PAGE`].
    pub limit: Option<usize>,
    /// Only items after this one: the `next` of the page before.
    pub after: String,
}

/// One page of items.
pub struct Page {
    items: Vec<Value>,
    next: Option<String>,
}
impl Page {
    /// As JSON: `items`, and `next` if there may be more.
    pub fn to_json(&self) -> Value {
        json!({"items": self.items, "next": self.next})
    }
}

impl Paging {
    fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_PAGE);
        if (1..=MAX_PAGE).contains(&limit) {
            return Ok(limit);
        }
        Err(
            Problem::new(Code::Invalid, format!("a page has 1 to {MAX_PAGE} items"))
                .with("where", "limit"),
        )
    }
}

fn read<R: DeserializeOwned>(view: &str, id: &str, body: &[u8]) -> Result<ViewRow<R>, PortError> {
    serde_json::from_slice(body).map_err(|e| PortError::Corrupt {
        port: "state",
        why: format!("row {id} of {view}: {e}"),
    })
}

/// The row of one key. A key's events are all in one partition; should there be several rows all the same, the one
/// built furthest is taken.
async fn one<R: DeserializeOwned>(
    ports: &Ports,
    view: &str,
    key: &events::Key,
) -> Result<Option<R>, PortError> {
    let rows = ports
        .state
        .scan(view, &format!("{key}/"), "", BATCH)
        .await?;
    let mut best: Option<ViewRow<R>> = None;
    for (id, row) in rows {
        let row = read::<R>(view, &id, &row.body)?;
        if best
            .as_ref()
            .is_none_or(|best| reached(best) < reached(&row))
        {
            best = Some(row);
        }
    }
    Ok(best.map(|row| row.row))
}
fn reached<R>(row: &ViewRow<R>) -> i64 {
    row.applied.as_ref().map_or(-1, |applied| applied.offset)
}

/// What an entity's own row says, if it has one.
async fn entity<R: DeserializeOwned>(
    ports: &Ports,
    consumer: &str,
    key: &events::Key,
) -> Result<Option<R>, PortError> {
    let ids = [key.as_str().to_owned()];
    let rows = ports.state.load(consumer, &ids).await?;
    let Some(row) = rows.into_iter().next().flatten() else {
        return Ok(None);
    };
    let corrupt = |e: serde_json::Error| PortError::Corrupt {
        port: "state",
        why: format!("row {key} of {consumer}: {e}"),
    };
    let row: EntityRow = serde_json::from_slice(&row.body).map_err(corrupt)?;
    let state = row.state.map(|state| serde_json::from_str(state.get()));
    state.transpose().map_err(corrupt)
}

/// A page of a view's rows that `show` has something to show of, in the order of their keys. The work for one page
/// is bounded: a page may hold fewer items than asked for and still have a next one.
async fn page<R: DeserializeOwned>(
    ports: &Ports,
    view: &str,
    tenant: &Tenant,
    paging: &Paging,
    mut show: impl FnMut(&str, R) -> Option<Value>,
) -> Result<Page, Problem> {
    let show = |id: &str, row: R, _: Option<IgnoredAny>| show(id, row);
    page_beside(ports, (view, None), tenant, paging, show).await
}

/// The same, where `show` is also given what a second view has under the same key.
async fn page_beside<R: DeserializeOwned, B: DeserializeOwned>(
    ports: &Ports,
    (view, beside): (&str, Option<&str>),
    tenant: &Tenant,
    paging: &Paging,
    mut show: impl FnMut(&str, R, Option<B>) -> Option<Value>,
) -> Result<Page, Problem> {
    let limit = paging.limit()?;
    let prefix = format!("{}/", tenant.id());
    let mut from = match paging.after.as_str() {
        "" => String::new(),
        after => after_key(&prefix, after),
    };
    let mut items = Vec::new();
    let mut last = String::new();
    for _ in 0..BATCHES {
        let rows = ports.state.scan(view, &prefix, &from, BATCH).await?;
        let ended = rows.len() < BATCH;
        let mut others = match (beside, rows.last()) {
            (Some(beside), Some((to, _))) => between(ports, beside, &prefix, &from, to).await?,
            (None, _) | (_, None) => BTreeMap::new(),
        };
        for (id, row) in rows {
            let key = key_of(&prefix, &id);
            if key == last {
                from = id;
                continue;
            }
            if items.len() == limit {
                return Ok(Page {
                    items,
                    next: Some(last),
                });
            }
            last = key.to_owned();
            let row = read::<R>(view, &id, &row.body)?.row;
            items.extend(show(key, row, others.remove(key)));
            from = id;
        }
        if ended {
            return Ok(Page { items, next: None });
        }
    }
    Ok(Page {
        items,
        next: Some(last),
    })
}

fn key_of<'a>(prefix: &str, id: &'a str) -> &'a str {
    let key = id.strip_prefix(prefix).unwrap_or_default();
    key.split('/').next().unwrap_or_default()
}

/// After every row of this key: '0' follows '/'.
fn after_key(prefix: &str, key: &str) -> String {
    format!("{prefix}{key}0")
}

/// A view's rows after the row `from`, up to those of the key of the row `to`.
async fn between<R: DeserializeOwned>(
    ports: &Ports,
    view: &str,
    prefix: &str,
    from: &str,
    to: &str,
) -> Result<BTreeMap<String, R>, PortError> {
    let end = after_key(prefix, key_of(prefix, to));
    let (mut from, mut found) = (from.to_owned(), BTreeMap::new());
    loop {
        let rows = ports.state.scan(view, prefix, &from, BATCH).await?;
        let ended = rows.len() < BATCH;
        for (id, row) in rows {
            if id >= end {
                return Ok(found);
            }
            let row = read::<R>(view, &id, &row.body)?.row;
            found.insert(key_of(prefix, &id).to_owned(), row);
            from = id;
        }
        if ended {
            return Ok(found);
        }
    }
}
