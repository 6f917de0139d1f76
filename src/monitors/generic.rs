//! Our own fields (`status`, `key`, `title`, `asset`, `pillar`, `severity`, `owner`, `url`, `labels`, `at`,
//! `description`; only `title` is required), as one object or a list. Or any JSON body, with a mapping of JSON pointers.

use serde_json::Value;

use super::reading::key;
use super::{Context, MAX_SIGNALS, Reading, Unreadable, labels, time, word};
use crate::config::Mapping;
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus};

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
    let signal = |item: &Value| match mapping {
        Some(mapping) => mapped(context, item, mapping),
        None => normal(context, item),
    };
    match each {
        Value::Array(items) => Ok(Reading::of_each(place, &items[..items.len().min(MAX_SIGNALS)], signal)),
        Value::Object(_) => {
            let mut reading = Reading::default();
            reading.add(place.to_owned(), signal(each));
            Ok(reading)
        }
        _ => Err(Unreadable::shape("the body is not an object or a list of objects")),
    }
}

fn normal(context: &Context<'_>, item: &Value) -> Result<Signal, String> {
    let get = |key: &str| word(item.get(key));
    let status = match get("status").as_deref() {
        None | Some("firing") => SignalStatus::Firing,
        Some("resolved") => SignalStatus::Resolved,
        Some(other) => return Err(format!("`status` is {other:?}. It must be \"firing\" or \"resolved\"")),
    };
    let pillar = match get("pillar") {
        Some(word) => Pillar::parse(&word).ok_or(format!(
            "`pillar` is {word:?}. It must be freshness, volume, schema, distribution, pipeline or other"
        ))?,
        None => Pillar::Other,
    };
    let level = match get("severity") {
        Some(word) => context
            .words()
            .level(&word)
            .ok_or(format!("`severity` is {word:?}. It must be critical, error, warning or info"))?,
        None => Level::Error,
    };
    let title = get("title").ok_or("`title` is missing")?;
    let signal = Signal {
        status,
        pillar,
        level,
        labels: labels(item.get("labels")),
        ..context.signal("", &title, time(item.get("at")))
    };
    Ok(filled(signal, key(item.get("key")), &get))
}

fn mapped(context: &Context<'_>, item: &Value, mapping: &Mapping) -> Result<Signal, String> {
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
    let signal = Signal { status, pillar, level, labels, ..context.signal("", &title, time(at(&mapping.at))) };
    Ok(filled(signal, key(at(&mapping.key)), &get))
}

/// Adds the fields that are plain text, for both shapes.
fn filled(signal: Signal, key: Option<String>, get: &dyn Fn(&str) -> Option<String>) -> Signal {
    let asset = get("asset").and_then(|name| AssetName::new(&name));
    // Without a key, the same asset and title are the same alert.
    let key = key.unwrap_or_else(|| format!("{}|{}", asset.as_ref().map_or("", AssetName::as_str), signal.title));
    Signal { key, asset, owner: get("owner"), url: get("url"), description: get("description"), ..signal }
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
