//! What monitors posted, as it is kept. `muster replay` reads it.

use axum::Json;
use axum::extract::{Path, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::doors::{ApiClient, Read};
use crate::app::received_bodies::{ReceivedBody, ReceivedPage};

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReceivedQuery {
    after: Option<String>,
    /// How many at most, 1 to 500; without it, 100.
    limit: Option<usize>,
}

/// The bodies that are kept, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/received", params(ReceivedQuery),
    responses((status = 200, body = ReceivedPage)),
)]
pub(crate) async fn list(
    client: ApiClient<Read>,
    Query(query): Query<ReceivedQuery>,
) -> Result<Json<ReceivedPage>, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    Ok(Json(client.app.received_bodies(query.after.as_deref(), limit).await?))
}

/// One body, as `muster replay` reads it.
#[utoipa::path(
    get, path = "/api/v1/received/{id}", params(("id" = String, Path, description = "Its id in the list")),
    responses((status = 200, body = ReceivedBody), (status = 404, body = Problem)),
)]
pub(crate) async fn show(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Json<ReceivedBody>, Problem> {
    Ok(Json(client.app.received_body(&id).await?))
}
