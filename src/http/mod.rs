//! FLOOR 3. The doors: all URLs on one page, a file an audience. Requests are verified on their raw bytes, read, and
//! handed to `app`; the answer means that it is on disk.

mod api;
mod certificates;
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
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use tokio::sync::Semaphore;

use crate::app::App;
use crate::clock::Stopwatch;
use crate::slack::client::SlackApi;
use crate::telemetry::RequestLabels;

pub use problem::Problem;

/// The largest request of Slack and PagerDuty; theirs are far smaller.
const SERVICE_BODY_BYTES: usize = 1024 * 1024;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    pub(crate) app: Arc<App>,
    /// For the one call that a handler makes: `views.open`.
    pub(crate) slack: Arc<SlackApi>,
    /// What SNS signs with.
    pub(crate) certificates: Arc<certificates::Certificates>,
    /// Uploads that are read while they arrive.
    pub(crate) uploads: Arc<Semaphore>,
}

/// So many uploads are read at once while they arrive: each holds a thread, and pages need threads, too.
const UPLOADS_AT_ONCE: usize = 16;

impl AppState {
    /// The doors of this app.
    ///
    /// # Errors
    /// A client cannot be made.
    pub fn new(app: Arc<App>) -> std::io::Result<Self> {
        let token = app.config.secrets.slack_bot_token.clone().unwrap_or_default();
        // The trigger of a modal lives three seconds, and so does our answer.
        let slack =
            SlackApi::new(&app.config.slack.api_url, &token, &app.config.slack.team_id, Duration::from_millis(2300))?;
        let uploads = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
        Ok(Self { app, slack: Arc::new(slack), certificates: Arc::default(), uploads })
    }

    /// The token to open a connection to Slack with, where that is how Slack reaches us.
    pub(crate) fn socket_token(&self) -> Option<secrecy::SecretString> {
        let config = &self.app.config;
        config.secrets.slack_app_token.clone().filter(|_| config.slack.mode == crate::config::SlackMode::Socket)
    }
}

/// All URLs.
pub fn router(doors: AppState) -> Router {
    let monitors_limit = doors.app.config.server.body_limit_kib * 1024;
    let monitors = Router::new()
        .route("/v2/enqueue", post(hooks::enqueue))
        .route("/v2/change/enqueue", post(hooks::change))
        .route("/generic/2010-04-15/create_event.json", post(hooks::create_event))
        .layer(DefaultBodyLimit::max(monitors_limit));
    // Each kind has a limit of its own, and Grafana may PUT.
    let hooks = Router::new()
        .route("/hooks/{source}", post(hooks::receive).put(hooks::receive))
        .layer(DefaultBodyLimit::disable())
        .route("/hooks/{source}/heartbeat/{name}", post(silences::heartbeat));
    let services = Router::new()
        .route("/slack/commands", post(slack::command))
        .route("/slack/interactions", post(slack::interaction))
        .route("/slack/events", post(slack::event))
        .route("/pagerduty/webhooks", post(pagerduty::webhook))
        .layer(DefaultBodyLimit::max(SERVICE_BODY_BYTES));
    let lineage = Router::new()
        .route("/api/v1/lineage", post(lineage::event))
        .route("/api/v1/catalog/dbt", put(lineage::dbt))
        .route("/api/v1/catalog/yaml", put(lineage::yaml))
        .layer(DefaultBodyLimit::max(doors.app.config.lineage.upload_limit_mib * 1024 * 1024))
        .route("/api/v1/catalog/doctor", get(lineage::doctor))
        .route("/api/v1/assets/{name}", get(lineage::asset))
        .route("/api/v1/assets/{name}/upstream", get(lineage::upstream))
        .route("/api/v1/assets/{name}/downstream", get(lineage::downstream))
        .route("/api/v1/assets/{name}/status", get(lineage::status))
        .route("/api/v1/assets/{name}/gate", get(lineage::gate))
        .route("/api/v1/assets/{name}/badge.svg", get(lineage::badge_svg))
        .route("/api/v1/path", get(lineage::path))
        .route("/assets/{name}", get(lineage::page))
        .route("/api/v1/incidents/{id}/impact", get(lineage::impact))
        .route("/api/v1/incidents/{id}/lineage.svg", get(lineage::svg))
        .route("/api/v1/incidents/{id}/lineage.png", get(lineage::png));
    let readers = Router::new()
        .route("/api/v1/incidents", get(api::list))
        .route("/api/v1/incidents/{id}", get(api::show))
        .route("/api/v1/incidents/{id}/timeline", get(api::timeline))
        .route("/api/v1/incidents/{id}/postmortem", get(api::postmortem))
        .route("/api/v1/received", get(received::list))
        .route("/api/v1/received/{id}", get(received::show))
        .route("/api/v1/silences", get(silences::silences).post(silences::make_silence))
        .route("/api/v1/silences/{id}", delete(silences::end_silence))
        .route("/api/openapi.json", get(api::openapi));
    let operators = Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics));
    Router::new()
        .merge(monitors)
        .merge(hooks)
        .merge(services)
        .merge(lineage)
        .merge(readers)
        .merge(operators)
        .fallback(|| async { Problem::new(404, "There is nothing at this address").into_response() })
        .layer(middleware::from_fn(finish))
        .layer(middleware::from_fn_with_state(doors.clone(), measure))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request handler panicked");
            Problem::new(500, "Something broke inside Muster; it is logged").into_response()
        }))
        .with_state(doors)
}

/// What was begun is finished although the client hangs up: between a commit and what follows it nothing is left out.
async fn finish(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Problem::new(503, "Muster is stopping; send it again").into_response(),
    }
}

/// Counts and times requests by route, never by path: paths hold names.
async fn measure(State(doors): State<AppState>, request: Request, next: Next) -> Response {
    let watch = Stopwatch::start();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    doors.app.metrics.answer_seconds.observe(watch.seconds());
    doors.app.metrics.requests.get_or_create(&RequestLabels { route, status: response.status().as_u16() }).inc();
    response
}
