//! For operators: whether Muster is alive and ready, and its metrics.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::doors::Anyone;
use crate::domain::Lane;
use crate::records::Dead;
use crate::store::Range;

/// Alive: answers without touching anything.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn healthz(_: Anyone) -> &'static str {
    "ok\n"
}

/// If an outbox entry is overdue for longer than this, `/readyz` says so. In milliseconds.
const STALLED_MILLIS: i64 = 60_000;

/// Whether Muster takes what is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    /// What waits too long, or was given up, and which monitors are refused.
    degraded: Vec<String>,
}

/// Whether Muster takes what is sent. It stays ready if Slack or PagerDuty is down, and says so.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn readyz(Anyone(app): Anyone) -> Response {
    let mut reasons = Vec::new();
    let mut degraded = Vec::new();
    if let Err(why) = app.store.health() {
        reasons.push(why);
    }
    let now = app.now().timestamp_millis();
    for lane in [Lane::Page, Lane::Slack, Lane::Mail] {
        let crate::store::Backlog { count: waiting, oldest } =
            app.store.backlog(lane.as_str()).await.unwrap_or_default();
        if let Some(due) = oldest.filter(|due| now - due > STALLED_MILLIS) {
            let wait = if waiting == 1 { "entry waits" } else { "entries wait" };
            let overdue = (now - due) / 1000;
            degraded
                .push(format!("{waiting} {wait} in the lane {}; the first is overdue by {overdue} s", lane.as_str()));
        }
    }
    let dead = app.store.scan(&Range::<Dead>::all(), 100).await.map_or(0, |dead| dead.records.len());
    if dead > 0 {
        let were = if dead == 1 { "delivery was" } else { "deliveries were" };
        degraded.push(format!("{dead} {were} given up; the incidents' timelines say which"));
    }
    degraded.extend(app.refused_sources());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons, degraded })).into_response()
}

/// Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(Anyone(app): Anyone) -> Response {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.metrics.text())
        .into_response()
}
