//! Reading rows: a view's row merged from its partitions, lists of rows, an entity's state.
use crate::PortError;
use crate::context::Ports;
use crate::rows::{EntityRow, ViewRow};
use crate::view::View;
use events::TenantId;
use serde::de::DeserializeOwned;

/// Rows read at a time.
const PAGE: usize = 500;

fn corrupt(name: &str, why: &dyn std::fmt::Display) -> PortError {
    PortError::Corrupt {
        port: "state",
        why: format!("a row of {name}: {why}"),
    }
}

/// The row of `key` in view `name`, merged from all partitions; the default if there is none.
///
/// # Errors
/// If State cannot be asked.
pub async fn view_row<V: View>(
    ports: &Ports,
    view: &V,
    name: &str,
    tenant: &TenantId,
    key: &str,
) -> Result<V::Row, PortError> {
    let rows = ports
        .state
        .scan(name, &format!("{tenant}/{key}/"), "", PAGE)
        .await?;
    let mut merged = V::Row::default();
    for (_, row) in rows {
        let row: ViewRow<V::Row> =
            serde_json::from_slice(&row.body).map_err(|e| corrupt(name, &e))?;
        view.merge(&mut merged, row.row);
    }
    Ok(merged)
}

/// Up to `limit` keys of view `name` after the key `after`, with their merged rows, in the order of the keys.
///
/// # Errors
/// If State cannot be asked.
pub async fn view_rows<V: View>(
    ports: &Ports,
    view: &V,
    name: &str,
    tenant: &TenantId,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, V::Row)>, PortError> {
    let prefix = format!("{tenant}/");
    let mut merged: Vec<(String, V::Row)> = vec![];
    // '0' follows '/': after every row of that key.
    let mut from = if after.is_empty() {
        String::new()
    } else {
        format!("{prefix}{after}0")
    };
    loop {
        let rows = ports.state.scan(name, &prefix, &from, PAGE).await?;
        let last_page = rows.len() < PAGE;
        for (id, row) in rows {
            let key = id[prefix.len()..]
                .split('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            let row: ViewRow<V::Row> =
                serde_json::from_slice(&row.body).map_err(|e| corrupt(name, &e))?;
            let full = merged.len() == limit;
            match merged.last_mut() {
                Some((same, into)) if *same == key => view.merge(into, row.row),
                _ if full => return Ok(merged),
                _ => {
                    let mut into = V::Row::default();
                    view.merge(&mut into, row.row);
                    merged.push((key, into));
                }
            }
            from = id;
        }
        if last_page {
            return Ok(merged);
        }
    }
}

/// The state of an entity; the default if there is none.
///
/// # Errors
/// If State cannot be asked.
pub async fn entity_state<E: Default + DeserializeOwned>(
    ports: &Ports,
    consumer: &str,
    tenant: &TenantId,
    id: &str,
) -> Result<E, PortError> {
    let rows = ports
        .state
        .load(consumer, &[format!("{tenant}/{id}")])
        .await?;
    let Some(row) = rows.into_iter().next().flatten() else {
        return Ok(E::default());
    };
    let row: EntityRow = serde_json::from_slice(&row.body).map_err(|e| corrupt(consumer, &e))?;
    match row.state {
        Some(state) => serde_json::from_str(state.get()).map_err(|e| corrupt(consumer, &e)),
        None => Ok(E::default()),
    }
}
