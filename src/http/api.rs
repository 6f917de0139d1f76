//! The API for reading incidents, timelines and post-mortems: JSON with cursors. An OpenAPI document, which is made from this
//! code, describes it.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::doors::{ApiClient, Read};
use crate::app::App;
use crate::app::queries::{Filter, IncidentView};
use crate::domain::incident;
use crate::domain::{AssetName, Entry, Incident, Severity, Status};

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// `open`, or a status.
    status: Option<String>,
    /// `SEV1` to `SEV5`.
    severity: Option<String>,
    asset: Option<String>,
    cursor: Option<String>,
    /// How many at most, 1 to 200; without it, 50.
    limit: Option<usize>,
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    incidents: Vec<IncidentView>,
    next_cursor: Option<String>,
}

/// A page of a timeline.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimelinePage {
    entries: Vec<Entry>,
    next_cursor: Option<String>,
}

/// The query of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    cursor: Option<u64>,
    /// How many at most, 1 to 500; without it, 100.
    limit: Option<usize>,
}

pub(super) async fn incident(app: &App, id: &str) -> Result<Incident, Problem> {
    let not_found = || Problem::new(404, format!("There is no incident {id}"));
    let uid = match incident::number(id) {
        Some(number) => app.uid_of_number(number).await.map_err(|_| not_found())?,
        None => id.into(),
    };
    app.incident(&uid).await?.ok_or_else(not_found)
}

pub(super) fn limit(given: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    match given {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::new(400, format!("`limit` may be 1 to {max}"))),
    }
}

/// What a word of the query means, if there is one.
fn read<T>(name: &str, word: Option<&str>, parse: fn(&str) -> Option<T>, must: &str) -> Result<Option<T>, Problem> {
    let wrong = |word: &str| Problem::new(400, format!("`{name}={word}` must be {must}"));
    word.map(|word| parse(word).ok_or_else(|| wrong(word))).transpose()
}

/// Incidents, newest first.
#[utoipa::path(
    get, path = "/api/v1/incidents", params(ListQuery),
    responses((status = 200, body = IncidentPage), (status = 400, body = Problem)),
)]
pub(crate) async fn list(
    client: ApiClient<Read>,
    Query(query): Query<ListQuery>,
) -> Result<Json<IncidentPage>, Problem> {
    let open = query.status.as_deref() == Some("open");
    let status = query.status.as_deref().filter(|_| !open);
    let status = read("status", status, Status::parse, "open, or a status")?;
    let severity = read("severity", query.severity.as_deref(), Severity::parse, "SEV1 to SEV5")?;
    let asset = query.asset.as_deref().and_then(AssetName::new);
    let filter = Filter { status, severity, asset, open, ..Filter::default() };
    let limit = limit(query.limit, 50, 200)?;
    let is_cursor = |cursor: &String| cursor.len() == 20 && cursor.bytes().all(|byte| byte.is_ascii_digit());
    if !query.cursor.as_ref().is_none_or(is_cursor) {
        return Err(Problem::new(400, "`cursor` is not a cursor of this list"));
    }
    let page = client.app.list(&filter, query.cursor.as_deref(), limit).await?;
    let incidents =
        page.incidents.iter().map(|incident| IncidentView::of(incident, None, &|id| client.app.name(id))).collect();
    Ok(Json(IncidentPage { incidents, next_cursor: page.next }))
}

/// One incident with its alerts.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", params(("id" = String, Path, description = "INC-42, or the uid")),
    responses((status = 200, body = IncidentView), (status = 404, body = Problem)),
)]
pub(crate) async fn show(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Json<IncidentView>, Problem> {
    let incident = incident(&client.app, &id).await?;
    let alerts = client.app.alerts(&incident.uid).await?;
    Ok(Json(IncidentView::of(&incident, Some(&alerts), &|id| client.app.name(id))))
}

/// Its timeline, oldest first.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/timeline", params(("id" = String, Path, description = "INC-42, or the uid"), PageQuery),
    responses((status = 200, body = TimelinePage), (status = 404, body = Problem)),
)]
pub(crate) async fn timeline(
    client: ApiClient<Read>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<TimelinePage>, Problem> {
    let incident = incident(&client.app, &id).await?;
    let limit = limit(query.limit, 100, 500)?;
    let entries = client.app.entries(&incident.uid, query.cursor.unwrap_or(0), limit).await?;
    let next_cursor = entries.last().filter(|last| last.seq < incident.entries).map(|last| last.seq.to_string());
    Ok(Json(TimelinePage { entries, next_cursor }))
}

/// Its post-mortem draft, as Markdown.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/postmortem", params(("id" = String, Path, description = "INC-42, or the uid")),
    responses((status = 200, body = String, content_type = "text/markdown"), (status = 404, body = Problem)),
)]
pub(crate) async fn postmortem(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Response, Problem> {
    let text = client.app.postmortem(&incident(&client.app, &id).await?).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}
