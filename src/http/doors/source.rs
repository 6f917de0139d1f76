//! Monitors, by the token or the signature of their source. A request without a token is refused before its body is read.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json, RequestPartsExt as _};
use futures_util::{StreamExt as _, stream};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::state::AppState;
use super::unpack::unpacked;
use crate::app::App;
use crate::config::{Source, SourceKind};
use crate::http::Problem;
use crate::http::problem::{BODY_LIMIT, UPLOAD_LIMIT, Why};
use crate::monitors::credentials::{Denied, Request as Signed, same, verify};
use crate::monitors::{self, sns};

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// How long an upload of many megabytes may take to arrive.
pub(crate) const UPLOAD_WITHIN: Duration = Duration::from_secs(300);

fn tokens<'a>(app: &'a App, source: &str) -> &'a [SecretString] {
    app.config.secrets.source_tokens.get(source).map(Vec::as_slice).unwrap_or_default()
}

fn secrets<'a>(app: &'a App, source: &str) -> &'a [SecretString] {
    app.config.secrets.source_secrets.get(source).map(Vec::as_slice).unwrap_or_default()
}

fn refused(app: &App, why: impl Into<String>) -> Problem {
    app.metrics.rejected.get_or_create(&[("kind", "source")]).inc();
    Problem::new(401, why)
}

fn denied(app: &App, error: Denied) -> Problem {
    refused(app, error.to_string())
}

/// The place of the source with this name. An unknown name and a wrong token get the same answer, so that nobody can guess names.
fn place_of(app: &App, name: &str) -> Result<usize, Problem> {
    let place = app.config.sources.iter().position(|source| source.name == name);
    place.ok_or_else(|| denied(app, Denied::Wrong))
}

/// A source that showed its token, in a request without a body.
pub(crate) struct SourceToken {
    pub(crate) app: Arc<App>,
    pub(crate) source: String,
}

impl FromRequestParts<AppState> for SourceToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let app = &state.app;
        let Path(mut path) =
            parts.extract::<Path<HashMap<String, String>>>().await.map_err(|_| denied(app, Denied::Wrong))?;
        let name = path.remove("source").unwrap_or_default();
        let source = &app.config.sources[place_of(app, &name)?];
        let request = Signed { headers: &parts.headers, query: parts.uri.query(), body: &[] };
        verify(source, tokens(app, &name), &[], &request, app.now()).map_err(|error| denied(app, error))?;
        Ok(Self { app: app.clone(), source: name })
    }
}

/// A source whose token or signature was checked.
pub(crate) struct Sender {
    pub(crate) app: Arc<App>,
    place: usize,
}

/// Whose request it was, beside the response.
#[derive(Debug, Clone)]
pub(crate) struct OfSource(pub(crate) String);

impl Sender {
    /// A response to this sender.
    pub(crate) fn answered(&self, response: impl axum::response::IntoResponse) -> Response {
        let mut response = response.into_response();
        response.extensions_mut().insert(OfSource(self.source().name.clone()));
        response
    }

    /// Its configuration.
    pub(crate) fn source(&self) -> &Source {
        &self.app.config.sources[self.place]
    }
}

pub(crate) struct SourceRequest {
    pub(crate) from: Sender,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Arrived,
}

pub(crate) enum Arrived {
    Whole(Bytes),
    /// It still arrives. `limit` is its largest size in bytes.
    Still {
        body: Body,
        limit: usize,
        upload: OwnedSemaphorePermit,
    },
    /// It asks Muster to confirm a subscription, at this address.
    ToConfirm(url::Url),
}

impl FromRequest<AppState> for SourceRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let app = &state.app;
        let Path(name) = parts.extract::<Path<String>>().await.map_err(|_| denied(app, Denied::Wrong))?;
        let place = place_of(app, &name)?;
        let (source, tokens, secrets) = (&app.config.sources[place], tokens(app, &name), secrets(app, &name));
        let query = parts.uri.query();
        let check = |body: &[u8]| {
            let request = Signed { headers: &parts.headers, query, body };
            verify(source, tokens, secrets, &request, app.now()).map_err(|error| denied(app, error))
        };
        // A token is checked before the body is read, so nobody without one can send megabytes. SNS signs instead, and may have a token too.
        let by_token = secrets.is_empty() && !tokens.is_empty();
        if by_token {
            check(&[])?;
        }
        app.pace(source)?;
        let limits = state.limits;
        let (is_artifact, is_list) = (source.kind == SourceKind::DbtArtifacts, monitors::arrives_as_list(source.kind));
        // What is larger than a usual body has a place while it arrives, for a limited time.
        let room = || {
            state.uploads.clone().try_acquire_owned().map_err(|_| {
                Problem::unavailable(
                    "Too many uploads arrive at once. Nothing was saved; send this one again in a few seconds",
                )
            })
        };
        let mut upload = if is_artifact { Some(room()?) } else { None };
        let (limit, within, setting) = if is_artifact {
            (limits.upload, UPLOAD_WITHIN, UPLOAD_LIMIT)
        } else {
            (limits.monitor, BODY_WITHIN, BODY_LIMIT)
        };
        // A signature is over the bytes as they were sent. SNS signs its fields instead.
        let body = if by_token || source.kind == SourceKind::Sns {
            body
        } else {
            let sent = match if is_list { begun(body, limit).await? } else { Begun::Larger(body) } {
                Begun::Whole(sent) => sent,
                Begun::Larger(body) if is_list => {
                    upload = Some(room()?);
                    whole(body, limits.upload, UPLOAD_WITHIN, UPLOAD_LIMIT).await?
                }
                Begun::Larger(body) => whole(body, limit, within, setting).await?,
            };
            check(&sent)?;
            Body::from(sent)
        };
        let mut body = unpacked(&parts.headers, body)?;
        if is_list {
            body = match begun(body, limit).await? {
                Begun::Whole(bytes) => Body::from(bytes),
                Begun::Larger(body) => {
                    upload = Some(upload.map_or_else(room, Ok)?);
                    body
                }
            };
        }
        let body = match upload {
            Some(upload) => Arrived::Still { body, limit: limits.upload, upload },
            None => {
                let bytes = whole(body, limit, within, setting).await?;
                if source.kind == SourceKind::Sns {
                    sns_message(state, source, bytes).await?
                } else {
                    Arrived::Whole(bytes)
                }
            }
        };
        Ok(Self { from: Sender { app: app.clone(), place }, headers: parts.headers, body })
    }
}

/// What is known of a body's size once its start is there.
enum Begun {
    Whole(Bytes),
    /// All of it, as it still arrives.
    Larger(Body),
}

async fn begun(body: Body, limit: usize) -> Result<Begun, Problem> {
    let (mut rest, mut start) = (body.into_data_stream(), Vec::new());
    let arrives = async {
        while start.len() <= limit {
            match rest.next().await {
                Some(piece) => start.extend_from_slice(&piece.map_err(|error| broken(&error))?),
                None => return Ok::<_, Problem>(true),
            }
        }
        Ok(false)
    };
    let is_whole = tokio::time::timeout(BODY_WITHIN, arrives).await.map_err(|_| too_slow())??;
    let start = Bytes::from(start);
    Ok(if is_whole {
        Begun::Whole(start)
    } else {
        Begun::Larger(Body::from_stream(stream::iter([Ok(start)]).chain(rest)))
    })
}

pub(crate) fn broken(error: &axum::Error) -> Problem {
    Problem::not_gzip(error).unwrap_or_else(|| Problem::new(400, "The connection broke before the whole body arrived"))
}

async fn whole(body: Body, limit: usize, within: Duration, setting: &str) -> Result<Bytes, Problem> {
    let arrived = tokio::time::timeout(within, axum::body::to_bytes(body, limit)).await;
    arrived
        .map_err(|_| too_slow())?
        .map_err(|error| Problem::not_gzip(&error).unwrap_or_else(|| Problem::too_large(setting)))
}

pub(crate) fn too_slow() -> Problem {
    Problem::new(408, "The body took too long to arrive; nothing was saved. Send it again")
}

/// A message of SNS whose signature is right.
async fn sns_message(state: &AppState, source: &Source, body: Bytes) -> Result<Arrived, Problem> {
    let app = &state.app;
    let message = monitors::json(&body)?;
    let envelope = sns::envelope(&message, &source.topics).map_err(|error| refused(app, error.to_string()))?;
    let base = source.aws_url.as_deref();
    let pem = state.certificates.get(&moved(&envelope.certificate, base)).await.map_err(|why| {
        tracing::warn!(source = source.name, why, "a certificate of SNS cannot be fetched");
        Problem::unavailable("The certificate of this message cannot be fetched now; send it again")
    })?;
    if !envelope.is_signed_with(&pem, app.now()) {
        return Err(denied(app, Denied::Wrong));
    }
    Ok(match &envelope.confirm {
        Some(url) => Arrived::ToConfirm(moved(url, base)),
        None => Arrived::Whole(body),
    })
}

/// The same path at another host, if the configuration names one.
fn moved(url: &url::Url, base: Option<&str>) -> url::Url {
    let Some(mut moved) = base.and_then(|base| url::Url::parse(base).ok()) else {
        return url.clone();
    };
    moved.set_path(url.path());
    moved.set_query(url.query());
    moved
}

/// Where a client of PagerDuty's events puts its key.
pub(crate) trait KeyIn {
    const FIELD: &'static str;
    /// The answer to an unknown key.
    const UNKNOWN: &'static str;
    /// The status by which PagerDuty asks this API's clients to wait, and at which they try again.
    const TOO_FAST: StatusCode;
}

/// In the events API v2.
pub(crate) struct RoutingKey;
/// In its first events API.
pub(crate) struct ServiceKey;

impl KeyIn for RoutingKey {
    const FIELD: &'static str = "routing_key";
    const UNKNOWN: &'static str = "'routing_key' is invalid: there is no source of kind pagerduty_v2 with this token";
    const TOO_FAST: StatusCode = StatusCode::TOO_MANY_REQUESTS;
}
impl KeyIn for ServiceKey {
    const FIELD: &'static str = "service_key";
    const UNKNOWN: &'static str = "Service key is invalid: there is no source of kind pagerduty_v2 with this token";
    const TOO_FAST: StatusCode = StatusCode::FORBIDDEN;
}

/// A client of PagerDuty's events, with a source's token as its key and within the source's rate. Answers are in PagerDuty's own words.
pub(crate) struct EventsClient<K> {
    pub(crate) from: Sender,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
    key: PhantomData<K>,
}

/// An answer in PagerDuty's own words.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    pub(crate) status: &'static str,
    pub(crate) message: String,
    /// What is wrong with the event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<String>,
    /// The key of the alert, in the Events API v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dedup_key: Option<String>,
    /// The key of the alert, in the first API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) incident_key: Option<String>,
}

impl EventAnswer {
    pub(crate) fn processed(what: &str) -> Self {
        Self { status: "success", message: format!("{what} processed"), ..Self::default() }
    }
}

/// PagerDuty's answer to an event that it cannot use.
pub(crate) fn invalid_event(errors: Vec<String>) -> Response {
    let why = Why(errors.join("; "));
    let message = "Event object is invalid".to_owned();
    let answer = EventAnswer { status: "invalid event", message, errors, ..EventAnswer::default() };
    (StatusCode::BAD_REQUEST, Extension(why), Json(answer)).into_response()
}

/// PagerDuty's answer to a client that must wait and try again, with the true reason as its message. A problem at which nobody should try again stays what it is.
pub(crate) fn try_again(status: StatusCode, problem: Problem) -> Response {
    let Some(seconds) = problem.retry_after else { return problem.into_response() };
    let why = Why(problem.detail.clone());
    let answer = EventAnswer { status: "throttle exceeded", message: problem.detail, ..EventAnswer::default() };
    (status, [(header::RETRY_AFTER, seconds.to_string())], Extension(why), Json(answer)).into_response()
}

impl<K: KeyIn + Send + Sync> FromRequest<AppState> for EventsClient<K> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let raw = Bytes::from_request(request, state).await;
        let raw = raw.map_err(|error| Problem::not_arrived(error, BODY_LIMIT).into_response())?;
        let body = monitors::json(&raw).map_err(|error| invalid_event(vec![error.to_string()]))?;
        let app = &state.app;
        let given = body[K::FIELD].as_str().unwrap_or_default();
        let place = app.config.sources.iter().position(|source| {
            let mut tokens = tokens(app, &source.name).iter();
            source.kind == SourceKind::PagerdutyV2 && tokens.any(|token| same(given, token.expose_secret()))
        });
        let Some(place) = place else {
            app.metrics.rejected.get_or_create(&[("kind", "source")]).inc();
            return Err(invalid_event(vec![K::UNKNOWN.to_owned()]));
        };
        let from = Sender { app: app.clone(), place };
        app.pace(from.source()).map_err(|failure| from.answered(try_again(K::TOO_FAST, failure.into())))?;
        Ok(Self { from, raw, body, key: PhantomData })
    }
}
