//! Events API v2: trigger, acknowledge, resolve. The routing key in the body is the credential, so bodies are never logged.
//! <https://developer.pagerduty.com/docs/events-api-v2-overview>

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;

use super::failure::{PagerError, retry_after, verdict};
use crate::domain::{Level, Time};

/// PagerDuty's limit for a summary, in characters. A longer one is refused with 400, and the page is lost.
const MAX_SUMMARY: usize = 1024;
/// PagerDuty's limit for a whole event, in bytes.
const MAX_EVENT: usize = 512_000;

#[derive(Debug, Clone, PartialEq)]
pub enum PagerEvent {
    Trigger(Trigger),
    Acknowledge,
    Resolve,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// One line. It is cut to PagerDuty's limit.
    pub summary: String,
    /// The asset, or the incident.
    pub source: String,
    pub level: Level,
    pub at: Time,
    pub class: String,
    pub component: Option<String>,
    /// More details, shown as they are.
    pub details: Value,
    pub link: Option<String>,
}

#[serde_with::skip_serializing_none]
#[derive(Serialize)]
struct Body<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: &'a str,
    client: Option<&'static str>,
    client_url: Option<&'a str>,
    payload: Option<Payload<'a>>,
}

#[derive(Serialize)]
struct Payload<'a> {
    summary: String,
    source: &'a str,
    severity: &'static str,
    timestamp: String,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'a str>,
    custom_details: &'a Value,
}

pub struct PagerDutyEvents {
    http: reqwest::Client,
    url: String,
}

impl PagerDutyEvents {
    /// A client for a region's base address.
    pub fn new(base: &str, timeout: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, url: format!("{}/v2/enqueue", base.trim_end_matches('/')) })
    }

    /// Sends an event. Success means that PagerDuty accepted it, not that somebody was notified.
    pub async fn send(&self, key: &SecretString, dedup_key: &str, event: &PagerEvent) -> Result<(), PagerError> {
        let answer = self.http.post(&self.url).json(&body(key.expose_secret(), dedup_key, event)).send().await;
        let answer = answer.map_err(|error| PagerError::unsent(&error))?;
        let (status, after) = (answer.status().as_u16(), retry_after(&answer));
        verdict(status, after, &answer.json().await.unwrap_or_default())
    }
}

fn body(routing_key: &str, dedup_key: &str, event: &PagerEvent) -> Value {
    let event_action = match event {
        PagerEvent::Trigger(_) => "trigger",
        PagerEvent::Acknowledge => "acknowledge",
        PagerEvent::Resolve => "resolve",
    };
    let trigger = match event {
        PagerEvent::Trigger(trigger) => Some(trigger),
        _ => None,
    };
    let payload = |details| {
        trigger.map(|trigger| Payload {
            summary: trigger.summary.chars().take(MAX_SUMMARY).collect(),
            source: &trigger.source,
            severity: trigger.level.as_str(),
            timestamp: trigger.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            class: &trigger.class,
            component: trigger.component.as_deref(),
            custom_details: details,
        })
    };
    let whole = |details| {
        let body = Body {
            routing_key,
            event_action,
            dedup_key,
            client: trigger.map(|_| "Muster"),
            client_url: trigger.and_then(|trigger| trigger.link.as_deref()),
            payload: payload(details),
        };
        serde_json::to_value(body).unwrap_or_default()
    };
    let nothing = Value::Null;
    let event = whole(trigger.map_or(&nothing, |trigger| &trigger.details));
    if event.to_string().len() <= MAX_EVENT {
        return event;
    }
    whole(&serde_json::json!({"note": "the details were too large for PagerDuty; they are in the incident's channel"}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_summary_is_cut_on_a_character() {
        let event = PagerEvent::Trigger(Trigger {
            summary: "é".repeat(2000),
            source: "s".to_owned(),
            level: Level::Critical,
            at: chrono::DateTime::UNIX_EPOCH,
            class: "freshness".to_owned(),
            component: None,
            details: serde_json::json!({"big": "x".repeat(600_000)}),
            link: None,
        });
        let body = body("k", "d", &event);
        assert_eq!(
            body.pointer("/payload/summary").and_then(Value::as_str).map(|text| text.chars().count()),
            Some(1024)
        );
        assert!(body.to_string().len() < MAX_EVENT);
    }
}
