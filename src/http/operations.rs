//! For operators: alive, ready, and how it goes.

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

/// How long an entry of the outbox may be overdue before readiness says so, in milliseconds.
const STALLED_MILLIS: i64 = 60_000;

/// Whether Muster takes what is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    /// What waits, or was given up.
    degraded: Vec<String>,
}

/// Ready: takes what is sent. Slack or PagerDuty being down does not make it unready, but is said.
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
            degraded.push(format!(
                "{waiting} entries wait for {}, the first for {} s",
                lane.as_str(),
                (now - due) / 1000
            ));
        }
    }
    let dead = app.store.scan(&Range::<Dead>::all(), 100).await.map_or(0, |dead| dead.records.len());
    if dead > 0 {
        degraded.push(format!("{dead} deliveries were given up; the incidents' timelines say which"));
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons, degraded })).into_response()
}

/// Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(Anyone(app): Anyone) -> Response {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.metrics.text())
        .into_response()
}
