//! What monitors posted, as it is kept: stripped of secrets, SQL and rows, for `muster replay`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::api::authorise;
use super::{Doors, Problem};
use crate::intake::strip::unpacked;
use crate::store::Kind;

/// What is asked of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReceivedQuery {
    /// After this id.
    after: Option<String>,
    /// At most so many, 1 to 500; 100 without.
    limit: Option<usize>,
}

/// Bodies that are kept, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/received", params(ReceivedQuery), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem)),
)]
pub(crate) async fn list(
    State(doors): State<Doors>,
    headers: HeaderMap,
    Query(query): Query<ReceivedQuery>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let from = query.after.map(|after| format!("{after}\0")).unwrap_or_default();
    let page = doors.app.store.scan(Kind::Received, &from, "", limit).map_err(crate::app::Failure::from)?;
    let next = (page.len() == limit).then(|| page.last().map(|rec| rec.id.clone())).flatten();
    let received: Vec<_> =
        page.iter().map(|rec| json!({"id": rec.id, "source": rec.body["source"], "at": rec.body["at"]})).collect();
    Ok(Json(json!({"received": received, "next_after": next})))
}

/// One of them, as `muster replay` reads it.
#[utoipa::path(
    get, path = "/api/v1/received/{id}", params(("id" = String, Path, description = "Its id in the list")), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn show(
    State(doors): State<Doors>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let rec = doors.app.store.get(Kind::Received, &id).map_err(crate::app::Failure::from)?;
    let missing = || Problem::new(404, "There is no such body, or it was kept long enough");
    let rec = rec.ok_or_else(missing)?;
    let body = rec.body["body"].as_str().and_then(unpacked).ok_or_else(missing)?;
    Ok(Json(json!({"source": rec.body["source"], "at": rec.body["at"], "body": body})))
}
