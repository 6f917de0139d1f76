//! Clients of the API, by their tokens. A handler names the scope that it needs: `ApiClient<Read>`.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum_extra::TypedHeader;
use axum_extra::headers::Authorization;
use axum_extra::headers::authorization::{Basic, Bearer};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::Sha256;

use super::state::AppState;
use crate::app::App;
use crate::config::{ApiToken, Scope};
use crate::http::Problem;
use crate::monitors::credentials::same;

/// The scopes that allow a request. One of them is enough.
pub(crate) trait Access {
    const ANY_OF: &'static [Scope];
}

pub(crate) struct Read;
pub(crate) struct Write;
pub(crate) struct Catalog;
/// The scope *catalog*, because a pipeline asks before it publishes, or the scope *read*.
pub(crate) struct CatalogOrRead;

impl Access for Read {
    const ANY_OF: &'static [Scope] = &[Scope::Read];
}
impl Access for Write {
    const ANY_OF: &'static [Scope] = &[Scope::Write];
}
impl Access for Catalog {
    const ANY_OF: &'static [Scope] = &[Scope::Catalog];
}
impl Access for CatalogOrRead {
    const ANY_OF: &'static [Scope] = &[Scope::Catalog, Scope::Read];
}

/// A client with a token of the API that allows this.
pub(crate) struct ApiClient<A> {
    pub(crate) app: Arc<App>,
    pub(crate) name: String,
    access: PhantomData<A>,
}

impl<A: Access> ApiClient<A> {
    /// The client with this token, if the token is known and allows this.
    fn with_token(app: &Arc<App>, given: Option<&str>) -> Result<Self, Problem> {
        let refused = |problem| {
            app.metrics.rejected.get_or_create(&[("kind", "api")]).inc();
            Err(problem)
        };
        let tokens = &app.config.secrets.api_tokens;
        if tokens.is_empty() {
            return refused(Problem::new(
                401,
                "The API is closed. Set MUSTER_API__TOKEN, or add a token under `[[api_tokens]]`.",
            ));
        }
        match given.and_then(|given| known(tokens, given)) {
            None if given.is_none() => {
                refused(Problem::new(401, "Send the API token in the header `Authorization: Bearer …`"))
            }
            None => refused(Problem::new(
                401,
                "This is not a token of the API. It may be mistyped or replaced, or belong to something else, such as a monitor.",
            )),
            Some(token) if token.scopes.iter().any(|scope| A::ANY_OF.contains(scope)) => {
                Ok(Self { app: app.clone(), name: token.name.clone(), access: PhantomData })
            }
            Some(token) => {
                let words = |scopes: &[Scope]| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
                let (has, needs) = (words(&token.scopes).join(" and "), words(A::ANY_OF).join(" or "));
                tracing::warn!(token = token.name, has, needs, "a token of the API lacks the scope for a request");
                refused(Problem::new(
                    403,
                    format!(
                        "The token `{}` is good for {has}, but this needs {needs}. Scopes are set in Muster's configuration, under `[[api_tokens]]`",
                        token.name
                    ),
                ))
            }
        }
    }
}

/// The token that was given. It is compared with all tokens, so that the time reveals nothing.
fn known<'a>(tokens: &'a [ApiToken], given: &str) -> Option<&'a ApiToken> {
    tokens.iter().fold(None, |found, token| if same(given, token.token.expose_secret()) { Some(token) } else { found })
}

impl<A: Access + Send + Sync> FromRequestParts<AppState> for ApiClient<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let given = parts.extract::<TypedHeader<Authorization<Bearer>>>().await.ok();
        Self::with_token(&state.app, given.as_ref().map(|given| given.token().trim()))
    }
}

/// A person with a browser. The browser asks for a password, which is a token of the API with the scope *read*.
pub(crate) struct Browser(pub(crate) ApiClient<Read>);

/// A refusal at which a browser asks for the password.
pub(crate) struct AskPassword(Problem);

impl IntoResponse for AskPassword {
    fn into_response(self) -> Response {
        let mut answer = self.0.into_response();
        let challenge = HeaderValue::from_static("Basic realm=\"Muster; the password is the API token\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        answer
    }
}

impl FromRequestParts<AppState> for Browser {
    type Rejection = AskPassword;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AskPassword> {
        let client = match parts.extract::<TypedHeader<Authorization<Basic>>>().await {
            Ok(given) => ApiClient::with_token(&state.app, Some(given.password())),
            Err(_) => ApiClient::from_request_parts(parts, state).await,
        };
        client.map(Self).map_err(AskPassword)
    }
}

/// Somebody who may see one asset's badge: with the key in its address, because a page that shows a picture cannot send a header, or
/// as a reader.
pub(crate) struct AssetBadge {
    pub(crate) app: Arc<App>,
    pub(crate) asset: String,
}

/// The key that opens one asset's badge.
#[derive(Debug, Deserialize)]
struct Key {
    key: Option<String>,
}

impl FromRequestParts<AppState> for AssetBadge {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let unreadable = |error: &dyn std::fmt::Display| Problem::new(400, error.to_string());
        let Path(name) = parts.extract::<Path<String>>().await.map_err(|error| unreadable(&error))?;
        let Query(Key { key }) = parts.extract::<Query<Key>>().await.map_err(|error| unreadable(&error))?;
        // Asking about an unknown asset is allowed: nothing is known against it.
        let asset = state.app.meant(&name).unwrap_or(name);
        let by_key = key.zip(badge_key(&state.app, &asset)).is_some_and(|(given, key)| same(&given, &key));
        if !by_key {
            ApiClient::<Read>::from_request_parts(parts, state).await?;
        }
        Ok(Self { app: state.app.clone(), asset })
    }
}

/// The key that opens the badge of an asset; `None` if `MUSTER_API__TOKEN` is not set.
pub(crate) fn badge_key(app: &App, asset: &str) -> Option<String> {
    let token = app.config.secrets.api_token.as_ref()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes()).ok()?;
    mac.update(b"badge/");
    mac.update(asset.to_ascii_lowercase().as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()).chars().take(32).collect())
}
