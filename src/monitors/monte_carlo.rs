//! Monte Carlo's webhook, and the text that it signs: Python's `urlencode` of the parsed body, with nested values as Python prints
//! them. <https://docs.getmontecarlo.com/docs/webhooks>

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Context, Reading, Unreadable, labelled, time, word};
use crate::domain::{AssetName, Level, Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let payload = &body["payload"];
    let Some(incident) = ["incident_id", "alert_id"].into_iter().find_map(|key| word(payload.get(key))) else {
        return Err(Unreadable::shape("the body has no `payload.incident_id`, so it is not a webhook of Monte Carlo"));
    };
    let kind = word(body.get("type")).unwrap_or_default().to_lowercase();
    let feedback =
        ["alert_feedback", "feedback", "status", "new_status"].into_iter().find_map(|key| word(payload.get(key)));
    let over = feedback.is_some_and(|word| {
        matches!(
            &*word.to_lowercase().replace([' ', '-'], "_"),
            "fixed" | "resolved" | "expected" | "no_action_needed" | "false_positive"
        )
    }) || kind.contains("resolved");
    if !over && !kind.starts_with("open") && !kind.contains("created") {
        // Somebody acknowledged it, owns it, or wrote a ticket: this says nothing new about the data.
        return Ok(Reading::default());
    }
    let first = &payload["event_list"][0];
    let words = context.words();
    let severity = word(payload.get("declared_alert_severity")).or_else(|| word(payload.get("severity")));
    let level = severity.and_then(|word| match word.trim_start_matches("SEV").trim_start_matches(['-', ' ', '_']) {
        "1" => Some(Level::Critical),
        "2" => Some(Level::Error),
        "3" => Some(Level::Warning),
        "4" => Some(Level::Info),
        _ => words.level(&word),
    });
    // It writes tables as `warehouse:schema.table`.
    let table =
        word(first.get("table_name")).or_else(|| word(payload.get("table_name"))).map(|name| name.replace(':', "."));
    let asset = table.and_then(|name| AssetName::new(&name));
    let rule = word(first.pointer("/rule/description"));
    let what = kind.trim_start_matches("open_").trim_end_matches("_incident").replace('_', " ");
    let on = asset.as_ref().map_or_else(String::new, |asset| format!("{asset}: "));
    let title = format!(
        "{on}{}",
        rule.clone().unwrap_or_else(|| if what.is_empty() { "anomaly".to_owned() } else { what.clone() })
    );
    let kind = Some(what.clone()).filter(|what| !what.is_empty());
    let labels = labelled([("type", kind), ("group", word(payload.get("group_id")))]);
    let signal = Signal {
        status: SignalStatus::resolved_if(over),
        asset,
        pillar: words.pillar_of(&labels, &[&what, rule.as_deref().unwrap_or_default()], Pillar::Distribution),
        level: level.unwrap_or_default(),
        owner: word(payload.get("owner")).or_else(|| word(payload.get("owner_email"))),
        url: word(payload.get("url")),
        labels,
        ..context.signal(&incident, &title, time(payload.get("created_time")))
    };
    Ok(Reading { signals: vec![signal], ..Reading::default() })
}

/// A JSON value that keeps the order of its keys, and numbers as Python reads them.
#[derive(Debug, Clone, PartialEq)]
enum Python {
    None,
    Bool(bool),
    /// An integer, as digits.
    Int(String),
    Float(f64),
    Text(String),
    List(Vec<Python>),
    Dict(Vec<(String, Python)>),
}

/// How `serde_json` hands over a number if a crate in the build turns on exact numbers.
const EXACT_NUMBER: &str = "$serde_json::private::Number";

fn number(digits: &str) -> Python {
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Python::Int(if digits == "-0" { "0".to_owned() } else { digits.to_owned() });
    }
    digits.parse().map_or_else(|_| Python::Text(digits.to_owned()), Python::Float)
}

impl<'de> Deserialize<'de> for Python {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Python;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Python, E> {
                Ok(Python::None)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Python, E> {
                Ok(Python::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Python, E> {
                Ok(Python::Int(value.to_string()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Python, E> {
                Ok(Python::Int(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Python, E> {
                Ok(Python::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Python, E> {
                Ok(Python::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Python, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Python::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Python, A::Error> {
                let mut dict: Vec<(String, Python)> = Vec::new();
                let mut exact = false;
                while let Some((key, value)) = entries.next_entry::<String, Python>()? {
                    exact |= key == EXACT_NUMBER;
                    // If a key comes twice, the last value counts, in the place of the first.
                    match dict.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, known)) => *known = value,
                        None => dict.push((key, value)),
                    }
                }
                Ok(match dict.as_slice() {
                    [(_, Python::Text(digits))] if exact => number(digits),
                    _ => Python::Dict(dict),
                })
            }
        }
        from.deserialize_any(Reader)
    }
}

impl Python {
    /// As `str()` prints it.
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => {
                let mut printed = String::new();
                other.print(&mut printed);
                printed
            }
        }
    }

    /// As `repr()` prints it.
    fn print(&self, to: &mut String) {
        match self {
            Self::None => to.push_str("None"),
            Self::Bool(true) => to.push_str("True"),
            Self::Bool(false) => to.push_str("False"),
            Self::Int(digits) => to.push_str(digits),
            Self::Float(number) => to.push_str(&float(*number)),
            Self::Text(text) => quoted(text, to),
            Self::List(items) => {
                to.push('[');
                listed(to, items, Self::print);
                to.push(']');
            }
            Self::Dict(entries) => {
                to.push('{');
                listed(to, entries, |(key, value), to| {
                    quoted(key, to);
                    to.push_str(": ");
                    value.print(to);
                });
                to.push('}');
            }
        }
    }
}

fn listed<T>(to: &mut String, items: &[T], print: impl Fn(&T, &mut String)) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            to.push_str(", ");
        }
        print(item, to);
    }
}

/// The shortest digits that give the same number, as Python writes them: with an exponent outside 1e-4 to 1e16.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&size) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// In single quotes, or in double quotes if the text has single quotes and no double quotes.
fn quoted(text: &str, to: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    to.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            letter if letter == quote => {
                to.push('\\');
                to.push(letter);
            }
            letter if is_printable(letter) => to.push(letter),
            letter => {
                let code = u32::from(letter);
                to.push_str(&match code {
                    ..=0xff => format!("\\x{code:02x}"),
                    0x100..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
        }
    }
    to.push(quote);
}

/// The same as Python's `str.isprintable`: no control characters, no separators except the space, nothing unassigned or private. Rust's
/// debug escaping has the same classes.
fn is_printable(letter: char) -> bool {
    if letter == ' ' || letter == '\'' || letter == '"' || letter == '\\' {
        return true;
    }
    // At the start of a text, Rust also escapes a combining mark. Python never does.
    format!("a{letter}").escape_debug().count() == 2
}

/// The signed text of a raw body; `None` if the body is not a JSON object.
pub(super) fn signed_text(body: &[u8]) -> Option<String> {
    let Python::Dict(fields) = serde_json::from_slice(body).ok()? else { return None };
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &fields {
        text.append_pair(key, &value.text());
    }
    // Python keeps the tilde, and escapes the asterisk.
    Some(text.finish().replace("%7E", "~").replace('*', "%2A"))
}
