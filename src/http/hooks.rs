//! Monitors: `POST /hooks/{source}` and PagerDuty's `POST /v2/enqueue`.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;

use super::{AppState, Problem};
use crate::app::App;
use crate::app::correlate::{Placed, Posted};
use crate::app::lookup::Lookup;
use crate::app::received::KEPT_AT_MOST;
use crate::config::{Source, SourceKind};
use crate::domain::lineage::{Change, Check};
use crate::monitors::verify::{self, Denied, Request};
use crate::monitors::{self, Context, Known, Reading, Unreadable, Unusable, dbt_artifacts, pagerduty_v2, redact, sns};
use crate::store::Batch;
use crate::telemetry::RejectedLabels;

/// The answer to a monitor: what became of each alert, and what could not be used.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Received {
    alerts: Vec<Placed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    refused: Vec<Unusable>,
}

pub(crate) use crate::monitors::verify::same;

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// A body arrives within this.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// An upload of many megabytes arrives within this.
const UPLOAD_WITHIN: Duration = Duration::from_secs(300);

/// Takes alerts in. 202 means that they are on disk.
#[utoipa::path(
    post, path = "/hooks/{source}", params(("source" = String, Path, description = "The name of a configured source")),
    request_body(content = Object, description = "A body of the source's kind"),
    responses(
        (status = 202, description = "Taken in; what became of each alert", body = Received),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "It took too long to arrive", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not of this kind, or nothing in it could be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was saved; send it again", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn receive(
    State(doors): State<AppState>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let app = &doors.app;
    // An unknown source and a wrong token look the same, so that names cannot be guessed.
    let source = app.config.sources.iter().find(|source| source.name == name);
    let source = source.ok_or_else(|| denied(app, Denied::Wrong))?;
    let secrets = secrets_of(&app.config.secrets.source_secrets, &name);
    let tokens = secrets_of(&app.config.secrets.source_tokens, &name);
    let query = query.as_deref();
    let check =
        |body: &[u8]| verify::verify(source, tokens, secrets, &Request { headers: &headers, query, body }, app.now());
    // A token is checked before the body is read: who has none sends no megabytes. SNS signs instead, and may have a token too.
    let by_token = secrets.is_empty() && !tokens.is_empty();
    if by_token {
        check(&[]).map_err(|error| denied(app, error))?;
    }
    app.pace(source)?;
    let limit = match source.kind {
        SourceKind::DbtArtifacts => app.config.lineage.upload_limit_mib * 1024 * 1024,
        _ => app.config.server.body_limit_kib * 1024,
    };
    // Whoever uploads has a place while it arrives, and not for ever.
    let large = source.kind == SourceKind::DbtArtifacts;
    let place = large.then(|| doors.uploads.try_acquire()).transpose();
    let busy = "So many uploads arrive at once that this one must wait; send it again in a few seconds";
    let _place = place.map_err(|_| Problem::unavailable(busy))?;
    if large && by_token {
        return artifact(app, source, body, limit).await;
    }
    let within = if large { UPLOAD_WITHIN } else { BODY_WITHIN };
    let body = tokio::time::timeout(within, axum::body::to_bytes(body, limit)).await.map_err(|_| too_slow())?;
    let body = body.map_err(|_| too_large())?;
    match source.kind {
        SourceKind::Sns => {
            if let Some(answer) = sns_message(&doors, source, &body).await? {
                return Ok(answer);
            }
        }
        _ if !by_token => check(&body).map_err(|error| denied(app, error))?,
        _ => {}
    }
    let now = app.now();
    let read = |known: &dyn Known| monitors::read(&Context { source, headers: &headers, known, now }, &body);
    let reading = reading(app, read).await?.map_err(|error| unreadable(&error))?;
    let answer = take_in(app, source, reading, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

fn too_slow() -> Problem {
    Problem::new(408, "The body took too long to arrive; nothing was saved. Send it again")
}

fn too_large() -> Problem {
    Problem::new(413, "The body is larger than this address takes; split it, or raise `[server] body_limit_kib`")
}

/// Reads an artifact of dbt while it arrives, a piece at a time: only what is needed of it is ever held.
async fn artifact(app: &App, source: &Source, body: Body, limit: usize) -> Result<Response, Problem> {
    let (pieces, arriving) = tokio::sync::mpsc::channel(4);
    let arriving =
        tokio::task::spawn_blocking(move || dbt_artifacts::stream(Arriving { pieces: arriving, piece: Bytes::new() }));
    let mut body = body.into_data_stream();
    let (mut size, mut start) = (0, Vec::new());
    let arrives = async {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|_| Problem::new(400, "The body broke off"))?;
            size += piece.len();
            if size > limit {
                return Err(too_large());
            }
            if size <= KEPT_AT_MOST {
                start.extend_from_slice(&piece);
            }
            // Whoever reads has found something wrong; what it is comes below.
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    tokio::time::timeout(UPLOAD_WITHIN, arrives).await.map_err(|_| too_slow())??;
    drop(pieces);
    let read = arriving.await.map_err(|_| Problem::new(500, "Reading the artifact broke"))?;
    let artifact = read.map_err(|error| unreadable(&error))?;
    let (headers, now) = (HeaderMap::new(), app.now());
    let read =
        |known: &dyn Known| dbt_artifacts::read(&Context { source, headers: &headers, known, now }, artifact.clone());
    let reading = reading(app, read).await?.map_err(|error| unreadable(&error))?;
    let whole = if size <= KEPT_AT_MOST { start.as_slice() } else { &[] };
    let answer = take_in(app, source, monitors::bounded(reading), whole).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// A body as somebody who reads sees it: pieces, one after another.
struct Arriving {
    pieces: tokio::sync::mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl std::io::Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

/// Whether somebody may speak for a source without a body: with its token.
pub(super) fn authorise_source(app: &App, name: &str, query: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
    let source = app.config.sources.iter().find(|source| source.name == name);
    let source = source.ok_or_else(|| denied(app, Denied::Wrong))?;
    let tokens = secrets_of(&app.config.secrets.source_tokens, name);
    let request = Request { headers, query, body: &[] };
    verify::verify(source, tokens, &[], &request, app.now()).map_err(|error| denied(app, error))
}

/// What was read, to triage and to the catalog.
pub(super) async fn take_in(app: &App, source: &Source, reading: Reading, body: &[u8]) -> Result<Received, Problem> {
    if reading.signals.is_empty() && !reading.unusable.is_empty() {
        let first = &reading.unusable[0];
        let place = if first.at.is_empty() { String::new() } else { format!(" at {}", first.at) };
        return Err(Problem::new(
            422,
            format!("None of {} alerts could be used; the first{place}: {}", reading.unusable.len(), first.why),
        ));
    }
    // The lineage first: where the alert belongs may stand in it.
    if let Some(import) = reading.import {
        app.take_in(import).await?;
    }
    let posted = Posted { signals: reading.signals, delivery: reading.delivery, also: Batch::new() };
    let alerts = app.receive(&source.name, posted).await?;
    app.keep_body(&source.name, body, redact::packed);
    Ok(Received { alerts, refused: reading.unusable })
}

/// What the catalog knows, for those who read bodies.
struct Catalogued<'a> {
    app: &'a App,
    checks: Lookup<Check>,
}

impl Known for Catalogued<'_> {
    fn check(&self, id: &str) -> Option<Check> {
        self.checks.get(id)
    }

    fn is_asset(&self, name: &str) -> bool {
        self.app.catalog.graph().find(name).is_some()
    }
}

/// Reads a body by what the catalog knows; checks that it names are looked up, and it is read again.
pub(super) async fn reading<T>(app: &App, read: impl Fn(&dyn Known) -> T) -> Result<T, Problem> {
    let mut known = Catalogued { app, checks: Lookup::default() };
    loop {
        let read = read(&known);
        let missed = known.checks.missed();
        if missed.is_empty() {
            return Ok(read);
        }
        for id in missed {
            let found = app.check(&id).await?;
            known.checks.put(id, found);
        }
    }
}

fn secrets_of<'a>(all: &'a std::collections::BTreeMap<String, Vec<SecretString>>, name: &str) -> &'a [SecretString] {
    all.get(name).map(Vec::as_slice).unwrap_or_default()
}

fn denied(app: &App, error: Denied) -> Problem {
    app.metrics.rejected.get_or_create(&RejectedLabels { kind: "source" }).inc();
    Problem::new(401, error.to_string())
}

/// Verifies a message of SNS; an answer, where there is nothing to read in it.
async fn sns_message(doors: &AppState, source: &Source, body: &[u8]) -> Result<Option<Response>, Problem> {
    let app = &doors.app;
    let message = monitors::json(body).map_err(|error| unreadable(&error))?;
    let envelope = sns::envelope(&message, &source.topics).map_err(|error| denied_message(app, &error))?;
    let base = source.aws_url.as_deref();
    let pem = doors.certificates.get(&moved(&envelope.certificate, base)).await.map_err(|why| {
        tracing::warn!(source = source.name, why, "a certificate of SNS cannot be fetched");
        Problem::unavailable("The certificate of this message cannot be fetched now; send it again")
    })?;
    if !envelope.is_signed_with(&pem, app.now()) {
        return Err(denied(app, Denied::Wrong));
    }
    if let Some(url) = &envelope.confirm {
        app.confirm(moved(url, base).as_str()).await?;
        return Ok(Some((StatusCode::ACCEPTED, Json(json!({"alerts": [], "confirming": true}))).into_response()));
    }
    Ok(None)
}

fn denied_message(app: &App, error: &Unreadable) -> Problem {
    app.metrics.rejected.get_or_create(&RejectedLabels { kind: "source" }).inc();
    Problem::new(401, error.to_string())
}

/// The same path at another host, where the configuration says so.
fn moved(url: &url::Url, base: Option<&str>) -> url::Url {
    let Some(mut moved) = base.and_then(|base| url::Url::parse(base).ok()) else {
        return url.clone();
    };
    moved.set_path(url.path());
    moved.set_query(url.query());
    moved
}

/// 400 for what is not JSON, 422 for what is of another shape.
pub(super) fn status_of(error: &Unreadable) -> u16 {
    match error {
        Unreadable::NotJson(_) => 400,
        Unreadable::WrongShape(_) => 422,
    }
}

fn unreadable(error: &Unreadable) -> Problem {
    Problem::new(status_of(error), error.to_string())
}

/// As PagerDuty's Events API v2, with a source's token as routing key. Answers in PagerDuty's own words.
pub(crate) async fn enqueue(State(doors): State<AppState>, body: Result<Bytes, BytesRejection>) -> Response {
    let invalid = |errors: Vec<String>| {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})),
        )
            .into_response()
    };
    let raw = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::from(rejection).into_response(),
    };
    let Ok(body) = monitors::json(&raw) else {
        return invalid(vec!["the body is not JSON".to_owned()]);
    };
    let Some(source) = by_routing_key(&doors.app, pagerduty_v2::routing_key(&body)) else {
        return invalid(vec![
            "'routing_key' is invalid: there is no source of kind pagerduty_v2 with this token".to_owned(),
        ]);
    };
    if let Err(failure) = doors.app.pace(source) {
        return slow_down(&failure.into());
    }
    let now = doors.app.now();
    let event = match reading(&doors.app, |known| pagerduty_v2::read(source, &body, now, known)).await {
        Ok(Ok(event)) => event,
        Ok(Err(errors)) => return invalid(errors),
        Err(problem) => return problem.into_response(),
    };
    let key = pagerduty_v2::dedup_key(&event).to_owned();
    if let pagerduty_v2::Event::Signal(signal) = event {
        let posted = Posted { signals: vec![*signal], ..Posted::default() };
        if let Err(failure) = doors.app.receive(&source.name, posted).await {
            return Problem::from(failure).into_response();
        }
        doors.app.keep_body(&source.name, &raw, redact::packed);
    }
    (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Event processed", "dedup_key": key})))
        .into_response()
}

fn by_routing_key<'a>(app: &'a App, given: Option<&str>) -> Option<&'a Source> {
    let given = given.unwrap_or_default();
    let mut sources = app.config.sources.iter().filter(|source| source.kind == SourceKind::PagerdutyV2);
    let source = sources.find(|source| {
        secrets_of(&app.config.secrets.source_tokens, &source.name)
            .iter()
            .any(|token| same(given, token.expose_secret()))
    });
    if source.is_none() {
        app.metrics.rejected.get_or_create(&RejectedLabels { kind: "source" }).inc();
    }
    source
}

/// PagerDuty's clients wait and try again at 429, and only there.
fn slow_down(problem: &Problem) -> Response {
    let seconds = problem.retry_after.unwrap_or(5).to_string();
    let body = json!({"status": "throttle exceeded", "message": "Requests for this service are being throttled"});
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)], Json(body)).into_response()
}

/// As PagerDuty's change events: what was deployed or changed, which a root cause may be.
pub(crate) async fn change(State(doors): State<AppState>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::from(rejection).into_response(),
    };
    let invalid = |error: &str| {
        let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": [error]});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let Ok(body) = monitors::json(&body) else {
        return invalid("the body is not JSON");
    };
    if by_routing_key(&doors.app, pagerduty_v2::routing_key(&body)).is_none() {
        return invalid("'routing_key' is invalid: there is no source of kind pagerduty_v2 with this token");
    }
    let (asset, change): (String, Change) = match pagerduty_v2::change(&body, doors.app.now()) {
        Ok(read) => read,
        Err(error) => return invalid(&error),
    };
    let import = crate::catalog::Import { changes: vec![(asset, change)], ..Default::default() };
    match doors.app.take_in(import).await {
        Ok(_) => (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Change event processed"})))
            .into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}

/// As PagerDuty's first events API, which old tools still speak.
pub(crate) async fn create_event(State(doors): State<AppState>, body: Result<Bytes, BytesRejection>) -> Response {
    let raw = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::from(rejection).into_response(),
    };
    let invalid = |errors: Vec<String>| {
        let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let Ok(body) = monitors::json(&raw) else {
        return invalid(vec!["the body is not JSON".to_owned()]);
    };
    let Some(source) = by_routing_key(&doors.app, body["service_key"].as_str()) else {
        return invalid(vec![
            "Service key is invalid: there is no source of kind pagerduty_v2 with this token".to_owned(),
        ]);
    };
    let event = match pagerduty_v2::read_v1(source, &body, doors.app.now()) {
        Ok(event) => event,
        Err(errors) => return invalid(errors),
    };
    let key = pagerduty_v2::dedup_key(&event).to_owned();
    if let pagerduty_v2::Event::Signal(signal) = event
        && let Err(failure) =
            doors.app.receive(&source.name, Posted { signals: vec![*signal], ..Posted::default() }).await
    {
        return Problem::from(failure).into_response();
    }
    (StatusCode::OK, Json(json!({"status": "success", "message": "Event processed", "incident_key": key})))
        .into_response()
}
