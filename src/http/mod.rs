//! FLOOR 3. The doors: all URLs on one page, and one file for each audience. Requests are verified on their raw bytes, read, and
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

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Stopwatch;
use crate::telemetry::RequestLabels;

pub use doors::AppState;
pub use problem::Problem;

/// The largest request of Slack and PagerDuty. Real ones are far smaller.
const SERVICE_BODY_BYTES: usize = 1024 * 1024;

pub fn router(state: AppState) -> Router {
    let (router, document) = routes(&state).split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    words_as_words(&mut document);
    router
        .route("/api/openapi.json", get(|_: doors::Anyone| async { Json(document) }))
        .fallback(|| async { Problem::new(404, "There is nothing at this address").into_response() })
        .layer(middleware::from_fn(finish))
        .layer(middleware::from_fn_with_state(state.clone(), measure))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request handler panicked");
            Problem::new(500, "Something failed inside Muster. The log says what").into_response()
        }))
        .with_state(state)
}

/// The document that describes the API. It is open to everyone, like the documentation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Data incidents: alerts in, incidents, timelines and post-mortems out. Times are RFC 3339 in UTC."
    ),
    modifiers(&Doors),
    components(schemas(Problem))
)]
struct Document;

/// The doors, with the names that the routes use.
struct Doors;

impl utoipa::Modify for Doors {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let http = |scheme, words: &str| {
            SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(words)).build())
        };
        let key = |of: ApiKeyValue| SecurityScheme::ApiKey(ApiKey::Header(of));
        let signed = |header: &str, words: &str| key(ApiKeyValue::with_description(header, words));
        let in_query =
            |name: &str, words: &str| SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(name, words)));
        let schemes = [
            (
                "bearer",
                http(
                    HttpAuthScheme::Bearer,
                    "A token of the API that is good for one of the scopes: read, write, catalog",
                ),
            ),
            ("password", http(HttpAuthScheme::Basic, "A browser: any user, and a token of the API as the password")),
            ("badge_key", in_query("key", "The key in an asset's `badge_url`")),
            ("source", http(HttpAuthScheme::Bearer, "The source's token, or the signature of its kind")),
            (
                "routing_key",
                in_query("routing_key", "A source's token, in the body as PagerDuty's routing key or service key"),
            ),
            ("slack", signed("x-slack-signature", "Slack's signature over the body")),
            ("pagerduty", signed("x-pagerduty-signature", "PagerDuty's signature over the body")),
        ];
        let components = document.components.get_or_insert_default();
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
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
    let limits = state.limits();
    let monitors = OpenApiRouter::new()
        .routes(routes!(hooks::enqueue))
        .routes(routes!(hooks::change))
        .routes(routes!(hooks::create_event))
        .layer(DefaultBodyLimit::max(limits.monitor));
    // Each kind has its own limit. Grafana may use PUT.
    let hooks = OpenApiRouter::new()
        .routes(routes!(hooks::receive))
        .layer(DefaultBodyLimit::disable())
        .routes(routes!(hooks::heartbeat));
    let services = OpenApiRouter::new()
        .routes(routes!(slack::command))
        .routes(routes!(slack::interaction))
        .routes(routes!(slack::event))
        .routes(routes!(pagerduty::webhook))
        .layer(DefaultBodyLimit::max(SERVICE_BODY_BYTES));
    let lineage = OpenApiRouter::new()
        .routes(routes!(lineage::event))
        .routes(routes!(lineage::dbt))
        .routes(routes!(lineage::yaml))
        .layer(DefaultBodyLimit::max(limits.upload))
        .routes(routes!(lineage::doctor))
        .routes(routes!(lineage::asset))
        .routes(routes!(lineage::upstream))
        .routes(routes!(lineage::downstream))
        .routes(routes!(lineage::status))
        .routes(routes!(lineage::gate))
        .routes(routes!(lineage::badge_svg))
        .routes(routes!(lineage::path))
        .routes(routes!(lineage::page))
        .routes(routes!(lineage::impact))
        .routes(routes!(lineage::svg))
        .routes(routes!(lineage::png));
    let readers = OpenApiRouter::new()
        .routes(routes!(api::list))
        .routes(routes!(api::show))
        .routes(routes!(api::timeline))
        .routes(routes!(api::postmortem))
        .routes(routes!(received::list))
        .routes(routes!(received::show))
        .routes(routes!(silences::silences, silences::make_silence))
        .routes(routes!(silences::end_silence));
    let operators = OpenApiRouter::new()
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics));
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(monitors)
        .merge(hooks)
        .merge(services)
        .merge(lineage)
        .merge(readers)
        .merge(operators)
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
async fn measure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    state.metrics().answer_seconds.observe(watch.seconds());
    state.metrics().requests.get_or_create(&RequestLabels { route, status: response.status().as_u16() }).inc();
    response
}
