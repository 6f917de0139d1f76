//! A pretend PagerDuty: the Events API v2 with its dedup, and signed webhooks v3 when the pager's state changes. Its REST API is
//! `pagerduty_rest`'s.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router, body::Bytes};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::pagerduty_rest::RestCall;
use super::{Answer, SandboxConfig, Shared, hmac_hex};

/// An incident in the pager.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "PagerDuty's own words")]
pub struct PdIncident {
    pub id: String,
    pub number: usize,
    pub dedup_key: String,
    pub routing_key: String,
    pub title: String,
    pub severity: String,
    /// `triggered`, `acknowledged` or `resolved`.
    pub status: String,
    /// How many triggers it took in; one page all the same.
    pub triggers: usize,
    pub details: Value,
    pub at: DateTime<Utc>,
    pub html_url: String,
}

#[derive(Debug, Clone)]
pub(super) struct Webhook {
    id: String,
    body: String,
}

pub(super) struct Account {
    pub(super) incidents: Vec<PdIncident>,
    pub(super) webhooks: Vec<Webhook>,
    last: Option<Webhook>,
    sent: usize,
    /// By schedule: name and address of who is on call.
    pub(super) schedules: BTreeMap<String, Vec<(String, String)>>,
    /// Everybody's name and address.
    pub(super) users: Vec<(String, String)>,
    /// The ids of services.
    pub(super) services: Vec<String>,
    /// What was asked to be changed through the REST API.
    pub(super) rest_calls: Vec<RestCall>,
}

impl Account {
    pub(super) fn new(_: &SandboxConfig) -> Self {
        Self {
            incidents: Vec::new(),
            webhooks: Vec::new(),
            last: None,
            sent: 0,
            schedules: BTreeMap::new(),
            users: Vec::new(),
            services: Vec::new(),
            rest_calls: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, index: usize, event: &str, agent: Option<&str>, now: DateTime<Utc>) {
        self.sent += 1;
        let Some(incident) = self.incidents.get(index) else {
            return;
        };
        let id = format!("01PDWEBHOOK{:06}", self.sent);
        let agent = agent.map(
            |name| json!({"id": "PAGENT1", "type": "user_reference", "summary": name, "html_url": null, "self": null}),
        );
        let body = json!({"event": {
            "id": id, "event_type": format!("incident.{event}"), "resource_type": "incident",
            "occurred_at": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "agent": agent, "client": null,
            "data": {
                "id": incident.id, "type": "incident", "self": null, "html_url": incident.html_url, "number": incident.number,
                "status": incident.status, "incident_key": incident.dedup_key, "title": incident.title,
                "urgency": if matches!(incident.severity.as_str(), "critical" | "error") { "high" } else { "low" },
                "created_at": incident.at, "assignees": [], "teams": [], "priority": null,
            },
        }});
        let webhook = Webhook { id, body: body.to_string() };
        self.last = Some(webhook.clone());
        self.webhooks.push(webhook);
    }
}

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v2/enqueue", post(enqueue))
        .route("/v2/change/enqueue", post(change))
        .merge(super::pagerduty_rest::router())
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
    // An unknown integration key is accepted and goes nowhere, as in the real service.
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

/// Sends a webhook; whether PagerDuty is done with it. 4xx but 429 is dropped at once; everything else that is no success
/// is sent again later, for 48 hours in the real service, and later news waits behind it.
pub(super) async fn deliver(shared: &Shared, webhook: &Webhook, twice: bool) -> bool {
    for _ in 0..if twice { 2 } else { 1 } {
        let mut settled = false;
        for _ in 0..4 {
            let status = post_webhook(shared, webhook).await.status;
            settled = (200..300).contains(&status) || ((400..500).contains(&status) && status != 429);
            if settled {
                break;
            }
        }
        if !settled {
            return false;
        }
    }
    true
}

async fn post_webhook(shared: &Shared, webhook: &Webhook) -> Answer {
    let signature = sign(shared, &webhook.body);
    let headers =
        [("content-type", "application/json"), ("x-pagerduty-signature", &signature), ("x-webhook-id", &webhook.id)];
    shared
        .send(
            "/pagerduty/webhooks",
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            webhook.body.clone(),
        )
        .await
}

fn sign(shared: &Shared, body: &str) -> String {
    let secret = shared.lock().config.pagerduty_webhook_secret.clone();
    // During a rotation there are two; the first is of the secret that is going out.
    format!("v1={},v1={}", hmac_hex("the-secret-before", &[body.as_bytes()]), hmac_hex(&secret, &[body.as_bytes()]))
}

/// The pager, as its people use it.
pub struct PagerDuty(pub(super) Shared);

impl PagerDuty {
    /// All incidents there.
    pub fn incidents(&self) -> Vec<PdIncident> {
        self.0.lock().pagerduty.incidents.clone()
    }

    /// Somebody is on call on a schedule, by name and address.
    pub fn on_call(&self, schedule: &str, people: &[(&str, &str)]) {
        let people = people.iter().map(|(name, email)| ((*name).to_owned(), (*email).to_owned())).collect();
        self.0.lock().pagerduty.schedules.insert(schedule.to_owned(), people);
    }

    /// Somebody has an account, and an address.
    pub fn add_user(&self, name: &str, email: &str) {
        self.0.lock().pagerduty.users.push((name.to_owned(), email.to_owned()));
    }

    /// There is a service.
    pub fn add_service(&self, id: &str) {
        self.0.lock().pagerduty.services.push(id.to_owned());
    }

    /// What was asked to be changed through the REST API.
    pub fn rest_calls(&self) -> Vec<RestCall> {
        self.0.lock().pagerduty.rest_calls.clone()
    }

    /// How often somebody was really notified.
    pub fn pages(&self) -> usize {
        self.0.lock().pagerduty.incidents.len()
    }

    /// By key, how many incidents there ever were: more than one is a page sent twice.
    pub fn pages_by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for incident in self.incidents() {
            *counts.entry(incident.dedup_key).or_default() += 1;
        }
        counts
    }

    /// Somebody acknowledges in the pager.
    pub fn acknowledge(&self, key: &str, by: &str) {
        self.change(key, "acknowledged", by);
    }

    /// Somebody resolves in the pager.
    pub fn resolve(&self, key: &str, by: &str) {
        self.change(key, "resolved", by);
    }

    fn change(&self, key: &str, status: &str, by: &str) {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let account = &mut world.pagerduty;
        let open = |incident: &PdIncident| {
            incident.dedup_key == key && incident.status != "resolved" && incident.status != status
        };
        if let Some(index) = account.incidents.iter().rposition(open) {
            status.clone_into(&mut account.incidents[index].status);
            account.tell(index, status, Some(by), now);
        }
    }

    /// The last webhook once more, as after an answer that was lost.
    pub fn redeliver_last(&self) {
        let mut world = self.0.lock();
        if let Some(last) = world.pagerduty.last.clone() {
            world.pagerduty.webhooks.push(last);
        }
    }

    /// A webhook with any headers.
    pub async fn raw_webhook(&self, body: String, headers: Vec<(String, String)>) -> Answer {
        self.0.send("/pagerduty/webhooks", headers, body).await
    }

    /// The right signature for a body.
    pub fn sign(&self, body: &str) -> String {
        sign(&self.0, body)
    }
}
