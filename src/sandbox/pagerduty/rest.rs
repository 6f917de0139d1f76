//! The REST API: who is on call, people by their address, and incidents for one person.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::account::{PdIncident, RestCall};
use crate::sandbox::world::{Shared, World};

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/oncalls", get(on_calls))
        .route("/users", get(users))
        .route("/incidents", get(incidents).post(open))
        .route("/incidents/{id}", put(change))
}

fn error(status: StatusCode, code: u32, message: &str, errors: &[&str]) -> Response {
    (status, Json(json!({"error": {"message": message, "code": code, "errors": errors}}))).into_response()
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Accepts only the REST token.
fn refusal(world: &World, headers: &HeaderMap) -> Option<Response> {
    if header(headers, "authorization") == format!("Token token={}", world.config.pagerduty_api_token) {
        return None;
    }
    Some((StatusCode::UNAUTHORIZED, Json(json!({"error": {"message": "Unauthorized", "code": 2006}}))).into_response())
}

fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query.unwrap_or_default()).unwrap_or_default()
}

async fn on_calls(State(shared): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let world = shared.lock();
    if let Some(refusal) = refusal(&world, &headers) {
        return refusal;
    }
    let pairs = pairs(query.as_deref());
    let asked = pairs.iter().filter(|(key, _)| key == "schedule_ids[]").map(|(_, id)| id);
    let with_users = pairs.iter().any(|(key, value)| key == "include[]" && value == "users");
    let mut calls = Vec::new();
    for id in asked {
        let Some(people) = world.pagerduty.schedules.get(id) else {
            return error(StatusCode::NOT_FOUND, 2100, "Not Found", &[]);
        };
        calls.extend(people.iter().enumerate().map(|(place, (name, email))| {
            let mut user = json!({"id": format!("PUSER{place}"), "type": "user_reference", "summary": name, "self": null, "html_url": null});
            if with_users {
                user["type"] = json!("user");
                user["name"] = json!(name);
                user["email"] = json!(email);
            }
            json!({"user": user, "schedule": {"id": id, "type": "schedule_reference"}, "escalation_level": 1, "start": null, "end": null})
        }));
    }
    Json(json!({"oncalls": calls, "limit": 100, "offset": 0, "more": false, "total": null})).into_response()
}

/// Filters by a part of the name or address, as the real API does.
async fn users(State(shared): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let world = shared.lock();
    if let Some(refusal) = refusal(&world, &headers) {
        return refusal;
    }
    let pairs = pairs(query.as_deref());
    let wanted =
        pairs.iter().find(|(key, _)| key == "query").map(|(_, value)| value.to_lowercase()).unwrap_or_default();
    let found: Vec<Value> = world
        .pagerduty
        .users
        .iter()
        .enumerate()
        .filter(|(_, (name, email))| name.to_lowercase().contains(&wanted) || email.to_lowercase().contains(&wanted))
        .map(|(place, (name, email))| json!({"id": format!("PUSER{place}"), "type": "user", "name": name, "email": email}))
        .collect();
    Json(json!({"users": found, "limit": 100, "offset": 0, "more": false, "total": null})).into_response()
}

fn shown(incident: &PdIncident) -> Value {
    json!({
        "id": incident.id, "type": "incident", "incident_number": incident.number, "incident_key": incident.dedup_key,
        "title": incident.title, "status": incident.status, "html_url": incident.html_url,
    })
}

async fn incidents(State(shared): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let world = shared.lock();
    if let Some(refusal) = refusal(&world, &headers) {
        return refusal;
    }
    let pairs = pairs(query.as_deref());
    let all =
        |name: &str| pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let (keys, statuses) = (all("incident_key"), all("statuses[]"));
    let found: Vec<Value> = world
        .pagerduty
        .incidents
        .iter()
        .filter(|one| keys.is_empty() || keys.contains(&one.dedup_key.as_str()))
        .filter(|one| statuses.is_empty() || statuses.contains(&one.status.as_str()))
        .map(shown)
        .collect();
    Json(json!({"incidents": found, "limit": 25, "offset": 0, "more": false, "total": null})).into_response()
}

async fn open(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut world = shared.lock();
    if let Some(refusal) = refusal(&world, &headers) {
        return refusal;
    }
    let (now, base, from) = ((world.config.now)(), world.base.clone(), header(&headers, "from"));
    let account = &mut world.pagerduty;
    account.rest_calls.push(RestCall {
        method: "post",
        path: "/incidents".to_owned(),
        body: body.clone(),
        from: from.clone(),
    });
    // The address must belong to a person in the account.
    if !account.users.iter().any(|(_, email)| *email == from) {
        return error(StatusCode::BAD_REQUEST, 2001, "Invalid Input Provided", &["Requester User Not Found"]);
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (key, service) = (text("/incident/incident_key"), text("/incident/service/id"));
    if !account.services.contains(&service) {
        return error(StatusCode::BAD_REQUEST, 2001, "Invalid Input Provided", &["Service cannot be found"]);
    }
    if account.incidents.iter().any(|one| one.dedup_key == key && one.status != "resolved") {
        let why = "Open incident with matching dedup key already exists on this service";
        return error(StatusCode::BAD_REQUEST, 2002, "Arguments Caused Error", &[why]);
    }
    let number = account.incidents.len() + 1;
    account.incidents.push(PdIncident {
        id: format!("PDINC{number:02}"),
        number,
        dedup_key: key,
        routing_key: service,
        title: text("/incident/title"),
        severity: "critical".to_owned(),
        status: "triggered".to_owned(),
        triggers: 1,
        details: json!({"assigned": text("/incident/assignments/0/assignee/id"), "body": text("/incident/body/details")}),
        at: now,
        html_url: format!("{base}/pagerduty/incidents/PDINC{number:02}"),
    });
    account.tell(number - 1, "triggered", None, now);
    let answer = account.incidents.last().map(shown);
    (StatusCode::CREATED, Json(json!({"incident": answer}))).into_response()
}

async fn change(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut world = shared.lock();
    if let Some(refusal) = refusal(&world, &headers) {
        return refusal;
    }
    let (now, from) = ((world.config.now)(), header(&headers, "from"));
    let account = &mut world.pagerduty;
    account.rest_calls.push(RestCall { method: "put", path: "/incidents/{id}".to_owned(), body: body.clone(), from });
    let wanted = body.pointer("/incident/status").and_then(Value::as_str).unwrap_or_default();
    let Some(index) = account.incidents.iter().position(|one| one.id == id) else {
        return error(StatusCode::NOT_FOUND, 2100, "Not Found", &[]);
    };
    if account.incidents[index].status == "resolved" {
        return error(StatusCode::BAD_REQUEST, 2001, "Invalid Input Provided", &["Incident Already Resolved"]);
    }
    wanted.clone_into(&mut account.incidents[index].status);
    account.tell(index, wanted, None, now);
    Json(json!({"incident": shown(&account.incidents[index])})).into_response()
}
