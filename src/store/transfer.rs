//! Export and import: every record is one JSON line, and nothing is lost. This is also the way to another engine, and the
//! only way to make a store smaller.

use std::io::{BufRead, Seek, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Engine, Kind, Op, Queued, Raw, Step, Written};

#[derive(Serialize, Deserialize)]
struct Head {
    muster_export: u32,
}

/// The format that is written today. The first had no shapes, the second no last line, the third no checksum. All can still be read.
const FORMAT: u32 = 4;
/// From this format on, the last line says how many records there are; and from this one on, the checksum of all lines before it.
const COUNTED: u32 = 3;
const SUMMED: u32 = 4;

/// The last line. If it is missing or does not fit, the export was cut or changed.
#[derive(Serialize, Deserialize)]
struct End {
    muster_export_end: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<u32>,
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

/// Sums up what is written.
struct Summed<'a> {
    out: &'a mut (dyn Write + Send),
    sum: crc32fast::Hasher,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Writes a head line, every record, and a last line with their number and a checksum. Returns their number.
///
/// # Errors
/// The store cannot be read, or the file cannot be written.
pub async fn export(store: &dyn Engine, out: &mut (dyn Write + Send)) -> anyhow::Result<usize> {
    let mut out = Summed { out, sum: crc32fast::Hasher::new() };
    serde_json::to_writer(&mut out, &Head { muster_export: FORMAT })?;
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
                serde_json::to_writer(&mut out, &Line { kind, id, ver, queued, claims, shape, body })?;
                out.write_all(b"\n")?;
            }
        }
    }
    let crc32 = Some(out.sum.clone().finalize());
    serde_json::to_writer(&mut out, &End { muster_export_end: count, crc32 })?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(count)
}

/// Reads what [`export`] wrote into an empty store. Returns the number of records. The export is read twice: nothing is written before it was
/// found whole. `without_end` takes what an older Muster wrote, where nobody can see whether it was changed.
///
/// # Errors
/// A line is not a record (its number is said), the store is not empty, or the export was cut or changed.
pub async fn import<R: BufRead + Seek + Send>(
    store: &dyn Engine,
    input: &mut R,
    without_end: bool,
) -> anyhow::Result<usize> {
    for kind in Kind::ALL.iter().copied() {
        if !store.scan(kind, "", "", 1).await?.is_empty() {
            bail!(
                "the store is not empty. Import into a new directory, or an empty database or schema, so that nothing is mixed up or lost"
            );
        }
    }
    const NOTHING: &str = "The export cannot be imported, and nothing was written";
    let count = Reader::new(&mut *input, without_end)
        .and_then(|lines| lines.map(|op| op.map(drop)).try_fold(0, |count, op| op.map(|()| count + 1)))
        .context(NOTHING)?;
    input.rewind()?;
    let mut lines = Reader::new(input, without_end)?.peekable();
    while lines.peek().is_some() {
        let ops = lines.by_ref().take(200).collect::<anyhow::Result<_>>();
        let written = async { anyhow::Ok(store.commit(ops?).await?) }.await;
        written.context("the import broke off. The new store holds only a part: start again with an empty one")?;
    }
    Ok(count)
}

/// The records of an export, and after the last one whatever is wrong with the whole.
struct Reader<R> {
    lines: std::iter::Enumerate<std::io::Lines<R>>,
    format: u32,
    without_end: bool,
    count: usize,
    /// Of all lines so far.
    sum: crc32fast::Hasher,
    end: Option<End>,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    fn new(input: R, without_end: bool) -> anyhow::Result<Self> {
        let mut lines = input.lines().enumerate();
        let first = lines.next().context("the file is empty")?.1?;
        let head: Head = serde_json::from_str(&first).context("line 1 is not the head of a Muster export")?;
        let format = head.muster_export;
        if !(1..=FORMAT).contains(&format) {
            bail!("the export has format {format}, but this Muster reads only up to format {FORMAT}");
        }
        let sum = crc32fast::Hasher::new();
        let mut reader = Self { lines, format, without_end, count: 0, sum, end: None, is_over: false };
        reader.add(&first);
        Ok(reader)
    }

    fn add(&mut self, line: &str) {
        self.sum.update(line.as_bytes());
        self.sum.update(b"\n");
    }

    fn read(&mut self) -> anyhow::Result<Option<Op>> {
        while let Some((index, line)) = self.lines.next() {
            let (number, line) = (index + 1, line?);
            if line.trim().is_empty() {
                continue;
            }
            if self.end.is_some() {
                bail!("line {number} comes after the end of the export");
            }
            if line.starts_with("{\"muster_export_end\"") {
                let end = serde_json::from_str(&line);
                self.end = Some(end.with_context(|| format!("line {number} is not the end of an export"))?);
                continue;
            }
            self.add(&line);
            let line: Line = serde_json::from_str(&line).with_context(|| format!("line {number} is not a record"))?;
            if line.shape > line.kind.shape() {
                bail!("line {number} was written by a newer Muster: {} of shape {}", line.kind.name(), line.shape);
            }
            self.count += 1;
            let (queued, shape, body) = (line.queued, line.shape, line.body.get().to_owned());
            let step = Step::Restore {
                ver: line.ver,
                claims: line.claims,
                written: Written { queued, shape, body, typed: None },
            };
            return Ok(Some(Op { kind: line.kind, id: line.id, step }));
        }
        self.insist_on_the_end().map(|()| None)
    }

    fn insist_on_the_end(&self) -> anyhow::Result<()> {
        let (count, end) = (self.count, self.end.as_ref());
        let whole = "Use a whole export; `muster export` makes one";
        if self.format >= COUNTED && end.is_none() {
            bail!(
                "it was cut: its last line is missing, which says how many records it has. Records read: {count}. {whole}"
            );
        }
        if let Some(told) = end.map(|end| end.muster_export_end).filter(|told| *told != count) {
            bail!("it is not whole. Records read: {count}; the last line says {told}. {whole}");
        }
        match end.and_then(|end| end.crc32) {
            Some(crc32) if crc32 != self.sum.clone().finalize() => {
                bail!(
                    "it was changed after it was written: its lines do not have the checksum of its last line. {whole}"
                )
            }
            None if self.format >= SUMMED => bail!("its last line has no checksum, so it was changed. {whole}"),
            None if !self.without_end => bail!(
                "an older Muster wrote it, without a checksum at its end. So nobody can see whether it was cut or changed. Export again with this \
                 Muster; or, if you trust the file, use --without-end"
            ),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = anyhow::Result<Op>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        read
    }
}
