//! FLOOR 1. Bytes as programs send them become JSON or text. What is not quite JSON, but means one thing only, is read all the same: a byte order
//! mark, and what Python writes for a number that JSON does not have. All rooms read the bodies of others here.

mod gzip;
mod plain;
mod time;

use std::io::{BufReader, Read};

use serde::de::{DeserializeOwned, DeserializeSeed};

pub use gzip::{Encoding, NotGzip, Unpacking};
use plain::Plain;
pub use time::{is_real, time};

/// Reads a JSON body.
///
/// # Errors
/// It is not JSON (`is_syntax`, `is_eof` or `is_io`), or not of this shape (`is_data`).
pub fn json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    // serde_json stops at 128 levels, so a deep body cannot exhaust the stack.
    // What is JSON has nothing to make plain. So only a body that is not costs a second look.
    serde_json::from_slice(body).or_else(|error| if error.is_data() { Err(error) } else { json_of(body) })
}

/// Reads JSON while it arrives.
///
/// # Errors
/// As [`json`]; or the reader fails (`is_io`).
pub fn json_of<T: DeserializeOwned>(body: impl Read) -> serde_json::Result<T> {
    serde_json::from_reader(BufReader::new(Plain::new(body)))
}

/// Reads JSON while it arrives, with a reader that passes on each part.
///
/// # Errors
/// As [`json_of`].
pub fn json_with<'de, S: DeserializeSeed<'de>>(reader: S, body: impl Read) -> serde_json::Result<S::Value> {
    let mut from = serde_json::Deserializer::from_reader(BufReader::new(Plain::new(body)));
    let read = reader.deserialize(&mut from)?;
    from.end()?;
    Ok(read)
}

/// Several JSON documents, one after the other.
pub fn jsons<T: DeserializeOwned>(body: &[u8]) -> impl Iterator<Item = serde_json::Result<T>> {
    serde_json::Deserializer::from_reader(BufReader::new(Plain::new(body))).into_iter()
}

/// The text of a body, without its byte order mark. `None` if it is not UTF-8.
pub fn text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body.strip_prefix(plain::MARK).unwrap_or(body)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Gives one byte at a time, so that every word is cut at every place.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn both(body: &[u8]) -> Result<Value, String> {
        let whole = json(body).map_err(|error| error.to_string());
        assert_eq!(
            whole,
            json_of(Slowly(body)).map_err(|error| error.to_string()),
            "{}",
            String::from_utf8_lossy(body)
        );
        whole
    }

    #[test]
    fn what_python_writes_is_read_as_nothing() {
        for (body, read) in [
            ("NaN", json!(null)),
            (
                r#"{"a": NaN, "b": [Infinity,-Infinity,-1], "c": -0.5}"#,
                json!({"a": null, "b": [null, null, -1], "c": -0.5}),
            ),
            (
                r#"{"NaN": "Infinity", "b": "\"NaN, \\", "c":NaN}"#,
                json!({"NaN": "Infinity", "b": "\"NaN, \\", "c": null}),
            ),
            ("\u{feff}{\"a\": 1}", json!({"a": 1})),
            ("\u{feff}[NaN]", json!([null])),
            ("[\"\u{feff}NaN\"]", json!(["\u{feff}NaN"])),
        ] {
            assert_eq!(both(body.as_bytes()), Ok(read), "{body}");
        }
        for body in [
            "",
            "\u{feff}",
            "N",
            "[Na]",
            "[NaNN]",
            "[-NaN]",
            "[1NaN]",
            "[- Infinity]",
            "[Infinit]",
            "{NaN: 1}",
            "[nan]",
            "[infinity]",
            "[+Infinity]",
            "[InfinityNaN]",
            "\u{feff}\u{feff}1",
        ] {
            assert!(both(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn another_encoding_is_called_by_its_name() {
        let little: Vec<u8> = "{\"a\": 1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}{\"a\": 1}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for body in [&little, &big, &[&[0xff, 0xfe][..], &little].concat()] {
            assert_eq!(both(body), Err("it is UTF-16; send it as UTF-8".to_owned()));
        }
        let packed = both(&[0x1f, 0x8b, 8, 0]);
        assert_eq!(packed, Err("it is compressed; send the header `Content-Encoding: gzip` with it".to_owned()));
    }

    fn documents() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[a-zA-Z\"\\\\ -]{0,8}", Just("NaN".to_owned()), Just("-Infinity\\\"".to_owned())];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..6)
                    .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    /// As Python writes it: one of its words in the place of `null`, outside of texts.
    fn as_python(value: &Value, word: &str) -> String {
        match value {
            Value::Null => word.to_owned(),
            Value::Array(items) => {
                format!("[{}]", items.iter().map(|item| as_python(item, word)).collect::<Vec<_>>().join(", "))
            }
            Value::Object(fields) => {
                let each = fields
                    .iter()
                    .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), as_python(value, word)));
                format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }

    proptest! {
        /// JSON stays what it is, and Python's words are nothing: whole, and one byte at a time.
        #[test]
        fn texts_are_never_touched(value in documents(), word in prop_oneof![Just("NaN"), Just("Infinity"), Just("-Infinity"), Just("null")]) {
            prop_assert_eq!(both(as_python(&value, word).as_bytes()), Ok(value));
        }

        /// No bytes break the reader, and whatever JSON can be read is read the same.
        #[test]
        fn no_bytes_break_it(body in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"NaInfity-\"\\[]{},:1 ".to_vec())], 0..64)) {
            let read = both(&body);
            if let Ok(strict) = serde_json::from_slice::<Value>(&body) {
                prop_assert_eq!(read, Ok(strict));
            }
        }
    }
}
