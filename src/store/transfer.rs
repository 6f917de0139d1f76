//! Export and import: every record is one JSON line, and nothing is lost. This is also the way to another engine, and the
//! only way to make a store smaller.

use std::io::{BufRead, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Engine, Kind, Op, Queued, Raw, Step, Written};

#[derive(Serialize, Deserialize)]
struct Head {
    muster_export: u32,
}

/// The format that is written today. The first had no shapes, the second no last line. Both can still be read.
const FORMAT: u32 = 3;

/// The last line. If it is missing or its count is wrong, records are missing.
#[derive(Serialize, Deserialize)]
struct End {
    muster_export_end: usize,
}

/// A record in an export.
#[derive(Serialize, Deserialize)]
struct Line {
    kind: Kind,
    id: String,
    ver: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queued: Option<Queued>,
    #[serde(default)]
    claims: u32,
    #[serde(default = "first")]
    shape: u32,
    body: Box<RawValue>,
}

fn first() -> u32 {
    1
}

/// Writes a head line, every record, and a last line with their number. Returns their number.
///
/// # Errors
/// The store cannot be read, or the file cannot be written.
pub async fn export(store: &dyn Engine, out: &mut (dyn Write + Send)) -> anyhow::Result<usize> {
    serde_json::to_writer(&mut *out, &Head { muster_export: FORMAT })?;
    out.write_all(b"\n")?;
    let mut count = 0;
    for kind in Kind::ALL.iter().copied() {
        let mut from = String::new();
        loop {
            let page = store.scan(kind, &from, "", 500).await?;
            let Some(last) = page.last() else { break };
            from = format!("{}\0", last.id);
            count += page.len();
            for Raw { kind, id, ver, queued, claims, shape, body } in page {
                let body = RawValue::from_string(body).with_context(|| format!("{kind:?} `{id}` is damaged"))?;
                serde_json::to_writer(&mut *out, &Line { kind, id, ver, queued, claims, shape, body })?;
                out.write_all(b"\n")?;
            }
        }
    }
    serde_json::to_writer(&mut *out, &End { muster_export_end: count })?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(count)
}

/// Reads what [`export`] wrote into an empty store. Returns the number of records.
///
/// # Errors
/// A line is not a record (its number is said), the store is not empty, or lines of the export are missing.
pub async fn import(store: &dyn Engine, input: &mut (dyn BufRead + Send)) -> anyhow::Result<usize> {
    for kind in Kind::ALL.iter().copied() {
        if !store.scan(kind, "", "", 1).await?.is_empty() {
            bail!(
                "the store is not empty. Import into a new directory, or an empty database or schema, so that nothing is mixed up or lost"
            );
        }
    }
    let mut lines = input.lines().enumerate();
    let head = lines.next().context("the file is empty")?.1?;
    let head: Head = serde_json::from_str(&head).context("line 1 is not the head of a Muster export")?;
    if !(1..=FORMAT).contains(&head.muster_export) {
        bail!("the export has format {}, but this Muster reads only up to format {FORMAT}", head.muster_export);
    }
    let (mut count, mut end) = (0, None);
    let mut batch = Vec::new();
    for (index, line) in lines {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("{\"muster_export_end\"") {
            end = serde_json::from_str::<End>(&line).ok();
            continue;
        }
        let line: Line = serde_json::from_str(&line).with_context(|| format!("line {} is not a record", index + 1))?;
        if line.shape > line.kind.shape() {
            bail!("line {} was written by a newer Muster: {} of shape {}", index + 1, line.kind.name(), line.shape);
        }
        let written = Written { queued: line.queued, shape: line.shape, body: line.body.get().to_owned(), typed: None };
        let step = Step::Restore { ver: line.ver, claims: line.claims, written };
        batch.push(Op { kind: line.kind, id: line.id, step });
        count += 1;
        if batch.len() == 200 {
            store.commit(std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    let told = end.map(|end| end.muster_export_end);
    if head.muster_export >= 3 && told != Some(count) {
        let told = told.map_or("the last line, which says how many, is missing".to_owned(), |told| {
            format!("the last line says {told}")
        });
        bail!(
            "the export is not whole. Records read: {count}; {told}. These records are in the store now. Import a whole export into an \
             empty store"
        );
    }
    Ok(count)
}
