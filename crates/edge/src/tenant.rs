//! Who asks: the tenant, known by an API key. Nothing can be named without one (G4).
use crate::app::App;
use crate::body::drain_up_to;
use crate::config::{ApiKey, KeyHash};
use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use events::{Key, TenantId};
use std::sync::Arc;

/// The tenant that a request's key belongs to, and by which name it came in. Only [`authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct Tenant {
    id: TenantId,
    principal: Arc<str>,
}
impl Tenant {
    /// The tenant.
    pub fn id(&self) -> &TenantId {
        &self.id
    }
    /// Which of its keys it came with.
    pub fn principal(&self) -> &str {
        &self.principal
    }
    /// `<tenant>/<id>` of something a client names.
    ///
    /// # Errors
    /// 404 if nothing can have that id.
    pub fn key(&self, id: &str, what: &str) -> Result<Key, Problem> {
        Key::of(&self.id, id).map_err(|_| Problem::nothing(what))
    }
}

/// Whose key it is. Every key is compared, whichever fits.
fn find(keys: &[ApiKey], presented: &str) -> Option<Tenant> {
    let presented = KeyHash::of(presented);
    let mut found = None;
    for key in keys {
        if key.sha256.matches(&presented) {
            found = Some(Tenant {
                id: key.tenant.clone(),
                principal: key.name.as_str().into(),
            });
        }
    }
    found
}

pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| text("x-api-key"))
}

/// How much of a body is read on for somebody who is not let in, in bytes.
const DRAINED: usize = 1 << 20;

/// Lets in who has a key, within the tenant's bounds.
///
/// # Errors
/// 401 without a known key; 429 if the tenant, 503 if the edge has too many requests under way.
pub async fn authenticate(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let known = presented(request.headers()).map(|key| find(&app.config.keys, key));
    let entered = match known {
        None => {
            let detail = "send the key as `Authorization: Bearer KEY` or `X-Api-Key: KEY`";
            Err(Problem::new(Code::Unauthorized, detail))
        }
        Some(None) => Err(Problem::new(Code::Unauthorized, "the key is not known")),
        Some(Some(tenant)) => app
            .admission
            .enter(tenant.id())
            .map(|place| (tenant, place)),
    };
    let (tenant, place) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            drain_up_to(request.into_body(), DRAINED).await;
            return Err(problem);
        }
    };
    request.extensions_mut().insert(tenant);
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    drop(place);
    Ok(response)
}

impl FromRequestParts<Arc<App>> for Tenant {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Tenant>().cloned();
        known.ok_or_else(|| Problem::new(Code::Unauthorized, "this request came in without a key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_its_own_tenant_only() {
        let key = |tenant: &str, key: &str| ApiKey {
            tenant: TenantId::new(tenant).expect("a tenant"),
            name: "test".into(),
            sha256: KeyHash::of(key),
        };
        let keys = [key("acme", "one"), key("globex", "two")];
        assert_eq!(find(&keys, "two").expect("known").id().as_str(), "globex");
        assert!(find(&keys, "three").is_none());
        assert!(find(&keys, "").is_none());
    }
    #[test]
    fn a_key_comes_as_bearer_or_in_its_own_header() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(name),
                value.parse().expect("a value"),
            )])
        };
        assert_eq!(
            presented(&headers("authorization", "Bearer k1")),
            Some("k1")
        );
        assert_eq!(
            presented(&headers("authorization", "bearer k1")),
            Some("k1")
        );
        assert_eq!(presented(&headers("x-api-key", "k2")), Some("k2"));
        assert_eq!(presented(&headers("authorization", "Basic k1")), None);
    }
}
