//! Export and import: every record as one JSON line, lossless both ways. It is also the way to another engine and the
//! only way to make a store smaller.

use std::io::{BufRead, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::{Engine, Kind, Op, Rec};

#[derive(Serialize, Deserialize)]
struct Head {
    muster_export: u32,
}

const FORMAT: u32 = 1;

/// Writes a head line and every record; how many.
///
/// # Errors
/// The store cannot be read, or the file not written.
pub fn export(store: &dyn Engine, out: &mut dyn Write) -> anyhow::Result<usize> {
    serde_json::to_writer(&mut *out, &Head { muster_export: FORMAT })?;
    out.write_all(b"\n")?;
    let mut count = 0;
    for kind in Kind::ALL {
        let mut from = String::new();
        loop {
            let page = store.scan(kind, &from, "", 500)?;
            let Some(last) = page.last() else { break };
            from = format!("{}\0", last.id);
            for rec in &page {
                serde_json::to_writer(&mut *out, rec)?;
                out.write_all(b"\n")?;
            }
            count += page.len();
        }
    }
    out.flush()?;
    Ok(count)
}

/// Reads what [`export`] wrote into an empty store; how many.
///
/// # Errors
/// A line that is no record (with its number), or a store that is not empty.
pub async fn import(store: &dyn Engine, input: &mut (dyn BufRead + Send)) -> anyhow::Result<usize> {
    for kind in Kind::ALL {
        if !store.scan(kind, "", "", 1)?.is_empty() {
            bail!("the store is not empty; import into a new directory, so that nothing is mixed up or lost");
        }
    }
    let mut lines = input.lines().enumerate();
    let head = lines.next().context("the file is empty")?.1?;
    let head: Head = serde_json::from_str(&head).context("line 1 is not the head of a Muster export")?;
    if head.muster_export != FORMAT {
        bail!("the export has format {}, and this Muster reads {FORMAT}", head.muster_export);
    }
    let mut count = 0;
    let mut batch = Vec::new();
    for (index, line) in lines {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let rec: Rec = serde_json::from_str(&line).with_context(|| format!("line {} is no record", index + 1))?;
        batch.push(Op::Restore(rec));
        count += 1;
        if batch.len() == 200 {
            store.commit(std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    Ok(count)
}
