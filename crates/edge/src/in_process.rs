//! An edge without a socket, for simulations: requests go straight to its router, and its background work runs where it
//! is told to.
use crate::operations::Marks;
use crate::router::router;
use crate::server::{Edge, EdgeError};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;
use tower_service::Service;

/// An edge that takes requests.
pub struct InProcess {
    router: Router,
    /// Dropped, the edge would stop.
    _stop: watch::Sender<bool>,
}

/// A response, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Of HTTP.
    pub status: u16,
    /// `Location`, if there is one.
    pub location: Option<String>,
    /// All of it; an event stream's, too.
    pub body: Vec<u8>,
}

impl Edge {
    /// Takes requests from now on. `spawn` runs what an edge does besides: it hears replies, sends again what was not
    /// sent, and marks what was.
    ///
    /// # Errors
    /// If the replies cannot be found.
    pub async fn in_process(
        self,
        spawn: impl Fn(BoxFuture<'static, ()>),
    ) -> Result<InProcess, EdgeError> {
        let (app, marks, stop): (_, Marks, _) = self.into_parts();
        let app = Arc::new(app);
        let heard_from = app.operations.replies_end().await?;
        let (hearing, sending, marking) = (app.clone(), app.clone(), app.clone());
        let ended = stop.subscribe();
        spawn(Box::pin(async move {
            hearing.operations.listen(heard_from).await;
        }));
        spawn(Box::pin(async move {
            sending.operations.keep_sending().await;
        }));
        spawn(Box::pin(async move {
            marking.operations.mark_sent(marks, &ended).await;
        }));
        Ok(InProcess {
            router: router(app),
            _stop: stop,
        })
    }
}

impl InProcess {
    /// One request, with these headers and this body.
    ///
    /// # Errors
    /// If it is none, or its answer breaks off.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answered, String> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).map_err(|e| e.to_string())?;
        let mut router = self.router.clone();
        let response = router
            .call(request)
            .await
            .unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        let location = head.headers.get("location");
        let location = location.and_then(|value| value.to_str().ok());
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Ok(Answered {
            status: head.status.as_u16(),
            location: location.map(str::to_owned),
            body: body.map_err(|e| e.to_string())?.to_vec(),
        })
    }
}
