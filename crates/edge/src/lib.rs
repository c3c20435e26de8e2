//! HTTP in front of the log: requests become commands, replies become responses; views are read; answers are streamed.
//!
//! - [`Edge`]: made of [`runtime::Ports`], an [`EdgeConfig`] and a [`Health`]; served on a listener;
//! - [`consumers`]: what must run somewhere for it: operations are completed by an ordinary consumer (H1);
//! - `router`: the table of endpoints; `api`: each of them; `openapi`: their description, from the same table;
//! - `tenant`: who asks (G4); `asked`: how; `submit`: from a request to a command and back;
//! - `operations`: what was asked for, as rows; `streams` and `tale`: server-sent events (H3);
//! - `operator`: dead letters and stuck sagas, for an operator's key;
//! - `error_pages`: what the `type` of a problem document leads to;
//! - `waiting`: what is served before anything can be;
//! - `read_models`: what is shown of the workers' views; `problem`: every error that leaves (RFC 9457).

mod admission;
mod alerts;
mod api;
mod app;
mod asked;
mod body;
mod config;
mod error_pages;
mod health;
#[cfg(feature = "testkit")]
mod in_process;
mod metrics;
mod openapi;
mod operations;
mod operator;
mod problem;
mod read_models;
mod router;
mod server;
mod streams;
mod submit;
mod tale;
mod tenant;
mod upload;
mod waiting;

#[cfg(test)]
mod tests;

pub use alerts::{Alert, Alerts, SagaAlerts};
pub use config::{ApiKey, EdgeConfig, KeyHash, Limits, NotAHash, OperatorKey};
pub use error_pages::{error_codes, error_page};
pub use health::{AlwaysUp, Check, Condition, Health};
pub use metrics::Metrics;
pub use openapi::document as openapi_document;
pub use operations::told::{Replies, Told};
pub use operator::{
    AT_ONCE, NotATime, Operator, OperatorError, Verb, Which, letter_json, most_at_once, when,
};
pub use problem::Code;
pub use server::{Edge, EdgeError};
pub use waiting::serve_waiting;

/// Operations and streams without HTTP, for tests of the whole.
#[cfg(feature = "testkit")]
pub mod testkit {
    pub use crate::in_process::{Answered, InProcess};
    pub use crate::operations::{Begin, Kind, Operations, Subject, row::OperationRow};
    pub use crate::tale::{Say, Tale};
}

use events::topic::consumer;
use runtime::Consumer;

/// The consumers of the edge: `operations`, which completes operations from replies, and `sagas.alerts`.
pub fn consumers() -> Vec<Consumer> {
    vec![
        Consumer::view(consumer::OPERATIONS, Replies),
        Consumer::view(consumer::SAGAS_ALERTS, SagaAlerts),
    ]
}
