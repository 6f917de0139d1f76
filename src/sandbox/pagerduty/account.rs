//! The data of the pretend PagerDuty.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// An incident in the pager.
#[derive(Debug, Clone)]
pub struct PdIncident {
    pub id: String,
    pub number: usize,
    pub dedup_key: String,
    pub routing_key: String,
    pub title: String,
    pub severity: String,
    /// `triggered`, `acknowledged` or `resolved`.
    pub status: String,
    /// How many triggers it took in. It is still one page.
    pub triggers: usize,
    pub details: Value,
    pub at: DateTime<Utc>,
    pub html_url: String,
}

/// A request to the REST API.
#[derive(Debug, Clone)]
pub struct RestCall {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
    /// The address of the user in whose name it was made.
    pub from: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) body: String,
}

pub(crate) struct Account {
    pub(crate) incidents: Vec<PdIncident>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) last: Option<Webhook>,
    pub(crate) sent: usize,
    /// By schedule: name and address of who is on call.
    pub(crate) schedules: BTreeMap<String, Vec<(String, String)>>,
    pub(crate) users: Vec<(String, String)>,
    pub(crate) services: Vec<String>,
    /// The changes that were requested through the REST API.
    pub(crate) rest_calls: Vec<RestCall>,
}

impl Account {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn tell(&mut self, index: usize, event: &str, agent: Option<&str>, now: DateTime<Utc>) {
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
