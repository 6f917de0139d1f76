//! Our own fields (`status`, `key`, `title`, `asset`, `pillar`, `severity`, `owner`, `url`, `labels`, `at`,
//! `description`; only `title` is required), alone or in a list; or any JSON body with a mapping of JSON pointers.

use serde_json::Value;

use super::{MAX_SIGNALS, Reading, Unreadable, Unusable, clean, labels, time, word};
use crate::config::Mapping;
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time};

/// Reads a body.
///
/// # Errors
/// It is neither an object nor a list, or the mapping's list is not there.
pub fn read(source: &str, body: &Value, mapping: Option<&Mapping>, now: Time) -> Result<Reading, Unreadable> {
    let (each, prefix) = match mapping.and_then(|mapping| mapping.each.as_deref()) {
        Some(pointer) => (
            body.pointer(pointer)
                .ok_or_else(|| wrong(&format!("there is nothing at {pointer}, where the mapping looks for a list")))?,
            pointer,
        ),
        None => (body, ""),
    };
    let items: Vec<(String, &Value)> = match each {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .take(MAX_SIGNALS)
            .map(|(index, item)| (format!("{prefix}/{index}"), item))
            .collect(),
        Value::Object(_) => vec![(prefix.to_owned(), each)],
        _ => return Err(wrong("the body is neither an object nor a list of objects")),
    };
    let mut reading = Reading::default();
    for (at, item) in items {
        let signal = match mapping {
            Some(mapping) => mapped(source, item, mapping, now),
            None => normal(source, item, now),
        };
        match signal {
            Ok(signal) => reading.signals.push(signal),
            Err(why) => reading.unusable.push(Unusable { at, why }),
        }
    }
    Ok(reading)
}

fn wrong(what: &str) -> Unreadable {
    Unreadable::WrongShape(what.to_owned())
}

fn normal(source: &str, item: &Value, now: Time) -> Result<Signal, String> {
    let get = |key: &str| word(item.get(key));
    let status = match get("status").as_deref() {
        None | Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        Some(other) => {
            return Err(format!("`status` is {other:?}; it may be \"firing\" or \"resolved\""));
        }
    };
    let pillar = match get("pillar") {
        Some(word) => Pillar::parse(&word).ok_or(format!(
            "`pillar` is {word:?}; it may be freshness, volume, schema, distribution, pipeline or other"
        ))?,
        None => Pillar::Other,
    };
    let level = match get("severity") {
        Some(word) => {
            Level::parse(&word).ok_or(format!("`severity` is {word:?}; it may be critical, error, warning or info"))?
        }
        None => Level::Error,
    };
    let title = get("title").ok_or("`title` is missing")?;
    build(source, &title, status, pillar, level, now, &get, labels(item.get("labels")), time(item.get("at")))
}

fn mapped(source: &str, item: &Value, mapping: &Mapping, now: Time) -> Result<Signal, String> {
    let at = |pointer: &Option<String>| pointer.as_deref().and_then(|pointer| item.pointer(pointer));
    let title = word(item.pointer(&mapping.title))
        .ok_or(format!("there is no text at {}, where the mapping looks for the title", mapping.title))?;
    let status = match word(at(&mapping.status)) {
        Some(word) if mapping.resolved_values.contains(&word.to_lowercase()) => SignalStatus::Resolved,
        _ => SignalStatus::Firing,
    };
    let pillar =
        word(at(&mapping.pillar)).and_then(|word| Pillar::parse(&word)).or(mapping.default_pillar).unwrap_or_default();
    let level = word(at(&mapping.severity)).and_then(|word| Level::parse(&word)).unwrap_or_default();
    let get = |key: &str| {
        word(at(match key {
            "key" => &mapping.key,
            "asset" => &mapping.asset,
            "owner" => &mapping.owner,
            "url" => &mapping.url,
            "description" => &mapping.description,
            _ => return None,
        }))
    };
    let labels = mapping
        .labels
        .iter()
        .filter_map(|(label, pointer)| Some((label.clone(), word(item.pointer(pointer))?)))
        .collect();
    build(source, &title, status, pillar, level, now, &get, labels, time(at(&mapping.at)))
}

#[expect(clippy::too_many_arguments, reason = "the fields of one signal, from two shapes")]
fn build(
    source: &str,
    title: &str,
    status: SignalStatus,
    pillar: Pillar,
    level: Level,
    now: Time,
    get: &dyn Fn(&str) -> Option<String>,
    labels: std::collections::BTreeMap<String, String>,
    at: Option<Time>,
) -> Result<Signal, String> {
    let asset = get("asset").and_then(|name| AssetName::new(&name));
    // Without a key, the same asset and title are the same alert.
    let key = get("key").unwrap_or_else(|| format!("{}|{title}", asset.as_ref().map_or("", AssetName::as_str)));
    Ok(Signal {
        source: source.to_owned(),
        status,
        key: clean(&key),
        title: title.lines().next().unwrap_or_default().to_owned(),
        asset,
        pillar,
        level,
        owner: get("owner"),
        url: get("url"),
        labels,
        at: at.unwrap_or(now),
        description: get("description"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_bad_signal_does_not_drop_the_others() {
        let body = json!([{"title": "a"}, {"status": "red"}, {"title": "b", "pillar": "colour"}, {"title": "c", "status": "resolved"}]);
        let reading = read("s", &body, None, chrono::DateTime::UNIX_EPOCH).expect("a list");
        assert_eq!(reading.signals.iter().map(|signal| signal.title.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(reading.unusable.iter().map(|one| one.at.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
    }

    #[test]
    fn any_body_with_a_mapping() {
        let mapping = Mapping {
            each: Some("/checks".to_owned()),
            title: "/name".to_owned(),
            status: Some("/outcome".to_owned()),
            resolved_values: vec!["pass".to_owned()],
            asset: Some("/on/table".to_owned()),
            default_pillar: Some(Pillar::Volume),
            ..Mapping::default()
        };
        let body =
            json!({"checks": [{"name": "rows", "outcome": "PASS", "on": {"table": "w.orders"}}, {"outcome": "fail"}]});
        let reading = read("soda", &body, Some(&mapping), chrono::DateTime::UNIX_EPOCH).expect("its list");
        assert_eq!(reading.signals.len(), 1);
        assert_eq!((reading.signals[0].status, reading.signals[0].pillar), (SignalStatus::Resolved, Pillar::Volume));
        assert_eq!(reading.unusable[0].at, "/checks/1");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(
                    "title|status|key|asset|at|labels|alerts|fingerprint|payload|[a-z]{1,3}",
                    inner,
                    0..6
                )
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any_json()) {
            let now = chrono::DateTime::UNIX_EPOCH;
            let _ = read("s", &body, None, now);
            let _ = super::super::alertmanager::read("s", &body, now);
            let _ = super::super::pagerduty_v2::read("s", &body, now);
        }
    }
}
