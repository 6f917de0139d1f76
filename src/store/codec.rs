//! How a record lies in a key-value engine: the kind's byte and the id as key, JSON as value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Queued, ReadError, Rec};

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    ver: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queued: Option<Queued>,
    #[serde(default, skip_serializing_if = "is_zero")]
    claims: u32,
    body: T,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(claims: &u32) -> bool {
    *claims == 0
}

pub(super) fn key(kind: Kind, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(id.len() + 1);
    key.push(kind as u8);
    key.extend_from_slice(id.as_bytes());
    key
}

pub(super) fn encode(rec: &Rec) -> Vec<u8> {
    let stored = Stored { ver: rec.ver, queued: rec.queued.clone(), claims: rec.claims, body: &rec.body };
    // A `Value` has string keys only, so it always serialises.
    serde_json::to_vec(&stored).unwrap_or_default()
}

/// The body of a record as the JSON text it is kept as, without reading it.
pub(super) fn body<'a>(key: &[u8], bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    let stored: Stored<&serde_json::value::RawValue> = serde_json::from_slice(bytes)
        .map_err(|error| ReadError(format!("`{}` is damaged: {error}", String::from_utf8_lossy(key))))?;
    Ok(stored.body.get())
}

pub(super) fn decode(kind: Kind, id: &str, bytes: &[u8]) -> Result<Rec, ReadError> {
    let stored: Stored<Value> =
        serde_json::from_slice(bytes).map_err(|error| ReadError(format!("{kind:?} `{id}` is damaged: {error}")))?;
    Ok(Rec {
        kind,
        id: id.to_owned(),
        ver: stored.ver,
        queued: stored.queued,
        claims: stored.claims,
        body: stored.body,
    })
}
