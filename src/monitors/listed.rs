//! Reads a list in a JSON body while it arrives, one member after another. So the largest storm costs no more memory than its alerts do.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{MAX_SIGNALS, Reading, Unreadable, Unusable};
use crate::domain::{Signal, counted};

/// What a body has beside its list.
pub(super) struct Beside {
    /// Those of its fields that were asked for.
    pub(super) fields: Map<String, Value>,
    /// Whether the list was there.
    pub(super) found: bool,
}

/// Reads the list `list` of a body, and those of its other fields that `keep` names. Each member is read by itself, so that a bad one does
/// not spoil the others.
pub(super) fn read<S: Into<Option<Signal>>>(
    body: impl Read,
    list: &'static str,
    keep: &'static [&'static str],
    signal: impl Fn(&Value) -> Result<S, String>,
) -> Result<(Reading, Beside), Unreadable> {
    let mut reading = Reading::default();
    let mut count = 0;
    let mut each = |member: &RawValue| {
        count += 1;
        if count <= MAX_SIGNALS {
            let read =
                serde_json::from_str(member.get()).map_err(|error| error.to_string()).and_then(|value| signal(&value));
            reading.add(format!("/{list}/{}", count - 1), read);
        }
    };
    let shape = |error: serde_json::Error| match error.is_data() {
        true => Unreadable::shape(format!("the body is not an object with a list `{list}`: {error}")),
        false => Unreadable::NotJson(error.to_string()),
    };
    let beside = crate::body::json_with(Body { list, keep, each: &mut each }, body).map_err(shape)?;
    if count > MAX_SIGNALS {
        let why = format!("{} than the {MAX_SIGNALS} a body may hold", counted(count - MAX_SIGNALS, "more alert"));
        reading.unusable.push(Unusable { at: format!("/{list}/{MAX_SIGNALS}"), why });
    }
    Ok((reading, beside))
}

struct Body<'a, F> {
    list: &'static str,
    keep: &'static [&'static str],
    each: &'a mut F,
}

impl<'de, F: FnMut(&RawValue)> DeserializeSeed<'de> for Body<'_, F> {
    type Value = Beside;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Beside, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&RawValue)> Visitor<'de> for Body<'_, F> {
    type Value = Beside;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut body: A) -> Result<Beside, A::Error> {
        let mut beside = Beside { fields: Map::new(), found: false };
        while let Some(name) = body.next_key::<String>()? {
            if name == self.list {
                beside.found = true;
                body.next_value_seed(List(&mut *self.each))?;
            } else if self.keep.contains(&name.as_str()) {
                let value = body.next_value()?;
                beside.fields.insert(name, value);
            } else {
                body.next_value::<IgnoredAny>()?;
            }
        }
        Ok(beside)
    }
}

struct List<'a, F>(&'a mut F);

impl<'de, F: FnMut(&RawValue)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&RawValue)> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(member) = list.next_element::<Box<RawValue>>()? {
            (self.0)(&member);
        }
        Ok(())
    }
}
