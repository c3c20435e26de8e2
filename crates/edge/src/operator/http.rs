//! `/v1/operator`: for an operator's key. Whoever comes without one is told that nothing is there.
use super::{
    AT_ONCE, MAX_PAGE, Operator, OperatorError, Verb, Which, bounded, letter_json, most_at_once,
};
use crate::app::App;
use crate::body::{JsonBody, JsonRequest, QueryOf, drain_up_to};
use crate::config::KeyHash;
use crate::openapi::{Answer, Body, Doc};
use crate::problem::{Code, Problem};
use crate::router::{Endpoint, endpoint, nothing};
use crate::tenant::presented;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use events::Key;
use runtime::dead_letters::{LettersError, NotARate, Place, Rate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// How much of a body is read on for somebody who is not let in, in bytes.
const DRAINED: usize = 1 << 20;
/// Letters on a page if nobody says how many.
const PAGE: usize = 100;

/// Lets in who has an operator's key.
///
/// # Errors
/// 404 without one.
pub(crate) async fn let_in(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let hash = presented(request.headers()).map(KeyHash::of);
    let mut known = false;
    for operator in &app.config.operators {
        known |= hash
            .as_ref()
            .is_some_and(|hash| operator.sha256.matches(hash));
    }
    if !known {
        drain_up_to(request.into_body(), DRAINED).await;
        return Err(nothing().await);
    }
    Ok(next.run(request).await)
}

/// All of them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    use Answer::Ok;
    let letters = "/v1/operator/dead-letters";
    vec![
        endpoint(
            "get",
            letters,
            list,
            Doc::operator("listDeadLetters", "Messages that could not be handled")
                .params(&[
                    "worker", "code", "tenant", "key", "since", "until", "limit", "after",
                ])
                .answers(&[Ok("DeadLetterPage")]),
        ),
        endpoint(
            "get",
            "/v1/operator/dead-letters/{topic}/{partition}/{offset}",
            show,
            Doc::operator("getDeadLetter", "One of them; personal fields stay sealed")
                .answers(&[Ok("DeadLetter")]),
        ),
        endpoint(
            "post",
            "/v1/operator/dead-letters/redrive",
            redrive,
            Doc::operator(
                "redriveDeadLetters",
                "Send dead letters to their input once more, of each key in order, at a rate; or only plan it",
            )
            .body(Body::Json("Redrive"))
            .answers(&[Ok("Anything")]),
        ),
        endpoint(
            "post",
            "/v1/operator/dead-letters/discard",
            discard,
            Doc::operator(
                "discardDeadLetters",
                "Dead letters that will not be handled",
            )
            .body(Body::Json("Discard"))
            .answers(&[Ok("Anything")]),
        ),
        endpoint(
            "post",
            "/v1/operator/sagas/{verb}",
            saga,
            Doc::operator("tellSaga", "`resume` or `abandon` a stuck saga")
                .body(Body::Json("TellSaga"))
                .answers(&[Ok("Anything")]),
        ),
    ]
}

impl From<OperatorError> for Problem {
    fn from(error: OperatorError) -> Self {
        let code = match error {
            OperatorError::Port(port) | OperatorError::Letters(LettersError::Port(port)) => {
                return port.into();
            }
            OperatorError::Emission(error) => return error.into(),
            OperatorError::Letters(LettersError::NoSuchLetter(_)) => Code::NotFound,
            OperatorError::Letters(LettersError::Settled { .. }) => Code::Conflict,
            OperatorError::Letters(_)
            | OperatorError::NoWorker(_)
            | OperatorError::NoSaga(_)
            | OperatorError::Wrong(_) => Code::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

fn operator(app: &App) -> Operator {
    Operator::new(&app.ports, app.map.clone())
}

/// [`Which`], by page. (A query knows no nesting.)
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Paged {
    worker: Option<String>,
    code: Option<String>,
    tenant: Option<String>,
    key: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

fn place(text: &str) -> Result<Place, Problem> {
    text.parse()
        .map_err(|e: LettersError| OperatorError::from(e).into())
}

async fn list(
    State(app): State<Arc<App>>,
    QueryOf(paged): QueryOf<Paged>,
) -> Result<Json<Value>, Problem> {
    let limit = paged.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        let detail = format!("a page has 1 to {MAX_PAGE} items");
        return Err(Problem::new(Code::Invalid, detail).with("where", "limit"));
    }
    let after = paged.after.as_deref().map(place).transpose()?;
    let Paged {
        worker,
        code,
        tenant,
        key,
        since,
        until,
        ..
    } = paged;
    let which = Which {
        worker,
        code,
        tenant,
        key,
        since,
        until,
    };
    let (letters, next) = operator(&app).list(&which, after.as_ref(), limit).await?;
    let items: Vec<Value> = letters.iter().map(letter_json).collect();
    Ok(Json(
        json!({"items": items, "next": next.map(|next| next.to_string())}),
    ))
}

async fn show(
    State(app): State<Arc<App>>,
    Path((topic, partition, offset)): Path<(String, String, String)>,
) -> Result<Json<Value>, Problem> {
    let place = place(&format!("{topic}/{partition}/{offset}"))?;
    Ok(Json(letter_json(&operator(&app).show(&place).await?)))
}

/// `POST …/redrive`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redrive {
    /// These letters; or, to plan, those that fit `which`.
    #[serde(default)]
    places: Vec<Place>,
    which: Option<Which>,
    #[serde(default)]
    by: String,
    #[serde(default)]
    why: String,
    /// Letters a second, at most; [`Rate::USUAL`] if it is not said.
    rate: Option<u32>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    plan: bool,
    /// With one place: round by round, until its key is free.
    #[serde(default)]
    follow: bool,
}
impl JsonRequest for Redrive {}

async fn redrive(
    State(app): State<Arc<App>>,
    JsonBody(asked): JsonBody<Redrive>,
) -> Result<Json<Value>, Problem> {
    let operator = operator(&app);
    if asked.plan {
        let plan = match &asked.which {
            Some(which) => operator.plan(which).await?,
            None => operator.plan_of(&asked.places).await?,
        };
        return Ok(Json(json!({"count": plan.count(), "keys": plan.keys})));
    }
    if asked.which.is_some() {
        let detail = "what is redriven is named by its places; `plan` finds them";
        return Err(Problem::new(Code::Invalid, detail).with("where", "which"));
    }
    let wrong = |e: NotARate| Problem::new(Code::Invalid, e.to_string()).with("where", "rate");
    let rate = asked.rate.map(Rate::per_second).transpose();
    let rate = rate.map_err(wrong)?.unwrap_or_default();
    let Redrive { by, why, .. } = &asked;
    match (asked.follow, asked.places.as_slice()) {
        (false, places) => {
            bounded(places, most_at_once(rate))?;
            let redriven = operator.redrive(places, by, why, rate).await?;
            Ok(Json(json!(redriven)))
        }
        (true, [place]) => {
            let redriven = operator.redrive_key(place, by, why, rate).await?;
            Ok(Json(json!(redriven)))
        }
        (true, _) => {
            let detail = "one key is followed at a time: name one place";
            Err(Problem::new(Code::Invalid, detail).with("where", "places"))
        }
    }
}

/// `POST …/discard`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discard {
    places: Vec<Place>,
    by: String,
    why: String,
}
impl JsonRequest for Discard {}

async fn discard(
    State(app): State<Arc<App>>,
    JsonBody(asked): JsonBody<Discard>,
) -> Result<Json<Value>, Problem> {
    bounded(&asked.places, AT_ONCE)?;
    let done = operator(&app)
        .discard(&asked.places, &asked.by, &asked.why)
        .await?;
    let shown = |(place, discarded): &(Place, _)| json!({"place": place, "discarded": discarded});
    let done: Vec<Value> = done.iter().map(shown).collect();
    Ok(Json(json!({"done": done})))
}

/// `POST …/sagas/resume`, `…/abandon`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TellSaga {
    saga: String,
    key: String,
    by: String,
    why: String,
}
impl JsonRequest for TellSaga {}

async fn saga(
    State(app): State<Arc<App>>,
    Path(verb): Path<String>,
    JsonBody(asked): JsonBody<TellSaga>,
) -> Result<Json<Value>, Problem> {
    let verb = match verb.as_str() {
        "resume" => Verb::Resume,
        "abandon" => Verb::Abandon,
        _ => return Err(nothing().await),
    };
    let invalid =
        |e: events::id::InvalidId| Problem::new(Code::Invalid, e.to_string()).with("where", "key");
    let key = Key::parse(&asked.key).map_err(invalid)?;
    let operator = operator(&app);
    operator
        .tell_saga(&asked.saga, &key, verb, &asked.by, &asked.why)
        .await?;
    Ok(Json(json!({"noted": true})))
}
