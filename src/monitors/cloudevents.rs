//! `CloudEvents` 1.0: structured, binary (attributes in `ce-` headers, often without a Content-Type), and batches. The data is our own
//! fields. The attributes fill in what the data does not say. <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::{Context, Reading, Unreadable, Unusable, generic, word};

/// Reads a body with its headers.
pub(super) fn read(context: &Context<'_>, body: &[u8]) -> Result<Reading, Unreadable> {
    let header = |name: &str| context.headers.get(name).and_then(|value| value.to_str().ok());
    if header("ce-specversion").is_some() {
        let mut event = Map::new();
        for (name, value) in context.headers {
            if let (Some(name), Ok(value)) = (name.as_str().strip_prefix("ce-"), value.to_str()) {
                // Values are percent-encoded where they must be.
                let value = percent(value);
                event.insert(name.to_owned(), Value::String(value));
            }
        }
        event.insert("data".to_owned(), if body.is_empty() { json!({}) } else { super::json(body)? });
        return one(context, &Value::Object(event)).map_err(Unreadable::WrongShape);
    }
    match super::json(body)? {
        Value::Array(events) => {
            let mut reading = Reading::default();
            for (place, event) in events.iter().enumerate().take(super::MAX_SIGNALS) {
                match one(context, event) {
                    Ok(read) => {
                        reading.signals.extend(read.signals);
                        reading.unusable.extend(
                            read.unusable.into_iter().map(|one| Unusable { at: format!("/{place}{}", one.at), ..one }),
                        );
                    }
                    Err(why) => reading.unusable.push(Unusable { at: format!("/{place}"), why }),
                }
            }
            Ok(reading)
        }
        event => one(context, &event).map_err(Unreadable::WrongShape),
    }
}

fn percent(value: &str) -> String {
    // Here a plus sign is a plus sign, not a space.
    let form = format!("v={}", value.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned());
    decoded.unwrap_or_else(|| value.to_owned())
}

fn one(context: &Context<'_>, event: &Value) -> Result<Reading, String> {
    let attribute = |name: &str| word(event.get(name));
    let (Some(id), Some(source), Some(kind)) = (attribute("id"), attribute("source"), attribute("type")) else {
        return Err("an event has `id`, `source` and `type`; is this a CloudEvent?".to_owned());
    };
    let subject = attribute("subject");
    let data = match event.get("data") {
        // Some clients send their JSON as a text.
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| json!({"description": text})),
        Some(data) => data.clone(),
        // Bytes, which are JSON as a rule.
        None => event["data_base64"]
            .as_str()
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok())
            .and_then(|bytes| crate::body::json(&bytes).ok())
            .unwrap_or_else(|| json!({})),
    };
    let empty = Map::new();
    let data = data.as_object().unwrap_or(&empty);
    let given = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| data.get(*name).or_else(|| event.get(*name)).filter(|value| word(Some(value)).is_some()))
            .cloned()
    };
    let mut item = Map::new();
    for (field, names) in [
        ("status", &["status"][..]),
        ("title", &["title", "summary", "check", "message"]),
        ("asset", &["asset", "dataset", "table"]),
        ("pillar", &["pillar"]),
        ("severity", &["severity", "level"]),
        ("owner", &["owner", "team"]),
        ("url", &["url", "link"]),
        ("at", &["at", "time"]),
        ("key", &["key"]),
        ("description", &["description"]),
    ] {
        if let Some(value) = given(names) {
            item.insert(field.to_owned(), value);
        }
    }
    // An event without a title gets one from its subject and type.
    let about = subject.clone().unwrap_or_else(|| source.clone());
    // Who sent it is rarely what it is about.
    if subject.is_some() || context.known.is_asset(&source) {
        item.entry("asset").or_insert_with(|| Value::String(about.clone()));
    }
    item.entry("title").or_insert_with(|| Value::String(format!("{about}: {kind}")));
    item.entry("key").or_insert_with(|| Value::String(format!("{source}|{}|{kind}", subject.unwrap_or_default())));
    let labels = data.get("labels").filter(|labels| labels.is_object()).cloned();
    item.insert("labels".to_owned(), labels.unwrap_or_else(|| json!(data)));
    let mut reading = generic::read(context, &Value::Object(item)).map_err(|error| error.to_string())?;
    reading.delivery = Some(format!("{source}/{id}"));
    Ok(reading)
}
