//! Silences for programs, such as a deployment that breaks something on purpose.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problem;
use super::doors::{ApiClient, Read, Write};
use crate::domain::Time;
use crate::domain::matcher::Matcher;
use crate::domain::silence::Silence;
use crate::store::Batch;

/// A silence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    /// Its number.
    id: u64,
    /// Which alerts it hides.
    #[serde(rename = "match")]
    matcher: String,
    /// When it begins.
    #[schema(value_type = DateTime)]
    from: Time,
    /// When it ends.
    #[schema(value_type = DateTime)]
    until: Time,
    /// Why.
    reason: String,
    /// Its owner: a person's id in Slack, or a name.
    owner: String,
}

impl From<&Silence> for SilenceView {
    fn from(silence: &Silence) -> Self {
        Self {
            id: silence.number,
            matcher: silence.matcher.to_string(),
            from: silence.from,
            until: silence.until,
            reason: silence.reason.clone(),
            owner: silence.owner.clone(),
        }
    }
}

/// All silences that hold now or later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Silences {
    silences: Vec<SilenceView>,
}

/// The silences that hold now or later.
#[utoipa::path(
    get, path = "/api/v1/silences",
    responses((status = 200, body = Silences)),
)]
pub(crate) async fn silences(client: ApiClient<Read>) -> Json<Silences> {
    Json(Silences { silences: client.app.silences().iter().map(SilenceView::from).collect() })
}

/// A silence to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilence {
    /// Which alerts: `asset=warehouse.orders* pillar=freshness`.
    #[serde(rename = "match")]
    matcher: String,
    /// When it begins; without it, now.
    #[schema(value_type = Option<DateTime>)]
    from: Option<Time>,
    /// When it ends.
    #[schema(value_type = DateTime)]
    until: Time,
    /// Why.
    reason: String,
    /// Its owner.
    owner: String,
}

/// Makes a silence. It is durable when this answers.
#[utoipa::path(
    post, path = "/api/v1/silences", request_body = NewSilence,
    responses((status = 201, body = SilenceView), (status = 422, body = Problem)),
)]
pub(crate) async fn make_silence(
    client: ApiClient<Write>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<SilenceView>), Problem> {
    let asked: NewSilence =
        crate::body::json(&body?).map_err(|error| Problem::new(422, format!("This is not a silence: {error}")))?;
    let matcher = Matcher::parse(&asked.matcher).map_err(|error| Problem::new(422, error.to_string()))?;
    let from = asked.from.unwrap_or_else(|| client.app.now());
    if asked.owner.trim().is_empty() {
        return Err(Problem::new(422, "A silence needs an owner, so that people can ask somebody"));
    }
    let owner = asked.owner.trim().to_owned();
    let silence = Silence { number: 0, matcher, from, until: asked.until, reason: asked.reason, owner };
    let silence = client.app.silence(silence, None, Batch::new()).await?;
    tracing::info!(silence = silence.number, token = client.name, "a silence was made by the API");
    Ok((StatusCode::CREATED, Json(SilenceView::from(&silence))))
}

/// Ends a silence now.
#[utoipa::path(
    delete, path = "/api/v1/silences/{id}", params(("id" = u64, Path, description = "Its number")),
    responses((status = 200, body = SilenceView), (status = 404, body = Problem)),
)]
pub(crate) async fn end_silence(client: ApiClient<Write>, Path(id): Path<u64>) -> Result<Json<SilenceView>, Problem> {
    let silence = client.app.unsilence(id).await?;
    tracing::info!(silence = id, token = client.name, "a silence was ended by the API");
    Ok(Json(SilenceView::from(&silence)))
}
