//! Heartbeats, and silences for programs: a deployment that hides what it breaks on purpose.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::api::authorise;
use super::hooks::authorise_source;
use super::{AppState, Problem};
use crate::domain::Time;
use crate::domain::suppression::{Matcher, Silence};
use crate::store::Batch;

/// A job or table gives a sign of life.
#[utoipa::path(
    post, path = "/hooks/{source}/heartbeat/{name}",
    params(("source" = String, Path, description = "A configured source"), ("name" = String, Path, description = "One of its heartbeats")),
    responses((status = 202, description = "Heard; when the next one is due at the latest", body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
    security(("bearer" = [])),
)]
pub(crate) async fn heartbeat(
    State(doors): State<AppState>,
    Path((source, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), Problem> {
    authorise_source(&doors.app, &source, query.as_deref(), &headers)?;
    let due = doors.app.beat(&source, &name).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"next_due": due}))))
}

fn shown(silence: &Silence) -> Value {
    json!({
        "id": silence.number, "match": silence.matcher.to_string(), "from": silence.from, "until": silence.until,
        "reason": silence.reason, "owner": silence.owner,
    })
}

/// The silences that hold, or will.
#[utoipa::path(
    get, path = "/api/v1/silences", security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem)),
)]
pub(crate) async fn silences(State(doors): State<AppState>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    let silences: Vec<_> = doors.app.silences().iter().map(shown).collect();
    Ok(Json(json!({"silences": silences})))
}

/// A silence to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilence {
    /// Which alerts: `asset=warehouse.orders* pillar=freshness`.
    #[serde(rename = "match")]
    matcher: String,
    /// From when; from now on without.
    #[schema(value_type = Option<String>, example = "2026-11-23T06:00:00Z")]
    from: Option<Time>,
    /// Until when.
    #[schema(value_type = String, example = "2026-11-23T08:00:00Z")]
    until: Time,
    /// Why.
    reason: String,
    /// Who answers for it.
    owner: String,
}

/// Makes a silence; durable when it answers.
#[utoipa::path(
    post, path = "/api/v1/silences", request_body = NewSilence, security(("bearer" = [])),
    responses((status = 201, body = Object), (status = 401, body = Problem), (status = 422, body = Problem)),
)]
pub(crate) async fn make_silence(
    State(doors): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    authorise(&doors, &headers)?;
    let asked: NewSilence =
        serde_json::from_slice(&body?).map_err(|error| Problem::new(422, format!("This is no silence: {error}")))?;
    let matcher = Matcher::parse(&asked.matcher).map_err(|error| Problem::new(422, error.to_string()))?;
    let from = asked.from.unwrap_or_else(|| doors.app.now());
    if asked.owner.trim().is_empty() {
        return Err(Problem::new(422, "A silence has an owner, whom people can ask"));
    }
    let owner = asked.owner.trim().to_owned();
    let silence = Silence { number: 0, matcher, from, until: asked.until, reason: asked.reason, owner };
    let silence = doors.app.silence(silence, None, Batch::new()).await?;
    Ok((StatusCode::CREATED, Json(shown(&silence))))
}

/// Ends a silence now.
#[utoipa::path(
    delete, path = "/api/v1/silences/{id}", params(("id" = u64, Path, description = "Its number")), security(("bearer" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
pub(crate) async fn end_silence(
    State(doors): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Problem> {
    authorise(&doors, &headers)?;
    Ok(Json(shown(&doors.app.unsilence(id).await?)))
}
