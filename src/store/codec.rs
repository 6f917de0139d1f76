//! The form of a record in a store of bytes. The key is the kind's byte and the id. The value is a small head (version, claims, place in a
//! queue, shape) and the body: JSON, as it was encoded from its type.
//!
//! Why JSON: it holds its own field names, so a field can be added without rewriting old records, and it reads the same in an export, in
//! `psql` and in a bug report. Measured on an alert (`cargo bench --bench encoding`, 2026-11-30): JSON has 550 bytes, and takes 1.3 µs
//! to write and 2.6 µs to read. MessagePack with names: 475 bytes, 0.6 µs and 1.8 µs. A form without names needs less than half of that, but a new
//! field breaks old records. A whole alert costs 100 µs or more, so a faster form would save about one percent.
//!
//! Values of the first layout are all JSON and begin with a brace. They can still be read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Kind, Millis, QueueName, Queued, Raw, ReadError, Written};

/// The first byte of a value of today's layout. A value of the first layout begins with `{`.
const HEAD: u8 = 1;

/// A value of the first layout.
#[derive(Deserialize)]
struct First<'a> {
    ver: u64,
    queued: Option<Queued>,
    #[serde(default)]
    claims: u32,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The head of a value, and where its body begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) ver: u64,
    pub(super) claims: u32,
    pub(super) shape: u32,
    pub(super) queued: Option<Queued>,
}

pub(super) fn key(kind: Kind, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(id.len() + 1);
    key.push(kind as u8);
    key.extend_from_slice(id.as_bytes());
    key
}

/// The kind and the id of a key.
pub(super) fn parts(key: &[u8]) -> Result<(Kind, &str), ReadError> {
    let (kind, id) = key.split_first().ok_or_else(|| ReadError::damaged("a record without a key".to_owned()))?;
    let kind = Kind::ALL.iter().copied().find(|known| *known as u8 == *kind).ok_or_else(|| {
        ReadError::damaged(format!("a record of the unknown kind {kind}; was it written by a newer Muster?"))
    })?;
    let id = std::str::from_utf8(id).map_err(|_| ReadError::damaged("a record's id is not text".to_owned()))?;
    Ok((kind, id))
}

fn number(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Reads a number; `None` if the bytes end too early or are not a number.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

/// The size of a value in bytes.
pub(super) fn size(ver: u64, claims: u32, written: &Written) -> usize {
    let digits = |n: u64| (u64::BITS - (n | 1).leading_zeros()).div_ceil(7) as usize;
    let queue = written.queued.as_ref().map_or(0, |queued| queued.queue.as_str().len());
    let place = if written.queued.is_some() { queue + size_of::<Millis>() } else { 0 };
    let head = 1 + digits(ver) + digits(claims.into()) + digits(written.shape.into()) + digits(queue as u64);
    head + place + written.body.len()
}

pub(super) fn encode(ver: u64, claims: u32, written: &Written) -> Vec<u8> {
    let queue = written.queued.as_ref().map(|queued| queued.queue.as_str()).unwrap_or_default();
    let mut out = Vec::with_capacity(written.body.len() + queue.len() + 24);
    out.push(HEAD);
    number(ver, &mut out);
    number(claims.into(), &mut out);
    number(written.shape.into(), &mut out);
    number(queue.len() as u64, &mut out);
    if let Some(queued) = &written.queued {
        out.extend_from_slice(queue.as_bytes());
        out.extend_from_slice(&queued.due.to_le_bytes());
    }
    out.extend_from_slice(written.body.as_bytes());
    out
}

/// The head of a value and its body.
pub(super) fn read<'a>(key: &[u8], value: &'a [u8]) -> Result<(Head, &'a str), ReadError> {
    let damaged = |why: &str| ReadError::damaged(format!("`{}` is damaged: {why}", String::from_utf8_lossy(key)));
    if value.first() == Some(&b'{') {
        let first: First<'a> = serde_json::from_slice(value).map_err(|error| damaged(&error.to_string()))?;
        let head = Head { ver: first.ver, claims: first.claims, shape: 1, queued: first.queued };
        return Ok((head, first.body.get()));
    }
    let head = |mut rest: &'a [u8]| -> Option<(Head, &'a [u8])> {
        let ver = read_number(&mut rest)?;
        let claims = u32::try_from(read_number(&mut rest)?).ok()?;
        let shape = u32::try_from(read_number(&mut rest)?).ok()?;
        let queue = usize::try_from(read_number(&mut rest)?).ok()?;
        let mut queued = None;
        if queue > 0 {
            let (name, after) = rest.split_at_checked(queue)?;
            let (due, after) = after.split_first_chunk::<8>()?;
            let name = QueueName::stored(String::from_utf8(name.to_vec()).ok()?);
            queued = Some(Queued { queue: name, due: i64::from_le_bytes(*due) });
            rest = after;
        }
        Some((Head { ver, claims, shape, queued }, rest))
    };
    let rest = value.strip_prefix(&[HEAD]).ok_or_else(|| damaged("it does not begin like a record"))?;
    let (head, body) = head(rest).ok_or_else(|| damaged("its head breaks off"))?;
    Ok((head, std::str::from_utf8(body).map_err(|_| damaged("its body is not text"))?))
}

pub(super) fn decode(key: &[u8], value: &[u8]) -> Result<Raw, ReadError> {
    let (kind, id) = parts(key)?;
    let (head, body) = read(key, value)?;
    let Head { ver, claims, shape, queued } = head;
    Ok(Raw { kind, id: id.to_owned(), ver, queued, claims, shape, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for queued in [None, Some(Queued { queue: QueueName::new("slack", "x"), due: -7 })] {
            let written = Written { queued, shape: 3, body: r#"{"a":"ü"}"#.to_owned(), typed: None };
            let bytes = encode(300, 2, &written);
            assert!(bytes.ends_with(written.body.as_bytes()));
            for ver in [0, 1, 127, 128, 16_383, 16_384, u64::MAX] {
                assert_eq!(encode(ver, 2, &written).len(), size(ver, 2, &written), "{ver}");
            }
            let body = bytes.len() - written.body.len();
            let raw = decode(b"Mx", &bytes).err();
            assert!(raw.is_some(), "M is no kind");
            let raw = decode(b"0x", &bytes).expect("it reads");
            assert_eq!((raw.ver, raw.claims, raw.shape, &raw.queued), (300, 2, 3, &written.queued));
            assert_eq!(raw.body, written.body);
            for end in 0..body {
                assert!(decode(b"0x", &bytes[..end]).is_err(), "cut off at {end}");
            }
        }
    }

    #[test]
    fn the_first_layout_is_read() {
        let raw = decode(b"Ox", br#"{"ver":2,"queued":{"queue":"page/u","due":5},"claims":1,"body":{"v":1}}"#);
        let raw = raw.expect("it reads");
        assert_eq!((raw.ver, raw.claims, raw.shape, raw.body.as_str()), (2, 1, 1, r#"{"v":1}"#));
        assert_eq!(raw.queued, Some(Queued { queue: QueueName::new("page", "u"), due: 5 }));
    }
}
