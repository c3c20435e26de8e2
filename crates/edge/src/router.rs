//! The table of endpoints: where each is, who handles it, how it is described; and what stands around them.
use crate::api::{blobs, chatbots, conversations, documents, operations, questions};
use crate::app::App;
use crate::openapi::{Answer, Body, Doc, OpenTo};
use crate::problem::{Code, Problem, write_problems};
use crate::{error_pages, health, metrics, openapi, operator, tenant};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use runtime::context::panic_text;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::RequestBodyTimeoutLayer;

/// One endpoint.
pub struct Endpoint {
    /// In lower case, as OpenAPI has it.
    pub method: &'static str,
    /// With `{names}`.
    pub path: &'static str,
    /// How it is described.
    pub doc: Doc,
    handler: MethodRouter<Arc<App>>,
}

pub(crate) fn endpoint<H, T>(
    method: &'static str,
    path: &'static str,
    handler: H,
    doc: Doc,
) -> Endpoint
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    let filter = match method {
        "post" => MethodFilter::POST,
        "put" => MethodFilter::PUT,
        "patch" => MethodFilter::PATCH,
        "delete" => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    };
    Endpoint {
        method,
        path,
        doc,
        handler: on(filter, handler),
    }
}

/// All endpoints. This is what is served and what `/openapi.json` describes.
pub fn endpoints() -> Vec<Endpoint> {
    use Answer::{Accepted, Created, Ok, Stream};
    let (chatbots_, chatbot) = ("/v1/chatbots", "/v1/chatbots/{chatbot}");
    let (documents_, document) = (
        "/v1/chatbots/{chatbot}/documents",
        "/v1/chatbots/{chatbot}/documents/{document}",
    );
    let (pause, resume) = (
        "/v1/chatbots/{chatbot}/pause",
        "/v1/chatbots/{chatbot}/resume",
    );
    let (asking, talks) = (
        "/v1/chatbots/{chatbot}/questions",
        "/v1/chatbots/{chatbot}/conversations",
    );
    let (talk, operation) = (
        "/v1/conversations/{conversation}",
        "/v1/operations/{operation}",
    );
    let page = ["limit", "after"].as_slice();
    let mut all = vec![
        endpoint(
            "post",
            chatbots_,
            chatbots::create,
            Doc::command(
                "createChatbot",
                "Create a chatbot with its sources, or nothing",
            )
            .body(Body::Json("CreateChatbot"))
            .answers(&[Created("Made"), Accepted]),
        ),
        endpoint(
            "get",
            chatbots_,
            chatbots::list,
            Doc::query("listChatbots", "List chatbots")
                .params(page)
                .answers(&[Ok("ChatbotPage")]),
        ),
        endpoint(
            "get",
            chatbot,
            chatbots::get,
            Doc::query("getChatbot", "Get a chatbot").answers(&[Ok("Chatbot")]),
        ),
        endpoint(
            "patch",
            chatbot,
            chatbots::update,
            Doc::command("updateChatbot", "Change a chatbot's name or settings")
                .body(Body::Json("UpdateChatbot"))
                .answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "delete",
            chatbot,
            chatbots::delete,
            Doc::command("deleteChatbot", "Delete a chatbot and all that it knows")
                .answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "post",
            pause,
            chatbots::pause,
            Doc::command("pauseChatbot", "Pause a chatbot").answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "post",
            resume,
            chatbots::resume,
            Doc::command("resumeChatbot", "Resume a chatbot").answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "post",
            documents_,
            documents::add,
            Doc::command("addDocuments", "Upload one document or several")
                .body(Body::Files)
                .params(&["name"])
                .answers(&[Created("Uploaded"), Accepted]),
        ),
        endpoint(
            "get",
            documents_,
            documents::list,
            Doc::query("listDocuments", "List a chatbot's documents")
                .params(page)
                .answers(&[Ok("DocumentPage")]),
        ),
        endpoint(
            "get",
            document,
            documents::get,
            Doc::query("getDocument", "Get a document and its ledger").answers(&[Ok("Document")]),
        ),
        endpoint(
            "put",
            document,
            documents::replace,
            Doc::command(
                "replaceDocument",
                "Upload a document again, or under an id of your own",
            )
            .body(Body::File)
            .params(&["name"])
            .answers(&[Ok("Uploaded"), Accepted]),
        ),
        endpoint(
            "delete",
            document,
            documents::delete,
            Doc::command("deleteDocument", "Delete a document").answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "post",
            asking,
            questions::ask,
            Doc::command("askQuestion", "Ask a chatbot: wait, fetch later, or stream")
                .body(Body::Json("AskQuestion"))
                .answers(&[Ok("Answer"), Stream, Accepted]),
        ),
        endpoint(
            "get",
            talks,
            conversations::list,
            Doc::query("listConversations", "List a chatbot's conversations")
                .params(&["visitor", "limit", "after"])
                .answers(&[Ok("ConversationPage")]),
        ),
        endpoint(
            "get",
            talk,
            conversations::get,
            Doc::query("getConversation", "Get a conversation, turn by turn")
                .answers(&[Ok("Conversation")]),
        ),
        endpoint(
            "delete",
            talk,
            conversations::delete,
            Doc::command("endConversation", "Forget a conversation")
                .answers(&[Ok("Made"), Accepted]),
        ),
        endpoint(
            "post",
            "/v1/blobs",
            blobs::put,
            Doc::command("putBlob", "Put content to refer to later")
                .body(Body::File)
                .answers(&[Created("Blob")]),
        ),
        endpoint(
            "get",
            operation,
            operations::get,
            Doc::query(
                "getOperation",
                "How an operation stands; with `Prefer: wait` as soon as it has ended",
            )
            .answers(&[Ok("Operation")]),
        ),
        endpoint(
            "get",
            "/v1/operations/{operation}/events",
            operations::events,
            Doc::query(
                "streamOperation",
                "An operation as it goes on; `Last-Event-ID` resumes",
            )
            .answers(&[Stream]),
        ),
        endpoint(
            "get",
            "/errors/{code}",
            error_pages::get,
            Doc::open(
                "getErrorPage",
                "What a code means and what to do: the `type` of a problem document",
            )
            .answers(&[Answer::Markdown]),
        ),
        endpoint(
            "get",
            "/openapi.json",
            openapi::serve,
            Doc::open("getOpenApi", "This description").answers(&[Ok("Anything")]),
        ),
        endpoint(
            "get",
            "/health/live",
            health::live,
            Doc::open("isLive", "Whether the process answers").answers(&[Ok("Health")]),
        ),
        endpoint(
            "get",
            "/health/ready",
            health::ready,
            Doc::open(
                "isReady",
                "Whether requests can be served, with every check",
            )
            .answers(&[Ok("Health")]),
        ),
        endpoint(
            "get",
            "/metrics",
            metrics::metrics,
            Doc::open("getMetrics", "Metrics in the OpenMetrics text format")
                .answers(&[Answer::Text]),
        ),
    ];
    all.extend(operator::endpoints());
    all
}

pub(crate) async fn nothing() -> Problem {
    Problem::new(
        Code::NotFound,
        "nothing is here; /openapi.json lists what there is",
    )
}

/// Answers for a request handler that panicked.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(panic = panic_text(&*panic), "a request handler panicked");
    Problem::new(
        Code::Internal,
        "the request could not be handled; the log of the server says why",
    )
    .into_response()
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::try_from(origin).ok()),
        )
    };
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header("x-api-key"),
            header("idempotency-key"),
            header("prefer"),
            header("last-event-id"),
            header("traceparent"),
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            header("preference-applied"),
        ])
}

/// Only what needs no key.
pub fn open_router(app: Arc<App>) -> Router {
    let open = endpoints()
        .into_iter()
        .filter(|endpoint| matches!(endpoint.doc.open_to, OpenTo::Everybody));
    open.fold(Router::new(), |router, endpoint| {
        router.route(endpoint.path, endpoint.handler)
    })
    .fallback(nothing)
    .layer(from_fn_with_state(app.clone(), metrics::observe))
    .with_state(app)
}

/// Everything that is served.
pub fn router(app: Arc<App>) -> Router {
    let (mut open, mut guarded, mut kept) = (Router::new(), Router::new(), Router::new());
    for Endpoint {
        path, handler, doc, ..
    } in endpoints()
    {
        match doc.open_to {
            OpenTo::Everybody => open = open.route(path, handler),
            OpenTo::Tenants => guarded = guarded.route(path, handler),
            OpenTo::Operators => kept = kept.route(path, handler),
        }
    }
    let silence = Duration::from_secs(app.config.limits.body_silence_s.max(1));
    guarded
        .route_layer(from_fn_with_state(app.clone(), tenant::authenticate))
        .merge(kept.route_layer(from_fn_with_state(app.clone(), operator::let_in)))
        .merge(open)
        .fallback(nothing)
        // Each body has a limit of its own; see `body` and `upload`.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyTimeoutLayer::new(silence))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), metrics::observe))
        .layer(from_fn(write_problems))
        .layer(cors(&app.config.cors_origins))
        .with_state(app)
}
