//! Trigger, acknowledge and resolve of PagerDuty's Events API v2, for tools that know no other format.

use serde_json::Value;

use super::reading::key_of;
use super::vocabulary::Words;
use super::{Known, clean, labelled, labels, time, word};
use crate::config::Source;
use crate::domain::lineage::{Change, ChangeKind};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something is broken, or good again.
    Signal(Box<Signal>),
    /// Somebody acknowledged it. Muster does nothing with that.
    Acknowledge { dedup_key: String },
}

pub fn read(source: &Source, body: &Value, now: Time, known: &dyn Known) -> Result<Event, Vec<String>> {
    let words = Words { own: &source.words, known };
    let key = super::reading::key(body.get("dedup_key"));
    let action = body["event_action"].as_str().unwrap_or_default();
    let payload = &body["payload"];
    match action {
        "acknowledge" => key.map(|dedup_key| Event::Acknowledge { dedup_key }).ok_or_else(|| missing("dedup_key")),
        "resolve" => key.map(|key| resolved(source, &key, now)).ok_or_else(|| missing("dedup_key")),
        "trigger" => {
            let mut errors = Vec::new();
            let mut need = |name: &str| {
                word(payload.get(name)).unwrap_or_else(|| {
                    errors.push(format!("'payload.{name}' is missing or blank"));
                    String::new()
                })
            };
            let (summary, payload_source, severity) = (need("summary"), need("source"), need("severity"));
            let level = match severity.as_str() {
                "critical" => Level::Critical,
                "error" => Level::Error,
                "warning" => Level::Warning,
                "info" => Level::Info,
                "" => Level::Error,
                _ => {
                    errors.push("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')".to_owned());
                    Level::Error
                }
            };
            if !errors.is_empty() {
                return Err(errors);
            }
            // PagerDuty makes a random key here, so that every retry is a new page. In Muster the same event is the same alert.
            let key = key.unwrap_or_else(|| key_of(&format!("{payload_source}|{summary}")));
            // Forwarding monitors put their own name or host there. So it is an asset only if known, or if it looks like a table and no client is named.
            let is_asset = known.is_asset(&payload_source)
                || (word(body.get("client")).is_none() && payload_source.contains(['.', '/']));
            let mut labels = labels(payload.get("custom_details"));
            labels.extend(labelled(["component", "group", "class"].map(|name| (name, word(payload.get(name))))));
            let class = labels.get("class").and_then(|word| Pillar::parse(word));
            let title = summary.lines().next().unwrap_or_default();
            let at = time(payload.get("timestamp")).unwrap_or(now);
            Ok(Event::Signal(Box::new(Signal {
                // A tool that names a table does so in the details. The source is then the monitor.
                asset: words.asset(&labels).or_else(|| AssetName::new(&payload_source).filter(|_| is_asset)),
                pillar: words.pillar_of(&labels, &[], class.unwrap_or_default()),
                level,
                owner: words.owner(&labels),
                url: word(body.get("client_url")).or_else(|| word(body.pointer("/links/0/href"))),
                description: word(payload.get("custom_details")),
                labels,
                ..Signal::new(&source.name, &key, title, at)
            })))
        }
        _ => Err(vec![
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ]),
    }
}

fn resolved(source: &Source, key: &str, now: Time) -> Event {
    Event::Signal(Box::new(Signal { status: SignalStatus::Resolved, ..Signal::new(&source.name, key, key, now) }))
}

fn missing(name: &str) -> Vec<String> {
    vec![format!("'{name}' is missing or blank")]
}

/// Reads an event of the first events API. <https://developer.pagerduty.com/docs/ZG9jOjExMDI5NTc4-events-api-v1>
pub fn read_v1(source: &Source, body: &Value, now: Time, known: &dyn Known) -> Result<Event, Vec<String>> {
    let key = super::reading::key(body.get("incident_key"));
    match body["event_type"].as_str().unwrap_or_default() {
        "acknowledge" => key.map(|dedup_key| Event::Acknowledge { dedup_key }).ok_or_else(|| missing("incident_key")),
        "resolve" => key.map(|key| resolved(source, &key, now)).ok_or_else(|| missing("incident_key")),
        "trigger" => {
            let title = word(body.get("description")).ok_or_else(|| missing("description"))?;
            let words = Words { own: &source.words, known };
            let labels = labels(body.get("details"));
            let title = title.lines().next().unwrap_or_default();
            Ok(Event::Signal(Box::new(Signal {
                asset: words.asset(&labels),
                pillar: words.pillar_of(&labels, &[title], Pillar::Other),
                level: labels.get("severity").and_then(|word| words.level(word)).unwrap_or_default(),
                owner: words.owner(&labels),
                url: word(body.get("client_url")),
                labels,
                ..Signal::new(&source.name, &key.unwrap_or_else(|| clean(title)), title, now)
            })))
        }
        _ => Err(vec![
            "Event type is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')".to_owned(),
        ]),
    }
}

/// Reads a change event: what it is about, and what happened.
pub fn change(body: &Value, now: Time) -> Result<(String, Change), String> {
    let payload = &body["payload"];
    let summary = word(payload.get("summary")).ok_or("'payload.summary' is missing or blank")?;
    let labels = labels(payload.get("custom_details"));
    let named = ["asset", "dataset", "table", "model"].iter().find_map(|label| labels.get(*label)).cloned();
    let asset = named.or_else(|| word(payload.get("source"))).ok_or("'payload.source' is missing or blank")?;
    let at = time(payload.get("timestamp")).unwrap_or(now);
    let url = word(body.pointer("/links/0/href"));
    Ok((asset, Change { what: ChangeKind::Code, at, text: summary.chars().take(200).collect(), url }))
}

/// The routing key, which is the source's token.
pub fn routing_key(body: &Value) -> Option<&str> {
    body["routing_key"].as_str()
}

/// The key that the answer must name.
pub fn dedup_key(event: &Event) -> &str {
    match event {
        Event::Signal(signal) => &signal.key,
        Event::Acknowledge { dedup_key } => dedup_key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genuine_client_is_understood() {
        let read_file = |text: &str| {
            read(
                super::super::tests::source("pagerduty_v2"),
                &serde_json::from_str(text).expect("JSON"),
                chrono::DateTime::UNIX_EPOCH,
                &(),
            )
        };
        let Ok(Event::Signal(trigger)) = read_file(include_str!("../../tests/fixtures/pagerduty-python/001.body.json"))
        else {
            panic!("a trigger")
        };
        insta::assert_json_snapshot!(trigger);
        assert!(matches!(
            read_file(include_str!("../../tests/fixtures/pagerduty-python/002.body.json")),
            Ok(Event::Acknowledge { .. })
        ));
        let Ok(Event::Signal(resolve)) = read_file(include_str!("../../tests/fixtures/pagerduty-python/003.body.json"))
        else {
            panic!("a resolve")
        };
        assert_eq!((resolve.status, &resolve.key), (SignalStatus::Resolved, &trigger.key));
    }

    /// A monitor that forwards alerts names itself as the source. Its alerts are not all about one asset.
    #[test]
    fn a_forwarder_is_no_asset() {
        let asset = |client: &str, source: &str| {
            let mut body = serde_json::json!({
                "event_action": "trigger", "payload": {"summary": "s", "source": source, "severity": "error"},
            });
            if !client.is_empty() {
                body["client"] = client.into();
            }
            let source = super::super::tests::source("pagerduty_v2");
            match read(source, &body, chrono::DateTime::UNIX_EPOCH, &()) {
                Ok(Event::Signal(signal)) => signal.asset.map(|asset| asset.to_string()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(asset("", "warehouse.orders").as_deref(), Some("warehouse.orders"));
        assert_eq!(
            (asset("Alertmanager", "Alertmanager"), asset("Grafana", "grafana-7f.monitoring"), asset("", "cron")),
            (None, None, None)
        );
    }
}
