//! Reads the files of a journal without changing them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::frame::{Frame, decode, has_a_frame};
use super::mark::Mark;

/// A segment as it was read.
pub(super) struct Read {
    pub(super) frames: Vec<Frame>,
    pub(super) end: u64,
}

pub(super) fn read(path: &Path, is_last: bool) -> anyhow::Result<Read> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut frames, mut at) = (Vec::<Frame>::new(), 0);
    while let Some((frame, length)) = decode(&bytes[at..]) {
        if frames.last().is_some_and(|last| last.sequence + 1 != frame.sequence) {
            bail!("{} is damaged: round {} does not follow the round before it", path.display(), frame.sequence);
        }
        frames.push(frame);
        at += length;
    }
    let rest = &bytes[at..];
    let ends = if is_last { !has_a_frame(rest) } else { rest.iter().all(|byte| *byte == 0) };
    if !ends {
        let last = frames.last().map_or(0, |frame| frame.sequence);
        bail!("{} is damaged after round {last}, and there are rounds after the damage", path.display());
    }
    Ok(Read { frames, end: at as u64 })
}

/// Where the segments of a journal begin, in order. Makes the folder if there is none.
pub(super) fn segments(folder: &Path) -> anyhow::Result<Vec<u64>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut segments: Vec<u64> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".log")?.parse().ok())
        .collect();
    segments.sort_unstable();
    Ok(segments)
}

pub(super) fn segment(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016}.log"))
}

/// The first and the last round of a journal; `None` if it is empty. Segments that end at or before this round, which a base has, are not
/// read.
pub(super) fn inspect(folder: &Path, above: u64) -> anyhow::Result<Option<(u64, Mark)>> {
    if !folder.exists() {
        return Ok(None);
    }
    let segments = segments(folder)?;
    let mut seen: Option<(u64, Mark)> = None;
    for (index, first) in segments.iter().enumerate() {
        if is_below(&segments, index, above) {
            continue;
        }
        for frame in read(&segment(folder, *first), index + 1 == segments.len())?.frames {
            if let Some((_, last)) = seen.filter(|(_, last)| last.round + 1 != frame.sequence) {
                bail!("{}", missing(last.round, frame.sequence));
            }
            seen = Some((seen.map_or(frame.sequence, |(first, _)| first), frame.mark()));
        }
    }
    Ok(seen)
}

/// Reads the rounds after a sequence number, and gives each to `replay`. Returns the last round.
///
/// # Errors
/// It is damaged, rounds are missing, or it cannot be read.
pub(super) fn replay(
    folder: &Path,
    above: u64,
    mut replay: impl FnMut(Frame) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let segments = segments(folder)?;
    let mut last = above;
    for (index, first) in segments.iter().enumerate() {
        if is_below(&segments, index, above) {
            continue;
        }
        let read = read(&segment(folder, *first), index + 1 == segments.len())?;
        for frame in read.frames.into_iter().filter(|frame| frame.sequence > above) {
            if frame.sequence != last + 1 {
                bail!("in the journal, {}", missing(last, frame.sequence));
            }
            last = frame.sequence;
            replay(frame)?;
        }
    }
    Ok(last)
}

/// Reads the whole rounds after a sequence number, one after another, up to damage or a missing round. Returns the last of them.
///
/// # Errors
/// It cannot be read, or `replay` fails.
pub(super) fn replay_whole(
    folder: &Path,
    above: u64,
    mut replay: impl FnMut(Frame) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut last = above;
    for first in segments(folder)? {
        let path = segment(folder, first);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut at = 0;
        while let Some((frame, length)) = decode(&bytes[at..]) {
            at += length;
            if frame.sequence > last + 1 {
                return Ok(last);
            }
            if frame.sequence == last + 1 {
                last = frame.sequence;
                replay(frame)?;
            }
        }
    }
    Ok(last)
}

/// Says which rounds are missing between two.
pub(super) fn missing(last: u64, next: u64) -> String {
    let (first, last) = (last + 1, next - 1);
    if first == last { format!("round {first} is missing") } else { format!("rounds {first} to {last} are missing") }
}

/// Whether a segment has no round after this one, because the next segment begins there.
pub(super) fn is_below(segments: &[u64], index: usize, above: u64) -> bool {
    segments.get(index + 1).is_some_and(|next| *next <= above + 1)
}

/// Whether a segment has every round up to the start of the next one.
pub(super) fn reaches_to(folder: &Path, segments: &[u64], index: usize) -> bool {
    let last =
        read(&segment(folder, segments[index]), false).map(|read| read.frames.last().map(|frame| frame.sequence));
    last.is_ok_and(|last| last.is_some_and(|last| segments.get(index + 1) == Some(&(last + 1))))
}
