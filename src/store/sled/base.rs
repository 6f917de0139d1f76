//! A base: every key and value at one round, in a file of frames.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::database::{HEAD_KEY, SCHEMA_KEY};
use super::directory::sync_directory;
use super::frame::{decode, encode};
use crate::store::bytes::Changes;

/// About how many bytes of keys and values are in one frame of a base.
const BASE_FRAME_BYTES: usize = 256 * 1024;

pub(super) fn base_file(directory: &Path, round: u64) -> PathBuf {
    directory.join(format!("base-{round:016}"))
}

/// The newest base in a directory, whatever `store.json` says.
pub(super) fn newest_base(directory: &Path) -> Option<u64> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.strip_prefix("base-")?.parse().ok()).max()
}

/// Removes unfinished and old bases that a crash left behind.
pub(super) fn forget_other_bases(directory: &Path, counts: Option<u64>) {
    let _ = fs::remove_file(directory.join("base.new"));
    let Some(counts) = counts.map(|base| base_file(directory, base)) else {
        return;
    };
    for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_base = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("base"));
        if is_base && path.is_file() && path != counts {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a base of what sled has at this round or later. Returns its size. If it cannot be written, nothing of it is left.
pub(super) fn base(
    directory: &Path,
    db: &::sled::Db,
    round: u64,
    has_room: impl FnMut(u64) -> io::Result<()>,
) -> anyhow::Result<u64> {
    let beside = directory.join("base.new");
    let own = |key: &[u8]| key == SCHEMA_KEY || key == HEAD_KEY;
    let pairs = db.iter().filter(|pair| !pair.as_ref().is_ok_and(|(key, _)| own(key)));
    let pairs = pairs.map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(io::Error::other));
    let written = write_base(&beside, pairs, has_room);
    let size = written.context("the base cannot be written").inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })?;
    fs::rename(&beside, base_file(directory, round)).context("the base cannot be put in its place")?;
    sync_directory(directory)?;
    Ok(size)
}

/// Writes a base: every key and value, in frames. It asks `has_room` before each frame, and returns the size.
fn write_base(
    path: &Path,
    mut pairs: impl Iterator<Item = io::Result<(Vec<u8>, Vec<u8>)>>,
    mut has_room: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut to = io::BufWriter::new(File::create(path)?);
    let (mut size, mut sequence, mut more) = (0, 0, true);
    while more {
        let (mut changes, mut bytes) = (Changes::new(), 0);
        while bytes < BASE_FRAME_BYTES {
            match pairs.next().transpose()? {
                Some((key, value)) => {
                    bytes += key.len() + value.len();
                    changes.insert(key, Some(value));
                }
                None => {
                    more = false;
                    break;
                }
            }
        }
        sequence += 1;
        // A frame without changes is the last.
        for changes in [Some(changes), (!more).then(Changes::new)].into_iter().flatten() {
            let (frame, _) = encode(sequence, &changes);
            has_room(frame.len() as u64)?;
            io::Write::write_all(&mut to, &frame)?;
            size += frame.len() as u64;
        }
    }
    to.into_inner()?.sync_all()?;
    Ok(size)
}

/// Reads a base, and gives each frame to `take`.
pub(super) fn read_base(path: &Path, mut take: impl FnMut(Changes) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut at, mut is_whole) = (0, false);
    while let Some((frame, length)) = decode(&bytes[at..]) {
        is_whole = frame.changes.is_empty();
        at += length;
        take(frame.changes)?;
    }
    if !is_whole || at != bytes.len() {
        bail!("{} is damaged at byte {at}", path.display());
    }
    Ok(())
}
