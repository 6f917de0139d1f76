//! Monitors: `POST /hooks/{source}`, heartbeats, and PagerDuty's `POST /v2/enqueue`.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde::Serialize;

use super::Problem;
use super::doors::{
    Anyone, Arrived, EventAnswer, EventsClient, OfSource, RoutingKey, ServiceKey, SourceRequest, SourceToken,
    UPLOAD_WITHIN, broken, invalid_event, too_slow, try_again,
};
use super::problem::{UPLOAD_LIMIT, Why};
use crate::app::correlate::{Correlated, Posted};
use crate::app::lookup::Lookup;
use crate::app::received_bodies::KEPT_AT_MOST;
use crate::app::{App, Failure};
use crate::config::{Source, SourceKind};
use crate::domain::Time;
use crate::domain::lineage::Check;
use crate::monitors::{self, Context, Known, Reading, Unreadable, Unusable, dbt_artifacts, pagerduty_v2};
use crate::records::outbox::Job;
use crate::store::Batch;

/// The answer to a monitor: the outcome of each alert, and what could not be used.
#[derive(Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Received {
    alerts: Vec<Correlated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Unusable>,
    /// Whether SNS asked to confirm a subscription. Muster does so after this answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    confirming: bool,
}

/// Takes alerts in. 202 means that they are on disk.
#[utoipa::path(
    method(post, put), path = "/hooks/{source}", params(("source" = String, Path, description = "The name of a configured source")),
    request_body(content = Object, description = "A body of the source's kind"),
    responses(
        (status = 202, description = "Taken in; says the outcome of each alert", body = Received),
        (status = 400, description = "Not JSON", body = Problem),
        (status = 408, description = "It took too long to arrive", body = Problem),
        (status = 413, description = "Too large", body = Problem),
        (status = 422, description = "Not a body of this kind, or nothing in it could be used", body = Problem),
        (status = 503, description = "Nothing was saved; send it again", body = Problem),
    ),
)]
pub(crate) async fn receive(request: SourceRequest) -> Result<(StatusCode, Json<Received>), Problem> {
    let SourceRequest { from, headers, body } = request;
    let (app, source) = (&from.app, from.source());
    let answer = match body {
        Arrived::Whole(body) => {
            let now = app.now();
            let read = |known: &dyn Known| monitors::read(&Context { source, headers: &headers, known, now }, &body);
            let reading = reading(app, read).await?;
            take_in(app, source, reading?, &body).await?
        }
        Arrived::ToConfirm(url) => {
            app.enqueue(&app.errand(), Job::Confirm { url: url.into() }).await?;
            Received { confirming: true, ..Received::default() }
        }
        Arrived::Still { body, limit, upload: _upload } => {
            let (reading, whole) = match source.kind {
                SourceKind::DbtArtifacts => artifact(app, source, body, limit).await?,
                _ => storm(app, source, headers, body, limit).await?,
            };
            take_in(app, source, reading, &whole).await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Watches what monitors are answered. Whoever is refused is not forgotten.
pub(crate) async fn watch(Anyone(app): Anyone, request: Request, next: Next) -> Response {
    let in_path = request.uri().path().strip_prefix("/hooks/").and_then(|path| path.split('/').next());
    let in_path = in_path.map(str::to_owned);
    let response = next.run(request).await;
    let source = response.extensions().get::<OfSource>().map(|of| of.0.clone()).or(in_path);
    let source = source.and_then(|name| Some(app.config.source(&name)?.name.clone()));
    let status = response.status();
    if status.is_success() {
        source.iter().for_each(|source| app.heard_source(source));
    } else {
        let why = response.extensions().get::<Why>().map_or_else(|| status.to_string(), |why| why.0.clone());
        app.refused(source.as_deref(), status.as_u16(), &why).await;
    }
    response
}

/// Reads an artifact of dbt. Returns the body too, if it is kept.
async fn artifact(app: &App, source: &Source, body: Body, limit: usize) -> Result<(Reading, Vec<u8>), Problem> {
    let (artifact, whole) = arriving(body, limit, dbt_artifacts::stream).await?;
    let (headers, now) = (HeaderMap::new(), app.now());
    let read =
        |known: &dyn Known| dbt_artifacts::read(&Context { source, headers: &headers, known, now }, artifact.clone());
    Ok((monitors::bounded(reading(app, read).await??), whole))
}

/// Reads a body with more alerts than fit into a usual one. Returns the body too, if it is kept.
async fn storm(
    app: &Arc<App>,
    source: &Source,
    headers: HeaderMap,
    body: Body,
    limit: usize,
) -> Result<(Reading, Vec<u8>), Problem> {
    let (app, source, now) = (app.clone(), source.clone(), app.now());
    arriving(body, limit, move |body| {
        let known = Catalogued { app: &app, checks: Lookup::default() };
        monitors::read_arriving(&Context { source: &source, headers: &headers, known: &known, now }, body)
    })
    .await
}

/// Reads a body while it arrives, piece by piece. The reader holds only what it needs. Returns the body too, if it is kept.
async fn arriving<T: Send + 'static>(
    body: Body,
    limit: usize,
    read: impl FnOnce(Arriving) -> Result<T, Unreadable> + Send + 'static,
) -> Result<(T, Vec<u8>), Problem> {
    let (pieces, arriving) = tokio::sync::mpsc::channel(4);
    let arriving = tokio::task::spawn_blocking(move || read(Arriving { pieces: arriving, piece: Bytes::new() }));
    let mut body = body.into_data_stream();
    let (mut size, mut start) = (0, Vec::new());
    let arrives = async {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| broken(&error))?;
            size += piece.len();
            if size > limit {
                return Err(Problem::too_large(UPLOAD_LIMIT));
            }
            if size <= KEPT_AT_MOST {
                start.extend_from_slice(&piece);
            }
            // The reader stopped at an error, which is returned below.
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    tokio::time::timeout(UPLOAD_WITHIN, arrives).await.map_err(|_| too_slow())??;
    drop(pieces);
    let read = arriving.await.map_err(|_| Problem::new(500, "Muster failed to read the body"))?;
    Ok((read?, if size <= KEPT_AT_MOST { start } else { Vec::new() }))
}

/// A body as a reader sees it: one piece after another.
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

/// Gives what was read to the catalog and to triage.
pub(super) async fn take_in(app: &App, source: &Source, reading: Reading, body: &[u8]) -> Result<Received, Problem> {
    if reading.signals.is_empty() && !reading.unusable.is_empty() && reading.import.is_none() {
        let first = &reading.unusable[0];
        let place = if first.at.is_empty() { String::new() } else { format!(" at {}", first.at) };
        let detail = match reading.unusable.len() {
            1 => format!("The alert{place} could not be used: {}", first.why),
            many => format!("None of the {many} alerts could be used. The first{place}: {}", first.why),
        };
        return Err(Problem::new(422, detail));
    }
    // The lineage first: it may say where the alert belongs.
    if let Some(import) = reading.import {
        app.take_in(import).await?;
    }
    let posted = Posted { signals: reading.signals, delivery: reading.delivery, also: Batch::new() };
    let alerts = app.receive(&source.name, posted).await?;
    app.keep_body(&source.name, body);
    Ok(Received { alerts, refused: reading.unusable, confirming: false })
}

/// What the catalog knows, for reading bodies.
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

/// Reads a body with what the catalog knows. If it names unknown checks, they are looked up and the body is read again.
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

/// By when the next sign of life is due.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Heard {
    #[schema(value_type = DateTime)]
    next_due: Time,
}

/// A job or table gives a sign of life.
#[utoipa::path(
    post, path = "/hooks/{source}/heartbeat/{name}",
    params(("source" = String, Path, description = "A configured source"), ("name" = String, Path, description = "One of its heartbeats")),
    responses((status = 202, description = "Heard; says by when the next one is due", body = Heard), (status = 404, body = Problem)),
)]
pub(crate) async fn heartbeat(
    source: SourceToken,
    Path((_, name)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Heard>), Problem> {
    let next_due = source.app.beat(&source.source, &name).await?;
    Ok((StatusCode::ACCEPTED, Json(Heard { next_due })))
}

/// As PagerDuty's Events API v2, with a source's token as routing key. It answers in PagerDuty's own words. Clients try again at 429 and
/// at every 5xx; some, such as PagerDuty's own for Python, give up after a few 5xx, but never at 429.
#[utoipa::path(
    post, path = "/v2/enqueue", request_body(content = Object, description = "An event of PagerDuty's Events API v2"),
    responses((status = 202, description = "Taken in", body = EventAnswer), (status = 400, description = "Invalid, or no such routing key", body = EventAnswer), (status = 413, body = Problem), (status = 429, description = "Send it again later: too many, or Muster cannot save it now", body = EventAnswer)),
)]
pub(crate) async fn enqueue(client: EventsClient<RoutingKey>) -> Response {
    client.from.answered(enqueued(&client).await)
}

async fn enqueued(client: &EventsClient<RoutingKey>) -> Response {
    let now = client.from.app.now();
    let read = |known: &dyn Known| pagerduty_v2::read(client.from.source(), &client.body, now, known);
    let taken = match reading(&client.from.app, read).await {
        Ok(Ok(event)) => take_event_in(client, event).await.map_err(Problem::from),
        Ok(Err(errors)) => return invalid_event(errors),
        Err(problem) => Err(problem),
    };
    match taken {
        Ok(key) => {
            let answer = EventAnswer { dedup_key: Some(key), ..EventAnswer::processed("Event") };
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Err(problem) => try_again(StatusCode::TOO_MANY_REQUESTS, problem),
    }
}

/// As PagerDuty's change events: what was deployed or changed. It may be a root cause.
#[utoipa::path(
    post, path = "/v2/change/enqueue", request_body(content = Object, description = "A change event of PagerDuty's"),
    responses((status = 202, description = "Taken in", body = EventAnswer), (status = 400, description = "Invalid, or no such routing key", body = EventAnswer), (status = 413, body = Problem), (status = 429, description = "Send it again later: too many, or Muster cannot save it now", body = EventAnswer)),
)]
pub(crate) async fn change(client: EventsClient<RoutingKey>) -> Response {
    client.from.answered(changed(&client).await)
}

async fn changed(client: &EventsClient<RoutingKey>) -> Response {
    let change = match pagerduty_v2::change(&client.body, client.from.app.now()) {
        Ok(change) => change,
        Err(error) => return invalid_event(vec![error]),
    };
    let import = crate::catalog::Import { changes: vec![change], ..Default::default() };
    match client.from.app.take_in(import).await {
        Ok(_) => (StatusCode::ACCEPTED, Json(EventAnswer::processed("Change event"))).into_response(),
        Err(failure) => try_again(StatusCode::TOO_MANY_REQUESTS, failure.into()),
    }
}

/// As PagerDuty's first events API, which old tools still use. Its clients try again at 403 and at every 5xx, but not at 429.
#[utoipa::path(
    post, path = "/generic/2010-04-15/create_event.json", request_body(content = Object, description = "An event of PagerDuty's first API"),
    responses((status = 200, description = "Taken in", body = EventAnswer), (status = 400, description = "Invalid, or no such service key", body = EventAnswer), (status = 403, description = "Too many; send it again later", body = EventAnswer), (status = 413, body = Problem), (status = 503, description = "Muster cannot save it now; send it again later", body = Problem)),
)]
pub(crate) async fn create_event(client: EventsClient<ServiceKey>) -> Response {
    client.from.answered(created(&client).await)
}

async fn created(client: &EventsClient<ServiceKey>) -> Response {
    let now = client.from.app.now();
    let read = |known: &dyn Known| pagerduty_v2::read_v1(client.from.source(), &client.body, now, known);
    let event = match reading(&client.from.app, read).await {
        Ok(Ok(event)) => event,
        Ok(Err(errors)) => return invalid_event(errors),
        Err(problem) => return problem.into_response(),
    };
    match take_event_in(client, event).await {
        Ok(key) => Json(EventAnswer { incident_key: Some(key), ..EventAnswer::processed("Event") }).into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}

/// Gives an event to triage, and keeps its body. Returns its key.
async fn take_event_in<K>(client: &EventsClient<K>, event: pagerduty_v2::Event) -> Result<String, Failure> {
    let (app, source) = (&client.from.app, client.from.source());
    let key = pagerduty_v2::dedup_key(&event).to_owned();
    if let pagerduty_v2::Event::Signal(signal) = event {
        app.receive(&source.name, Posted { signals: vec![*signal], ..Posted::default() }).await?;
        app.keep_body(&source.name, &client.raw);
    }
    Ok(key)
}
