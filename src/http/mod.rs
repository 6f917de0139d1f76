//! FLOOR 3. HTTP: all addresses on one page, and one file for each audience. Requests are verified on their raw bytes, read, and
//! handed to `app`. A success means that the result is on disk.

mod api;
mod certificates;
mod doors;
mod hooks;
mod lineage;
mod operations;
mod pagerduty;
mod problem;
mod received;
mod silences;
mod slack;
pub(crate) mod socket;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json, Router};
use serde_json::{Map, Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::doors::{Anyone, SecuritySchemes, route, unpack};
use crate::clock::Stopwatch;

pub(crate) use doors::{AppState, SlackSocket};
pub use problem::Problem;

/// The largest request of Slack and PagerDuty. Real ones are far smaller.
const SERVICE_BODY_BYTES: usize = 1024 * 1024;

pub(crate) fn router(state: AppState) -> Router {
    let (router, document) = routes(&state).split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    words_as_words(&mut document);
    router
        .fallback(|| async { Problem::new(404, "There is nothing at this address").into_response() })
        .layer(Extension(Arc::new(document)))
        .layer(middleware::from_fn(finish))
        .layer(middleware::from_fn_with_state(state.clone(), measure))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request handler panicked");
            Problem::new(500, "Something failed inside Muster. The log says what").into_response()
        }))
        .with_state(state)
}

/// The document that describes the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Data incidents: alerts in, incidents, timelines and post-mortems out. Times are RFC 3339 in UTC."
    ),
    modifiers(&SecuritySchemes),
    components(schemas(Problem))
)]
struct Document;

/// This document. It is open to everyone, like the documentation.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, body = Object)))]
async fn openapi(_: Anyone, Extension(document): Extension<Arc<Value>>) -> Response {
    Json(&*document).into_response()
}

/// What an earlier Muster kept in words is a bare string. A derived schema takes it for an object, because it does not know an `untagged` variant.
fn words_as_words(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut();
    for schema in schemas.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        let items = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        if let Some(said) = items.into_iter().flatten().find(|item| item["required"] == json!(["said"])) {
            *said = said["properties"]["said"].take();
            // A value may be a string too.
            let items = schema.remove("oneOf").unwrap_or_default();
            schema.insert("anyOf".to_owned(), items);
        }
    }
}

fn routes(state: &AppState) -> OpenApiRouter<AppState> {
    let limits = state.limits;
    let monitors = OpenApiRouter::new()
        .routes(route!(hooks::enqueue))
        .routes(route!(hooks::change))
        .routes(route!(hooks::create_event))
        .layer(middleware::from_fn_with_state(state.clone(), hooks::watch))
        .layer(DefaultBodyLimit::max(limits.monitor));
    // Each kind has its own limit. Grafana may use PUT.
    let hooks = OpenApiRouter::new()
        .routes(route!(hooks::receive))
        .layer(DefaultBodyLimit::disable())
        .routes(route!(hooks::heartbeat))
        .layer(middleware::from_fn_with_state(state.clone(), hooks::watch));
    let services = OpenApiRouter::new()
        .routes(route!(slack::command))
        .routes(route!(slack::interaction))
        .routes(route!(slack::event))
        .routes(route!(pagerduty::webhook))
        .layer(DefaultBodyLimit::max(SERVICE_BODY_BYTES));
    let lineage = OpenApiRouter::new()
        .routes(route!(lineage::event))
        .routes(route!(lineage::dbt))
        .routes(route!(lineage::yaml))
        .layer(DefaultBodyLimit::max(limits.upload))
        .routes(route!(lineage::doctor))
        .routes(route!(lineage::asset))
        .routes(route!(lineage::upstream))
        .routes(route!(lineage::downstream))
        .routes(route!(lineage::status))
        .routes(route!(lineage::gate))
        .routes(route!(lineage::badge_svg))
        .routes(route!(lineage::path))
        .routes(route!(lineage::page))
        .routes(route!(lineage::impact))
        .routes(route!(lineage::svg))
        .routes(route!(lineage::png));
    let unpacked = OpenApiRouter::with_openapi(Document::openapi())
        .merge(monitors)
        .merge(lineage)
        .routes(route!(api::list))
        .routes(route!(api::show))
        .routes(route!(api::timeline))
        .routes(route!(api::postmortem))
        .routes(route!(received::list))
        .routes(route!(received::show))
        .routes(route!(silences::silences))
        .routes(route!(silences::make_silence))
        .routes(route!(silences::end_silence))
        .routes(route!(operations::healthz))
        .routes(route!(operations::readyz))
        .routes(route!(operations::metrics))
        .routes(route!(openapi))
        .layer(middleware::from_fn(unpack));
    // These unpack a body themselves, because they check a signature over the bytes as they were sent.
    unpacked.merge(hooks).merge(services)
}

/// Finishes every request, even if the client hangs up. So what follows a commit is never left out.
async fn finish(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Problem::new(503, "Muster is stopping. Send it again").into_response(),
    }
}

/// Counts and times requests by route, never by path, because paths hold names.
async fn measure(Anyone(app): Anyone, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    app.metrics.answer_seconds.observe(watch.seconds());
    app.metrics.requests.get_or_create(&[("route", route), ("status", response.status().as_u16().to_string())]).inc();
    response
}
