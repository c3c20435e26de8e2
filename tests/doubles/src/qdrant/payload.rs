//! Payloads: JSON objects; keys with dots reach into nested objects.
use super::refusal::not_played;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::with_payload_selector::SelectorOptions;
use qdrant_client::qdrant::{Value, WithPayloadSelector};
use std::collections::{BTreeMap, HashMap};
use tonic::Status;

pub(super) type Payload = BTreeMap<String, Value>;

/// Refuses keys that reach into arrays.
pub(super) fn plain_key(key: &str) -> Result<(), Status> {
    if key.contains(['[', ']', '"']) {
        return Err(not_played(format!(
            "the key {key:?}: keys into arrays, or quoted ones"
        )));
    }
    Ok(())
}

/// The value under a key, if there is one.
pub(super) fn value<'a>(payload: &'a Payload, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut found = payload.get(parts.next()?)?;
    for part in parts {
        match found.kind.as_ref()? {
            Kind::StructValue(nested) => found = nested.fields.get(part)?,
            _ => return None,
        }
    }
    Some(found)
}

/// The values that a condition or an order looks at: the elements of an array, or the one value.
pub(super) fn each(value: &Value) -> &[Value] {
    match &value.kind {
        Some(Kind::ListValue(list)) => &list.values,
        _ => std::slice::from_ref(value),
    }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value.kind {
        Some(Kind::IntegerValue(number)) => Some(number as f64),
        Some(Kind::DoubleValue(number)) => Some(number),
        _ => None,
    }
}

pub(super) fn is_null(value: &Value) -> bool {
    matches!(value.kind, None | Some(Kind::NullValue(_)))
}

/// What of a payload is answered. `by_default`: whether all of it is, where nothing is said.
pub(super) fn selected(
    payload: &Payload,
    wanted: Option<&WithPayloadSelector>,
    by_default: bool,
) -> Result<HashMap<String, Value>, Status> {
    let all = || payload.clone().into_iter().collect();
    let top = |fields: &[String]| match fields.iter().find(|field| field.contains(['.', '['])) {
        Some(field) => Err(not_played(format!(
            "the selection of the nested field {field:?}"
        ))),
        None => Ok(()),
    };
    Ok(
        match wanted.and_then(|wanted| wanted.selector_options.as_ref()) {
            None if by_default => all(),
            Some(SelectorOptions::Enable(true)) => all(),
            None | Some(SelectorOptions::Enable(false)) => HashMap::new(),
            Some(SelectorOptions::Include(only)) => {
                top(&only.fields)?;
                let taken = only
                    .fields
                    .iter()
                    .filter_map(|field| payload.get_key_value(field));
                taken
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            }
            Some(SelectorOptions::Exclude(but)) => {
                top(&but.fields)?;
                let taken = payload.iter().filter(|(key, _)| !but.fields.contains(key));
                taken
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            }
        },
    )
}
