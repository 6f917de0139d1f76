//! Our own fields (`status`, `key`, `title`, `asset`, `pillar`, `severity`, `owner`, `url`, `labels`, `at`,
//! `description`; only `title` is required), as one object or a list. Or any JSON body, with a mapping of JSON pointers.

use serde_json::Value;

use super::reading::key;
use super::{Context, MAX_SIGNALS, Reading, Unreadable, Unusable, labels, time, word};
use crate::config::Mapping;
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus, Time, counted};

/// Reads a body.
///
/// # Errors
/// It is not an object or a list, or the list of the mapping is missing.
pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let mapping = context.source.mapping.as_ref();
    // Without a pointer, the whole body is meant.
    let place = mapping.and_then(|mapping| mapping.each.as_deref()).unwrap_or_default();
    let each = body
        .pointer(place)
        .ok_or_else(|| Unreadable::shape(format!("the mapping looks for a list at {place}, but nothing is there")))?;
    let mut reading = Reading::default();
    let add = |reading: &mut Reading, at: String, item: &Value| {
        let mut bad = Vec::new();
        let signal = match mapping {
            Some(mapping) => mapped(context, item, mapping, &mut bad),
            None => normal(context, item, &mut bad),
        };
        // A bad value costs itself only.
        let bad = bad.into_iter().filter(|_| signal.is_ok());
        reading.unusable.extend(bad.map(|(field, why)| Unusable { at: format!("{at}{field}"), why }));
        reading.add(at, signal);
    };
    match each {
        Value::Array(items) => {
            if items.len() > MAX_SIGNALS {
                let why = format!(
                    "{} than the {MAX_SIGNALS} a body may hold",
                    counted(items.len() - MAX_SIGNALS, "more signal")
                );
                reading.unusable.push(Unusable { at: format!("{place}/{MAX_SIGNALS}"), why });
            }
            items
                .iter()
                .take(MAX_SIGNALS)
                .enumerate()
                .for_each(|(index, item)| add(&mut reading, format!("{place}/{index}"), item));
        }
        Value::Object(_) => add(&mut reading, place.to_owned(), each),
        _ => return Err(Unreadable::shape("the body is not an object or a list of objects")),
    }
    Ok(reading)
}

/// Values that could not be used: where they are in their alert, and why.
type Bad = Vec<(String, String)>;

/// The time at a place. A value that is no time is said.
fn time_at(at: &str, value: Option<&Value>, bad: &mut Bad) -> Option<Time> {
    let given = value.filter(|value| !value.is_null() && value.as_str() != Some(""))?;
    let time = time(Some(given));
    if time.is_none() {
        bad.push((at.to_owned(), "this is no time; Muster takes the time at which it arrived".to_owned()));
    }
    time
}

fn normal(context: &Context<'_>, item: &Value, bad: &mut Bad) -> Result<Signal, String> {
    let get = |key: &str| word(item.get(key));
    let status = match get("status").as_deref() {
        None | Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        Some(other) => return Err(format!("`status` is {other:?}. It must be \"firing\" or \"resolved\"")),
    };
    let title = get("title").ok_or("`title` is missing")?;
    let pillar = get("pillar").and_then(|word| {
        let pillar = Pillar::parse(&word);
        if pillar.is_none() {
            let why =
                format!("`pillar` is {word:?}. It must be freshness, volume, schema, distribution, pipeline or other");
            bad.push(("/pillar".to_owned(), why));
        }
        pillar
    });
    let level = get("severity").and_then(|word| {
        let level = context.words().level(&word);
        if level.is_none() {
            let why = format!("`severity` is {word:?}. It must be critical, error, warning or info");
            bad.push(("/severity".to_owned(), why));
        }
        level
    });
    let signal = Signal {
        status,
        pillar: pillar.unwrap_or(Pillar::Other),
        level: level.unwrap_or(Level::Error),
        labels: labels(item.get("labels")),
        ..context.signal("", &title, time_at("/at", item.get("at"), bad))
    };
    Ok(filled(context, signal, key(item.get("key")), &get))
}

fn mapped(context: &Context<'_>, item: &Value, mapping: &Mapping, bad: &mut Bad) -> Result<Signal, String> {
    let at = |pointer: &Option<String>| pointer.as_deref().and_then(|pointer| item.pointer(pointer));
    let title = word(item.pointer(&mapping.title))
        .ok_or(format!("the mapping looks for the title at {}, but no text is there", mapping.title))?;
    let status = word(at(&mapping.status));
    let is_over = status.is_some_and(|word| mapping.resolved_values.contains(&word.to_lowercase()));
    let status = SignalStatus::resolved_if(is_over);
    let pillar =
        word(at(&mapping.pillar)).and_then(|word| Pillar::parse(&word)).or(mapping.default_pillar).unwrap_or_default();
    let level = word(at(&mapping.severity)).and_then(|word| context.words().level(&word)).unwrap_or_default();
    let get = |key: &str| {
        word(at(match key {
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
    let time = time_at(mapping.at.as_deref().unwrap_or_default(), at(&mapping.at), bad);
    let signal = Signal { status, pillar, level, labels, ..context.signal("", &title, time) };
    Ok(filled(context, signal, key(at(&mapping.key)), &get))
}

/// Adds the fields that are plain text, for both shapes.
fn filled(context: &Context<'_>, signal: Signal, key: Option<String>, get: &dyn Fn(&str) -> Option<String>) -> Signal {
    let asset = get("asset").and_then(|name| AssetName::new(&name)).or_else(|| context.words().asset(&signal.labels));
    // Without a key, the same asset and title are the same alert.
    let key = key.unwrap_or_else(|| format!("{}|{}", asset.as_ref().map_or("", AssetName::as_str), signal.title));
    let owner = get("owner").or_else(|| context.words().owner(&signal.labels));
    Signal { key, asset, owner, url: get("url"), description: get("description"), ..signal }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::config::Source;

    #[test]
    fn one_bad_signal_does_not_drop_the_others() {
        let body = json!([{"title": "a"}, {"status": "red"}, {"title": "b", "pillar": "colour"}, {"title": "c", "status": "resolved"}]);
        let reading = read(&super::super::tests::context("generic", &HeaderMap::new()), &body).expect("a list");
        assert_eq!(reading.signals.iter().map(|signal| signal.title.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(reading.unusable.iter().map(|one| one.at.as_str()).collect::<Vec<_>>(), ["/1", "/2/pillar"]);
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
        let source = Source { mapping: Some(mapping), ..super::super::tests::source("generic").clone() };
        let headers = HeaderMap::new();
        let body =
            json!({"checks": [{"name": "rows", "outcome": "PASS", "on": {"table": "w.orders"}}, {"outcome": "fail"}]});
        let reading = read(&Context { source: &source, ..super::super::tests::context("generic", &headers) }, &body)
            .expect("its list");
        assert_eq!(reading.signals.len(), 1);
        assert_eq!((reading.signals[0].status, reading.signals[0].pillar), (SignalStatus::Resolved, Pillar::Volume));
        assert_eq!(reading.unusable[0].at, "/checks/1");
    }
}
