//! The trigger, acknowledge and resolve of PagerDuty's Events API v2, for tools that can only speak that.

use serde_json::Value;

use super::{clean, labels, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something is wrong, or right again.
    Signal(Box<Signal>),
    /// Somebody has it; there is nothing for Muster in that.
    Acknowledge {
        /// The key.
        dedup_key: String,
    },
}

/// Reads an event.
///
/// # Errors
/// PagerDuty's own list of what is wrong.
pub fn read(source: &str, body: &Value, now: Time) -> Result<Event, Vec<String>> {
    let key = word(body.get("dedup_key"));
    let action = body["event_action"].as_str().unwrap_or_default();
    let payload = &body["payload"];
    match action {
        "acknowledge" => key.map(|dedup_key| Event::Acknowledge { dedup_key }).ok_or_else(|| missing("dedup_key")),
        "resolve" => {
            let key = key.ok_or_else(|| missing("dedup_key"))?;
            Ok(Event::Signal(Box::new(Signal {
                source: source.to_owned(),
                status: SignalStatus::Resolved,
                title: key.clone(),
                key,
                asset: None,
                pillar: Pillar::Other,
                level: Level::Error,
                owner: None,
                url: None,
                labels: Default::default(),
                at: now,
                description: None,
            })))
        }
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
            let asset = AssetName::new(&payload_source);
            // PagerDuty makes a random key here, so that every retry is a new page; the same event is the same alert for us.
            let key = key.unwrap_or_else(|| clean(&format!("{payload_source}|{summary}")));
            let mut labels = labels(payload.get("custom_details"));
            for name in ["component", "group", "class"] {
                if let Some(value) = word(payload.get(name)) {
                    labels.insert(name.to_owned(), value);
                }
            }
            let pillar = labels
                .get("pillar")
                .or_else(|| labels.get("class"))
                .and_then(|word| Pillar::parse(word))
                .unwrap_or_default();
            Ok(Event::Signal(Box::new(Signal {
                source: source.to_owned(),
                status: SignalStatus::Firing,
                key,
                title: summary.lines().next().unwrap_or_default().to_owned(),
                asset,
                pillar,
                level,
                owner: labels.get("owner").cloned(),
                url: word(body.get("client_url")).or_else(|| word(body.pointer("/links/0/href"))),
                at: time(payload.get("timestamp")).unwrap_or(now),
                description: None,
                labels,
            })))
        }
        _ => Err(vec![
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ]),
    }
}

fn missing(name: &str) -> Vec<String> {
    vec![format!("'{name}' is missing or blank")]
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
        let read_file =
            |text: &str| read("pd", &serde_json::from_str(text).expect("JSON"), chrono::DateTime::UNIX_EPOCH);
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
}
