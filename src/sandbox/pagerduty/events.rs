//! The Events API v2, with its dedup keys.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::account::PdIncident;
use super::rest;
use crate::sandbox::world::Shared;

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/v2/enqueue", post(enqueue)).route("/v2/change/enqueue", post(change)).merge(rest::router())
}

fn invalid(errors: &[String]) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})),
    )
        .into_response()
}

fn accepted(key: &str) -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Event processed", "dedup_key": key})))
        .into_response()
}

async fn change(body: Bytes) -> Response {
    match serde_json::from_slice::<Value>(&body) {
        Ok(body) if body.pointer("/payload/summary").is_some() => {
            (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Change event processed"})))
                .into_response()
        }
        _ => invalid(&["'payload.summary' is missing or blank".to_owned()]),
    }
}

async fn enqueue(State(shared): State<Shared>, body: Bytes) -> Response {
    if body.len() > 512 * 1024 {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return invalid(&["the body is not JSON".to_owned()]);
    };
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (action, routing_key, key) = (text("/event_action"), text("/routing_key"), text("/dedup_key"));
    let mut errors = Vec::new();
    if routing_key.chars().count() != 32 {
        errors.push("'routing_key' must be 32 characters long".to_owned());
    }
    match action.as_str() {
        "trigger" => {
            for name in ["summary", "source", "severity"] {
                if text(&format!("/payload/{name}")).is_empty() {
                    errors.push(format!("'payload.{name}' is missing or blank"));
                }
            }
            if text("/payload/summary").chars().count() > 1024 {
                errors.push("'summary' is too long (maximum is 1024 characters)".to_owned());
            }
        }
        "acknowledge" | "resolve" if key.is_empty() => {
            errors.push("'dedup_key' is missing or blank".to_owned());
        }
        "acknowledge" | "resolve" => {}
        _ => errors.push("'event_action' is invalid".to_owned()),
    }
    if key.chars().count() > 255 {
        errors.push("'dedup_key' is too long (maximum is 255 characters)".to_owned());
    }
    if !errors.is_empty() {
        return invalid(&errors);
    }
    let mut world = shared.lock();
    let now = (world.config.now)();
    // An event with an unknown integration key is accepted and dropped, as in the real service.
    if !world.config.routing_keys.contains(&routing_key) {
        return accepted(&key);
    }
    let base = world.base.clone();
    let account = &mut world.pagerduty;
    let open = account
        .incidents
        .iter()
        .position(|one| one.dedup_key == key && one.routing_key == routing_key && one.status != "resolved");
    match (action.as_str(), open) {
        ("trigger", Some(index)) => account.incidents[index].triggers += 1,
        ("trigger", None) => {
            let number = account.incidents.len() + 1;
            let key = if key.is_empty() { format!("random-{number}") } else { key.clone() };
            account.incidents.push(PdIncident {
                id: format!("PDINC{number:02}"),
                number,
                dedup_key: key,
                routing_key,
                title: text("/payload/summary"),
                severity: text("/payload/severity"),
                status: "triggered".to_owned(),
                triggers: 1,
                details: event.pointer("/payload/custom_details").cloned().unwrap_or_default(),
                at: now,
                html_url: format!("{base}/pagerduty/incidents/PDINC{number:02}"),
            });
            account.tell(number - 1, "triggered", None, now);
        }
        ("acknowledge", Some(index)) if account.incidents[index].status == "triggered" => {
            "acknowledged".clone_into(&mut account.incidents[index].status);
            account.tell(index, "acknowledged", None, now);
        }
        ("resolve", Some(index)) => {
            "resolved".clone_into(&mut account.incidents[index].status);
            account.tell(index, "resolved", None, now);
        }
        _ => {}
    }
    accepted(&key)
}
