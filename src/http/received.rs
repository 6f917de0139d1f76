//! What monitors posted, redacted: without secrets, SQL and rows. `muster replay` reads it.

use axum::Json;
use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::doors::{ApiClient, Read};
use crate::domain::Time;
use crate::monitors::redact::unpacked;
use crate::records::Bodies;
use crate::store::{Id, Range};

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReceivedQuery {
    after: Option<String>,
    /// How many at most, 1 to 500; without it, 100.
    limit: Option<usize>,
}

/// One body that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceivedLine {
    id: String,
    source: String,
    #[schema(value_type = DateTime)]
    at: Time,
}

/// A page of bodies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceivedPage {
    received: Vec<ReceivedLine>,
    /// Give this as `after` for the next page.
    next_after: Option<String>,
}

/// A body as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceivedBody {
    source: String,
    #[schema(value_type = DateTime)]
    at: Time,
    /// As the monitor sent it, so its form is the monitor's. Secrets, SQL and rows are left out.
    body: Value,
}

/// The bodies that are kept, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/received", params(ReceivedQuery), security(("bearer" = ["read"])),
    responses((status = 200, body = ReceivedPage), (status = 401, body = Problem)),
)]
pub(crate) async fn list(
    client: ApiClient<Read>,
    Query(query): Query<ReceivedQuery>,
) -> Result<Json<ReceivedPage>, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    // Write out waiting bodies, so that the newest are shown too.
    client.app.keep_bodies().await?;
    let range = match query.after.as_deref().map(place) {
        // The rest of its block, and the blocks after it.
        Some((block, _)) => Range::<Bodies>::all().starting(&block),
        None => Range::all(),
    };
    let blocks = client.app.store.scan(&range, limit).await.map_err(crate::app::Failure::from)?;
    let after = query.after.as_deref().map(place);
    let all = blocks
        .records
        .iter()
        .flat_map(|block| block.value.bodies.iter().enumerate().map(move |(number, body)| (&block.id, number, body)));
    let mut page: Vec<_> = all
        .filter(|(block, number, _)| after.as_ref().is_none_or(|after| (*block, *number) > (&after.0, after.1)))
        .take(limit + 1)
        .collect();
    let more = page.len() > limit || blocks.next.is_some();
    page.truncate(limit);
    let id = |block: &Id<Bodies>, number: usize| format!("{block}.{number}");
    let next = page.last().filter(|_| more).map(|(block, number, _)| id(block, *number));
    let received: Vec<_> = page
        .iter()
        .map(|(block, number, body)| ReceivedLine { id: id(block, *number), source: body.source.clone(), at: body.at })
        .collect();
    Ok(Json(ReceivedPage { received, next_after: next }))
}

/// The block, and the place in it, that an id names. The oldest blocks held one body, and their ids name no place.
fn place(id: &str) -> (Id<Bodies>, usize) {
    match id.rsplit_once('.') {
        Some((block, number)) => (Id::new(block), number.parse().unwrap_or_default()),
        None => (Id::new(id), 0),
    }
}

/// One body, as `muster replay` reads it.
#[utoipa::path(
    get, path = "/api/v1/received/{id}", params(("id" = String, Path, description = "Its id in the list")), security(("bearer" = ["read"])),
    responses((status = 200, body = ReceivedBody), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn show(client: ApiClient<Read>, Path(id): Path<String>) -> Result<Json<ReceivedBody>, Problem> {
    client.app.keep_bodies().await?;
    let (block, number) = place(&id);
    let block = client.app.store.value(&block).await.map_err(crate::app::Failure::from)?;
    let missing = || Problem::new(404, "There is no such body, or it was deleted because of its age");
    let kept = block.and_then(|block| block.bodies.into_iter().nth(number)).ok_or_else(missing)?;
    let body = unpacked(&kept.body).ok_or_else(missing)?;
    Ok(Json(ReceivedBody { source: kept.source, at: kept.at, body }))
}
