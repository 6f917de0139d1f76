//! Monitors: `POST /hooks/{source}` and PagerDuty's `POST /v2/enqueue`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::{Doors, Problem};
use crate::app::triage::Placed;
use crate::config::{Source, SourceKind};
use crate::intake::{self, Unreadable, Unusable, pagerduty_v2};
use crate::telemetry::RejectedLabels;

/// The answer to a monitor: what became of each alert, and what could not be used.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Received {
    alerts: Vec<Placed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    refused: Vec<Unusable>,
}

/// Compares in constant time; the length of a token is no secret.
pub(crate) fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// Takes alerts in. 202 means that they are on disk.
#[utoipa::path(
    post, path = "/hooks/{source}", params(("source" = String, Path, description = "The name of a configured source")),
    request_body(content = Object, description = "A body of the source's kind"),
    responses(
        (status = 202, description = "Taken in; what became of each alert", body = Received),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or another one", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not of this kind, or nothing in it could be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was saved; send it again", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn receive(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let source = authorised(&doors, &name, &headers)?;
    let body = intake::json(&body?).map_err(|error| unreadable(&error))?;
    let now = doors.app.now();
    let reading = match source.kind {
        SourceKind::Alertmanager => intake::alertmanager::read(&name, &body, now),
        SourceKind::Generic => intake::generic::read(&name, &body, source.mapping.as_ref(), now),
        SourceKind::PagerdutyV2 => {
            Err(Unreadable::WrongShape("this source posts to /v2/enqueue, with its token as routing key".to_owned()))
        }
    };
    let reading = reading.map_err(|error| unreadable(&error))?;
    if reading.signals.is_empty() && !reading.unusable.is_empty() {
        let first = &reading.unusable[0];
        let place = if first.at.is_empty() { String::new() } else { format!(" at {}", first.at) };
        return Err(Problem::new(
            422,
            format!("None of {} alerts could be used; the first{place}: {}", reading.unusable.len(), first.why),
        ));
    }
    let alerts = doors.app.receive(reading.signals).await?;
    Ok((StatusCode::ACCEPTED, Json(Received { alerts, refused: reading.unusable })).into_response())
}

fn authorised<'a>(doors: &'a Doors, name: &str, headers: &HeaderMap) -> Result<&'a Source, Problem> {
    let config = &doors.app.config;
    let rejected = |detail: &str| {
        doors.app.metrics.rejected.get_or_create(&RejectedLabels { kind: "source" }).inc();
        Problem::new(401, detail)
    };
    let given =
        bearer(headers).ok_or_else(|| rejected("Send the source's token in the header `Authorization: Bearer …`"))?;
    let source = config.sources.iter().find(|source| source.name == name);
    let token = config.secrets.source_tokens.get(name);
    match (source, token) {
        (Some(source), Some(token)) if same(given, token.expose_secret()) => Ok(source),
        // An unknown source and a wrong token look the same, so that names cannot be guessed.
        _ => Err(rejected("There is no source of this name with this token")),
    }
}

fn unreadable(error: &Unreadable) -> Problem {
    match error {
        Unreadable::NotJson(_) => Problem::new(400, error.to_string()),
        Unreadable::WrongShape(_) => Problem::new(422, error.to_string()),
    }
}

/// As PagerDuty's Events API v2, with a source's token as routing key. Answers in PagerDuty's own words.
pub(crate) async fn enqueue(State(doors): State<Doors>, body: Result<Bytes, BytesRejection>) -> Response {
    let invalid = |errors: Vec<String>| {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})),
        )
            .into_response()
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::from(rejection).into_response(),
    };
    let Ok(body) = intake::json(&body) else {
        return invalid(vec!["the body is not JSON".to_owned()]);
    };
    let config = &doors.app.config;
    let given = pagerduty_v2::routing_key(&body).unwrap_or_default();
    let source = config.sources.iter().filter(|source| source.kind == SourceKind::PagerdutyV2).find(|source| {
        config.secrets.source_tokens.get(&source.name).is_some_and(|token| same(given, token.expose_secret()))
    });
    let Some(source) = source else {
        doors.app.metrics.rejected.get_or_create(&RejectedLabels { kind: "source" }).inc();
        return invalid(vec![
            "'routing_key' is invalid: there is no source of kind pagerduty_v2 with this token".to_owned(),
        ]);
    };
    let event = match pagerduty_v2::read(&source.name, &body, doors.app.now()) {
        Ok(event) => event,
        Err(errors) => return invalid(errors),
    };
    let key = pagerduty_v2::dedup_key(&event).to_owned();
    if let pagerduty_v2::Event::Signal(signal) = event
        && let Err(failure) = doors.app.receive(vec![*signal]).await
    {
        return Problem::from(failure).into_response();
    }
    (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Event processed", "dedup_key": key})))
        .into_response()
}
