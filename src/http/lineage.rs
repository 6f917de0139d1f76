//! Lineage: catalogs and OpenLineage events come in. Assets, their trust, badges and gates, and the pictures of incidents go
//! out.

use askama::Template as _;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::api::{incident, limit};
use super::doors::{ApiClient, AssetBadge, Browser, Catalog, CatalogOrRead, Read, badge_key};
use super::problem::UPLOAD_LIMIT;
use super::{Problem, hooks};
use crate::app::App;
use crate::app::catalog::{Checkup, Imported};
use crate::app::lineage::{AssetView, Neighbour, Trust};
use crate::catalog::{dbt, openlineage, yaml};
use crate::config::{Source, SourceKind};
use crate::domain::lineage::impact::{Impact, TeamImpact};
use crate::domain::lineage::walk::Way;
use crate::domain::lineage::{Candidate, Change};
use crate::monitors;
use crate::render::picture::badge;
use crate::render::{html, views};

fn uploaded(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| Problem::not_arrived(rejection, UPLOAD_LIMIT))
}

/// An `OpenLineage` event: Airflow, Spark, Flink, dbt-ol and others post here unchanged.
#[utoipa::path(
    post, path = "/api/v1/lineage", request_body(content = Object, description = "A run, dataset or job event"),
    responses((status = 201, description = "Taken in"), (status = 400, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn event(
    client: ApiClient<Catalog>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = uploaded(body)?;
    if !client.app.config.lineage.failures {
        client.app.take_in(openlineage::read(&monitors::json(&body)?, client.app.now())?).await?;
        return Ok(StatusCode::CREATED);
    }
    // A failure is an alert of the source that is configured for OpenLineage, or else of one named `openlineage`.
    let configured = client.app.config.sources.iter().find(|source| source.kind == SourceKind::Openlineage);
    let unnamed = Source::named("openlineage", SourceKind::Openlineage);
    let source = configured.unwrap_or(&unnamed);
    let now = client.app.now();
    let read = |known: &dyn monitors::Known| {
        monitors::read(&monitors::Context { source, headers: &headers, known, now }, &body)
    };
    let reading = hooks::reading(&client.app, read).await??;
    hooks::take_in(&client.app, source, reading, &body).await?;
    Ok(StatusCode::CREATED)
}

/// dbt's `manifest.json`, as CI uploads it after a run.
#[utoipa::path(
    put, path = "/api/v1/catalog/dbt", request_body(content = Object, description = "manifest.json"),
    responses((status = 200, body = Imported), (status = 413, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn dbt(
    client: ApiClient<Catalog>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    let body = uploaded(body)?;
    // Reading tens of megabytes of JSON would hold up a thread that answers other requests.
    let read = tokio::task::spawn_blocking(move || dbt::read(&body)).await;
    let import = read.map_err(|_| Problem::new(500, "Muster failed to read the manifest"))??;
    Ok(Json(client.app.take_in(import).await?))
}

/// Our own YAML.
#[utoipa::path(
    put, path = "/api/v1/catalog/yaml", request_body(content = String, description = "assets and edges"),
    responses((status = 200, body = Imported), (status = 422, body = Problem)),
)]
pub(crate) async fn yaml(
    client: ApiClient<Catalog>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    let body = uploaded(body)?;
    let text = crate::body::text(&body).ok_or_else(|| Problem::new(400, "The body is not UTF-8"))?;
    Ok(Json(client.app.take_in(yaml::read(text)?).await?))
}

/// An asset, with what changed upstream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetAnswer {
    #[serde(flatten)]
    page: AssetView,
    /// The address of its badge, with the key.
    badge_url: Option<String>,
    /// What happened lately to the assets that it is made of, the newest first.
    changed_upstream: Vec<ChangedAsset>,
}

/// Something that happened to an asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedAsset {
    asset: String,
    change: Change,
}

/// A way from one asset down to another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PathAnswer {
    path: Vec<String>,
}

/// The blast radius of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImpactAnswer {
    /// `14 tables, 3 dashboards, 5 teams`.
    words: String,
    /// Where it may have started, the most likely first.
    #[schema(value_type = Vec<Candidate>)]
    candidates: Vec<serde_json::Value>,
    impact: Impact,
    /// The owners of the assets that it is made of.
    producers: Vec<TeamImpact>,
    /// Its assets that the catalog does not know.
    unknown_assets: Vec<String>,
}

/// An asset: its state, its owners, what it is made of, and what it feeds.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}", params(("name" = String, Path, description = "A name, an alias, or the end of a name; percent-encoded")),
    responses((status = 200, body = AssetAnswer), (status = 404, body = Problem)),
)]
pub(crate) async fn asset(client: ApiClient<Read>, Path(name): Path<String>) -> Result<Json<AssetAnswer>, Problem> {
    let shown = client.app.meant(&name)?;
    let page = client.app.asset_page(&shown).await?;
    let changed = client.app.changed_upstream(&shown, 20).await?;
    let changed_upstream = changed.into_iter().map(|(asset, change)| ChangedAsset { asset, change }).collect();
    Ok(Json(AssetAnswer { badge_url: badge_url(&client.app, &shown), changed_upstream, page }))
}

/// An asset's page in a browser.
#[derive(askama::Template)]
#[template(path = "asset.html")]
struct AssetPage {
    title: String,
    /// HTML, made of escaped Markdown.
    body: String,
}

/// An asset's page for a browser. It asks for a password, which is a token of the API.
#[utoipa::path(
    get, path = "/assets/{name}", params(("name" = String, Path)),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = Problem)),
)]
pub(crate) async fn page(Browser(client): Browser, Path(name): Path<String>) -> Result<Response, Problem> {
    let app = &client.app;
    let page = app.asset_page(&app.meant(&name)?).await?;
    let body = html(&app.templates.render("asset", &page));
    let page = AssetPage { title: page.name, body };
    let document = page.render().map_err(|error| Problem::new(500, format!("The page cannot be drawn: {error}")))?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, document).into_response())
}

/// How far, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WalkQuery {
    /// At most this many edges away; without it, any distance.
    depth: Option<u32>,
    /// How many to list at most, 1 to 1000; without it, 200.
    limit: Option<usize>,
}

/// The assets that were found, the nearest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Walked {
    asset: String,
    assets: Vec<Neighbour>,
    /// How many there are in all.
    total: usize,
}

fn walked(app: &App, name: &str, way: Way, query: &WalkQuery) -> Result<Json<Walked>, Problem> {
    let asset = app.meant(name)?;
    let (assets, total) = app.neighbours(&asset, way, query.depth, limit(query.limit, 200, 1000)?);
    Ok(Json(Walked { asset, assets, total }))
}

/// What an asset is made of.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/upstream", params(("name" = String, Path), WalkQuery),
    responses((status = 200, body = Walked), (status = 404, body = Problem)),
)]
pub(crate) async fn upstream(
    client: ApiClient<Read>,
    Path(name): Path<String>,
    Query(query): Query<WalkQuery>,
) -> Result<Json<Walked>, Problem> {
    walked(&client.app, &name, Way::Up, &query)
}

/// What an asset feeds.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/downstream", params(("name" = String, Path), WalkQuery),
    responses((status = 200, body = Walked), (status = 404, body = Problem)),
)]
pub(crate) async fn downstream(
    client: ApiClient<Read>,
    Path(name): Path<String>,
    Query(query): Query<WalkQuery>,
) -> Result<Json<Walked>, Problem> {
    walked(&client.app, &name, Way::Down, &query)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PathQuery {
    from: String,
    /// The lower end.
    to: String,
}

/// The shortest way from one asset down to another.
#[utoipa::path(
    get, path = "/api/v1/path", params(PathQuery),
    responses((status = 200, body = PathAnswer), (status = 404, body = Problem)),
)]
pub(crate) async fn path(client: ApiClient<Read>, Query(query): Query<PathQuery>) -> Result<Json<PathAnswer>, Problem> {
    let (from, to) = (client.app.meant(&query.from)?, client.app.meant(&query.to)?);
    match client.app.path(&from, &to) {
        Some(path) => Ok(Json(PathAnswer { path })),
        None => Err(Problem::new(404, format!("Nothing leads from {from} down to {to}"))),
    }
}

/// Whether an asset can be trusted now.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/status", params(("name" = String, Path)),
    responses((status = 200, body = Trust)),
)]
pub(crate) async fn status(client: ApiClient<CatalogOrRead>, Path(name): Path<String>) -> Result<Json<Trust>, Problem> {
    Ok(Json(client.app.trust(&shown_or_given(&client.app, &name)).await?))
}

/// The circuit breaker, which a pipeline asks before it publishes. It answers 200, or 409 with the open incidents.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/gate", params(("name" = String, Path)),
    responses((status = 200, description = "Go on", body = Trust), (status = 409, description = "Stop: it, or something it is made of, is in an open incident", body = Trust)),
)]
pub(crate) async fn gate(client: ApiClient<CatalogOrRead>, Path(name): Path<String>) -> Result<Response, Problem> {
    let trust = client.app.trust(&shown_or_given(&client.app, &name)).await?;
    let status = if trust.gate_open { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, Json(trust)).into_response())
}

/// The asset that is meant. Asking about an unknown asset is allowed: nothing is known against it.
fn shown_or_given(app: &App, name: &str) -> String {
    app.meant(name).unwrap_or_else(|_| name.to_owned())
}

fn badge_url(app: &App, asset: &str) -> Option<String> {
    let mut url = url::Url::parse(&app.config.server.public_url).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "v1", "assets", asset, "badge.svg"]);
    url.query_pairs_mut().append_pair("key", &badge_key(app, asset)?);
    Some(url.into())
}

/// A badge for a dashboard. It says `no open incident`, or since when one is open.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/badge.svg", params(("name" = String, Path)),
    responses((status = 200, body = String, content_type = "image/svg+xml")),
)]
pub(crate) async fn badge_svg(AssetBadge { app, asset }: AssetBadge) -> Result<Response, Problem> {
    let trust = app.trust(&asset).await?;
    let label = asset.rsplit(['.', '/']).next().unwrap_or(&asset);
    let good = (trust.known || trust.status != "ok").then_some(trust.status == "ok");
    let words = if good.is_none() { "not in the catalog" } else { &trust.words };
    Ok(picture("image/svg+xml", badge(label, words, good).into_bytes()))
}

fn picture(kind: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache, max-age=0")], bytes).into_response()
}

/// The lineage of an incident, drawn.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/lineage.svg", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "image/svg+xml"), (status = 404, body = Problem)),
)]
pub(crate) async fn svg(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Response, Problem> {
    let drawing = client.app.drawing(&incident(&client.app, &id).await?).await?;
    let drawing = drawing.ok_or_else(|| Problem::new(404, "The lineage has nothing to draw for this incident"))?;
    Ok(picture("image/svg+xml", drawing.svg().into_bytes()))
}

/// The same as `lineage.svg`, as a PNG.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/lineage.png", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = 404, body = Problem)),
)]
pub(crate) async fn png(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Response, Problem> {
    let drawing = client.app.drawing(&incident(&client.app, &id).await?).await?;
    let drawing = drawing.ok_or_else(|| Problem::new(404, "The lineage has nothing to draw for this incident"))?;
    let drawn = tokio::task::spawn_blocking(move || drawing.png()).await;
    let bytes = drawn
        .map_err(|_| Problem::new(500, "Muster failed to draw the lineage"))?
        .map_err(|why| Problem::new(500, why))?;
    Ok(picture("image/png", bytes))
}

/// The blast radius of an incident, by team, and where it may have started.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/impact", params(("id" = String, Path)),
    responses((status = 200, body = ImpactAnswer), (status = 404, body = Problem)),
)]
pub(crate) async fn impact(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Json<ImpactAnswer>, Problem> {
    let judged = client.app.judge(&incident(&client.app, &id).await?).await?;
    Ok(Json(ImpactAnswer {
        words: judged.words(),
        candidates: judged.candidates.iter().map(views::candidate).collect(),
        impact: judged.impact,
        producers: judged.producers.teams,
        unknown_assets: judged.unknown,
    }))
}

/// What may be wrong with the catalog.
#[utoipa::path(
    get, path = "/api/v1/catalog/doctor",
    responses((status = 200, body = Checkup)),
)]
pub(crate) async fn doctor(client: ApiClient<Read>) -> Json<Checkup> {
    Json(client.app.check_catalog(100))
}
