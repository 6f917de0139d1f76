//! The API for reading: incidents, timelines, post-mortems; JSON with cursors, described by an OpenAPI document that is
//! made from this code.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::hooks::{bearer, same};
use super::{AppState, Problem, lineage};
use crate::app::queries::{Filter, incident_json};
use crate::domain::{AssetName, Entry, Incident, Severity, Status};
use crate::slack::slash;

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Data incidents: alerts in, incidents, timelines and post-mortems out. Times are RFC 3339 in UTC."
    ),
    paths(
        super::hooks::receive,
        super::received::list,
        super::received::show,
        super::silences::heartbeat,
        super::silences::silences,
        super::silences::make_silence,
        super::silences::end_silence,
        list,
        show,
        timeline,
        postmortem,
        lineage::event,
        lineage::dbt,
        lineage::yaml,
        lineage::doctor,
        lineage::asset,
        lineage::upstream,
        lineage::downstream,
        lineage::status,
        lineage::gate,
        lineage::badge_svg,
        lineage::path,
        lineage::impact,
        lineage::svg,
        lineage::png
    ),
    components(schemas(Problem))
)]
struct Document;

/// What is asked of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// `open`, or a status.
    status: Option<String>,
    /// `SEV1` to `SEV5`.
    severity: Option<String>,
    /// An asset's name.
    asset: Option<String>,
    /// From the answer before.
    cursor: Option<String>,
    /// At most so many, 1 to 200; 50 without.
    limit: Option<usize>,
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    #[schema(value_type = Vec<Object>)]
    incidents: Vec<Value>,
    next_cursor: Option<String>,
}

/// A page of a timeline.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimelinePage {
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Entry>,
    next_cursor: Option<String>,
}

/// What is asked of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// From the answer before.
    cursor: Option<u64>,
    /// At most so many, 1 to 500; 100 without.
    limit: Option<usize>,
}

pub(super) fn authorise(doors: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &doors.app.config.secrets.api_token else {
        return Err(Problem::new(401, "The API is closed: no MUSTER_API__TOKEN is set"));
    };
    match bearer(headers) {
        Some(given) if same(given, token.expose_secret()) => Ok(()),
        _ => Err(Problem::new(401, "Send the API token in the header `Authorization: Bearer …`")),
    }
}

pub(super) async fn incident(doors: &AppState, id: &str) -> Result<Incident, Problem> {
    let not_found = || Problem::new(404, format!("There is no incident {id}"));
    let uid = match slash::number(id) {
        Some(number) => doors.app.uid_of_number(number).await.map_err(|_| not_found())?,
        None => id.to_owned(),
    };
    doors.app.incident(&uid).await?.ok_or_else(not_found)
}

pub(super) fn limit(given: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    match given {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::new(400, format!("`limit` may be 1 to {max}"))),
    }
}

/// Incidents, newest first.
#[utoipa::path(
    get, path = "/api/v1/incidents", params(ListQuery), security(("bearer" = [])),
    responses((status = 200, body = IncidentPage), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(crate) async fn list(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Json<IncidentPage>, Problem> {
    authorise(&doors, &headers)?;
    let open = query.status.as_deref() == Some("open");
    let status = match query.status.as_deref().filter(|_| !open) {
        Some(word) => Some(
            Status::parse(word)
                .ok_or_else(|| Problem::new(400, format!("`status={word}` is neither open nor a status")))?,
        ),
        None => None,
    };
    let severity = match &query.severity {
        Some(word) => Some(
            Severity::parse(word)
                .ok_or_else(|| Problem::new(400, format!("`severity={word}` is none of SEV1 to SEV5")))?,
        ),
        None => None,
    };
    let filter =
        Filter { status, severity, asset: query.asset.as_deref().and_then(AssetName::new), open, ..Filter::default() };
    let limit = limit(query.limit, 50, 200)?;
    if query
        .cursor
        .as_ref()
        .is_some_and(|cursor| cursor.len() != 20 || !cursor.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(Problem::new(400, "`cursor` is not one of ours"));
    }
    let page = doors.app.list(&filter, query.cursor.as_deref(), limit).await?;
    let incidents = page.incidents.iter().map(|incident| incident_json(incident, None)).collect();
    Ok(Json(IncidentPage { incidents, next_cursor: page.next }))
}

/// One incident with its alerts.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", params(("id" = String, Path, description = "INC-42, or the uid")), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn show(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let incident = incident(&doors, &id).await?;
    let alerts = doors.app.alerts(&incident.uid).await?;
    Ok(Json(incident_json(&incident, Some(&alerts))))
}

/// Its timeline, oldest first.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/timeline", params(("id" = String, Path, description = "INC-42, or the uid"), PageQuery), security(("bearer" = [])),
    responses((status = 200, body = TimelinePage), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn timeline(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<TimelinePage>, Problem> {
    authorise(&doors, &headers)?;
    let incident = incident(&doors, &id).await?;
    let limit = limit(query.limit, 100, 500)?;
    let entries = doors.app.entries(&incident.uid, query.cursor.unwrap_or(0), limit).await?;
    let next_cursor = entries.last().filter(|last| last.seq < incident.entries).map(|last| last.seq.to_string());
    Ok(Json(TimelinePage { entries, next_cursor }))
}

/// Its post-mortem draft, Markdown.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/postmortem", params(("id" = String, Path, description = "INC-42, or the uid")), security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/markdown"), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn postmortem(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    authorise(&doors, &headers)?;
    let text = doors.app.postmortem(&incident(&doors, &id).await?).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// The document that describes all this; open to everyone, like the documentation.
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
