//! Lineage in and out: catalogs and OpenLineage events come in; assets, their trust, badges and gates, and incidents' pictures
//! go out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use utoipa::{IntoParams, ToSchema};

use super::api::{authorise, incident, limit};
use super::hooks::{self, bearer, same};
use super::{AppState, Problem};
use crate::app::catalog::Imported;
use crate::app::lineage::Trust;
use crate::catalog::{BadCatalog, Import, dbt, openlineage, yaml};
use crate::config::{Source, SourceKind};
use crate::domain::lineage::walk::Way;
use crate::monitors;
use crate::render::picture::badge;
use crate::render::{escape, html};

/// Those who post lineage have a token of their own, or the API's.
fn authorise_writer(doors: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &doors.app.config.secrets.lineage_token else {
        return authorise(doors, headers);
    };
    match bearer(headers) {
        Some(given) if same(given, token.expose_secret()) => Ok(()),
        _ => authorise(doors, headers),
    }
}

fn unusable(error: &BadCatalog) -> Problem {
    Problem::new(422, error.to_string())
}

async fn take_in(doors: &AppState, import: Import) -> Result<Imported, Problem> {
    Ok(doors.app.take_in(import).await?)
}

/// An `OpenLineage` event: Airflow, Spark, Flink, dbt-ol and others post here unchanged.
#[utoipa::path(
    post, path = "/api/v1/lineage", request_body(content = Object, description = "A run, dataset or job event"), security(("bearer" = [])),
    responses((status = 201, description = "Taken in"), (status = 400, body = Problem), (status = 401, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn event(
    State(doors): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    authorise_writer(&doors, &headers)?;
    let body = body?;
    if !doors.app.config.lineage.failures {
        let event = monitors::json(&body).map_err(|error| Problem::new(400, error.to_string()))?;
        let import = openlineage::read(&event).map_err(|error| unusable(&error))?;
        take_in(&doors, import).await?;
        return Ok(StatusCode::CREATED);
    }
    // What failed is an alert of the source that is configured for it, or of one by this name.
    let configured = doors.app.config.sources.iter().find(|source| source.kind == SourceKind::Openlineage);
    let unnamed = Source::named("openlineage", SourceKind::Openlineage);
    let source = configured.unwrap_or(&unnamed);
    let now = doors.app.now();
    let read = |known: &dyn monitors::Known| {
        monitors::read(&monitors::Context { source, headers: &headers, known, now }, &body)
    };
    let reading = hooks::reading(&doors.app, read)
        .await?
        .map_err(|error| Problem::new(hooks::status_of(&error), error.to_string()))?;
    hooks::take_in(&doors.app, source, reading, &body).await?;
    Ok(StatusCode::CREATED)
}

/// dbt's `manifest.json`, as CI uploads it after a run.
#[utoipa::path(
    put, path = "/api/v1/catalog/dbt", request_body(content = Object, description = "manifest.json"), security(("bearer" = [])),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn dbt(
    State(doors): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    authorise_writer(&doors, &headers)?;
    let body = body?;
    // Tens of megabytes of JSON are no work for a thread that answers others.
    let read = tokio::task::spawn_blocking(move || dbt::read(&body)).await;
    let import =
        read.map_err(|_| Problem::new(500, "Reading the manifest broke"))?.map_err(|error| unusable(&error))?;
    Ok(Json(take_in(&doors, import).await?))
}

/// Our own YAML.
#[utoipa::path(
    put, path = "/api/v1/catalog/yaml", request_body(content = String, description = "assets and edges"), security(("bearer" = [])),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn yaml(
    State(doors): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    authorise_writer(&doors, &headers)?;
    let body = body?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::new(400, "The body is not UTF-8"))?;
    let import = yaml::read(text).map_err(|error| unusable(&error))?;
    Ok(Json(take_in(&doors, import).await?))
}

fn meant(doors: &AppState, name: &str) -> Result<String, Problem> {
    doors.app.meant(name).map_err(|failure| Problem::new(404, failure.to_string()))
}

/// An asset: how it is, whose, what it is made of, what it feeds.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}", params(("name" = String, Path, description = "A name, an alias, or the end of a name; percent-encoded")), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn asset(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let shown = meant(&doors, &name)?;
    let mut page = doors.app.asset_page(&shown).await?;
    page["badge_url"] = json!(badge_url(&doors, &shown));
    page["changed_upstream"] = json!(
        doors
            .app
            .changed_upstream(&shown, 20)
            .await?
            .into_iter()
            .map(|(asset, change)| json!({"asset": asset, "change": change}))
            .collect::<Vec<_>>()
    );
    Ok(Json(page))
}

/// An asset's page, for people with a browser: it asks for a password, which is the API's token.
pub(crate) async fn page(State(doors): State<AppState>, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let by_password = || {
        let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let given = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(given).ok()?).ok()?;
        let token = doors.app.config.secrets.api_token.as_ref()?;
        Some(same(given.split_once(':')?.1, token.expose_secret()))
    };
    if !by_password().unwrap_or(false)
        && let Err(problem) = authorise(&doors, &headers)
    {
        let mut answer = problem.into_response();
        let challenge = header::HeaderValue::from_static("Basic realm=\"Muster; the password is the API token\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return answer;
    }
    let page = match meant(&doors, &name) {
        Ok(shown) => doors.app.asset_page(&shown).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let page = match page {
        Ok(page) => page,
        Err(problem) => return problem.into_response(),
    };
    let body = html(&doors.app.templates.render("asset", &page));
    let title = html(&escape(page["name"].as_str().unwrap_or_default()));
    let title = title.trim().trim_start_matches("<p>").trim_end_matches("</p>");
    let style = "body{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}";
    let document = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{style}</style></head><body>{body}</body></html>"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)], document)
        .into_response()
}

/// How far, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WalkQuery {
    /// At most so many edges away; all without.
    depth: Option<u32>,
    /// At most so many, 1 to 1000; 200 without.
    limit: Option<usize>,
}

/// What a walk met, the nearest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Walked {
    asset: String,
    #[schema(value_type = Vec<Object>)]
    assets: Vec<Value>,
    /// How many there are, listed or not.
    total: usize,
}

fn walked(
    doors: &AppState,
    headers: &HeaderMap,
    name: &str,
    way: Way,
    query: &WalkQuery,
) -> Result<Json<Walked>, Problem> {
    authorise(doors, headers)?;
    let asset = meant(doors, name)?;
    let (assets, total) = doors.app.neighbours(&asset, way, query.depth, limit(query.limit, 200, 1000)?);
    Ok(Json(Walked { asset, assets, total }))
}

/// What an asset is made of.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/upstream", params(("name" = String, Path), WalkQuery), security(("bearer" = [])),
    responses((status = 200, body = Walked), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn upstream(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Query<WalkQuery>,
) -> Result<Json<Walked>, Problem> {
    walked(&doors, &headers, &name, Way::Up, &query)
}

/// What an asset feeds.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/downstream", params(("name" = String, Path), WalkQuery), security(("bearer" = [])),
    responses((status = 200, body = Walked), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn downstream(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Query<WalkQuery>,
) -> Result<Json<Walked>, Problem> {
    walked(&doors, &headers, &name, Way::Down, &query)
}

/// Between which two.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PathQuery {
    /// The upper end.
    from: String,
    /// The lower end.
    to: String,
}

/// A shortest way from one asset down to another.
#[utoipa::path(
    get, path = "/api/v1/path", params(PathQuery), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn path(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<PathQuery>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let (from, to) = (meant(&doors, &query.from)?, meant(&doors, &query.to)?);
    match doors.app.path(&from, &to) {
        Some(path) => Ok(Json(json!({"path": path}))),
        None => Err(Problem::new(404, format!("Nothing leads from {from} down to {to}"))),
    }
}

/// Whether an asset can be trusted now.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/status", params(("name" = String, Path)), security(("bearer" = [])),
    responses((status = 200, body = Trust), (status = 401, body = Problem)),
)]
pub(crate) async fn status(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Trust>, Problem> {
    authorise_writer(&doors, &headers)?;
    Ok(Json(doors.app.trust(&shown_or_given(&doors, &name)).await?))
}

/// The circuit breaker: asked by a pipeline before it publishes. 200, or 409 with the open incidents.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/gate", params(("name" = String, Path)), security(("bearer" = [])),
    responses((status = 200, description = "Go on", body = Trust), (status = 401, body = Problem), (status = 409, description = "Stop: it, or something it is made of, is in an open incident", body = Trust)),
)]
pub(crate) async fn gate(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    authorise_writer(&doors, &headers)?;
    let trust = doors.app.trust(&shown_or_given(&doors, &name)).await?;
    let status = if trust.gate_open { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, Json(trust)).into_response())
}

/// What nobody knows may still be asked about: nothing is known against it.
fn shown_or_given(doors: &AppState, name: &str) -> String {
    doors.app.meant(name).unwrap_or_else(|_| name.to_owned())
}

/// The key that opens one asset's badge, for pages that can send no header.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BadgeQuery {
    /// From the asset's `badge_url`.
    key: Option<String>,
}

fn badge_key(doors: &AppState, asset: &str) -> Option<String> {
    let token = doors.app.config.secrets.api_token.as_ref()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes()).ok()?;
    mac.update(b"badge/");
    mac.update(asset.to_ascii_lowercase().as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()).chars().take(32).collect())
}

fn badge_url(doors: &AppState, asset: &str) -> Option<String> {
    let mut url = url::Url::parse(&doors.app.config.server.public_url).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "v1", "assets", asset, "badge.svg"]);
    url.query_pairs_mut().append_pair("key", &badge_key(doors, asset)?);
    Some(url.into())
}

/// A badge for a dashboard: `no open incident`, or since when one is open.
#[utoipa::path(
    get, path = "/api/v1/assets/{name}/badge.svg", params(("name" = String, Path), BadgeQuery), security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "image/svg+xml"), (status = 401, body = Problem)),
)]
pub(crate) async fn badge_svg(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Query<BadgeQuery>,
) -> Result<Response, Problem> {
    let shown = shown_or_given(&doors, &name);
    let by_key = query.key.zip(badge_key(&doors, &shown)).is_some_and(|(given, key)| same(&given, &key));
    if !by_key {
        authorise(&doors, &headers)?;
    }
    let trust = doors.app.trust(&shown).await?;
    let label = shown.rsplit(['.', '/']).next().unwrap_or(&shown);
    let good = if trust.known || trust.status != "ok" { Some(trust.status == "ok") } else { None };
    let words = if good.is_none() { "not in the catalog" } else { &trust.words };
    Ok(picture("image/svg+xml", badge(label, words, good).into_bytes()))
}

fn picture(kind: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache, max-age=0")], bytes).into_response()
}

/// The lineage of an incident, drawn.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/lineage.svg", params(("id" = String, Path)), security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "image/svg+xml"), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn svg(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    authorise(&doors, &headers)?;
    let drawing = doors.app.drawing(&incident(&doors, &id).await?).await?;
    let drawing = drawing.ok_or_else(|| Problem::new(404, "The lineage has nothing to draw of this incident"))?;
    Ok(picture("image/svg+xml", drawing.svg().into_bytes()))
}

/// As `lineage.svg`, in pixels.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/lineage.png", params(("id" = String, Path)), security(("bearer" = [])),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn png(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    authorise(&doors, &headers)?;
    let drawing = doors.app.drawing(&incident(&doors, &id).await?).await?;
    let drawing = drawing.ok_or_else(|| Problem::new(404, "The lineage has nothing to draw of this incident"))?;
    let drawn = tokio::task::spawn_blocking(move || drawing.png()).await;
    let bytes = drawn.map_err(|_| Problem::new(500, "Drawing broke"))?.map_err(|why| Problem::new(500, why))?;
    Ok(picture("image/png", bytes))
}

/// What an incident reaches, by team, and where it may have started.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/impact", params(("id" = String, Path)), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn impact(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let judged = doors.app.judge(&incident(&doors, &id).await?).await?;
    Ok(Json(json!({
        "words": judged.impact.words(),
        "candidates": judged.candidates,
        "impact": judged.impact,
        "producers": judged.producers.teams,
        "unknown_assets": judged.unknown,
    })))
}

/// What may be wrong with the catalog.
#[utoipa::path(
    get, path = "/api/v1/catalog/doctor", security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem)),
)]
pub(crate) async fn doctor(State(doors): State<AppState>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    Ok(Json(json!(doors.app.check_catalog(100))))
}
