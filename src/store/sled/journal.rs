//! The journal: what was committed, in order, in files that are only appended to. A commit is durable once its frame is synced here. The database
//! may follow later. After a crash it is made whole from the journal.
//!
//! A segment (`<first sequence>.log`) is a row of frames: length, checksum, sequence number, and the keys and values of one round. Its room is
//! taken beforehand, so it ends with zeros. Under load, the next segment (`next`) is prepared in the background. A frame that breaks off at the
//! very end was never answered, and is cut off. A damaged frame with good ones after it is lost data, and the journal is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::frame::{Frame, encode};
use super::mark::Mark;
use super::segments::{is_below, missing, reaches_to, read, segment, segments};
use crate::store::bytes::{Changes, WriteError};

/// After this size, another segment is begun.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// How much room a segment gets at once.
const STEP_BYTES: u64 = 4 * 1024 * 1024;
/// The name of a prepared segment, which holds only zeros.
const NEXT: &str = "next";
pub(super) const SEGMENT_ROOM: u64 = SEGMENT_BYTES + STEP_BYTES;

#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// Where each segment begins, the open one last.
    segments: Vec<u64>,
    file: File,
    end: u64,
    /// How much room the open segment has.
    room: u64,
    /// Whether rounds are missing in it that the database had.
    has_gap: bool,
    last: Mark,
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// If the disk is full, nothing was written. After any other error, the state is unknown.
fn failed(error: &io::Error) -> WriteError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            WriteError::NoRoom("the disk is full. Free some space, and Muster goes on by itself".to_owned())
        }
        _ => WriteError::Broken(format!("the journal cannot be written: {error}")),
    }
}

impl Journal {
    /// Opens the journal in a folder, or begins one, and gives the frames above a sequence number to `replay`, in order. It does not read
    /// rounds up to the base. It changes nothing before it knows that no answered round is missing.
    ///
    /// # Errors
    /// It is damaged, does not reach back to that number or up to the mark, or cannot be read.
    pub(super) fn open(
        folder: &Path,
        above: u64,
        base: u64,
        mark: Mark,
        mut replay: impl FnMut(Frame) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let _ = fs::remove_file(folder.join("next.new"));
        let segments = segments(folder)?;
        let (mut segments, mut last, mut end, mut written) = (segments, above, 0, Mark::default());
        let mut has_gap = false;
        for (index, first) in segments.iter().enumerate() {
            if is_below(&segments, index, above) {
                // The database has all rounds. Whether it could be made anew is checked elsewhere.
                has_gap |= !is_below(&segments, index, base) && !reaches_to(folder, &segments, index);
                continue;
            }
            let path = segment(folder, *first);
            let read = read(&path, index + 1 == segments.len())?;
            end = read.end;
            for frame in read.frames {
                written = frame.mark();
                if frame.sequence <= last {
                    continue;
                }
                if frame.sequence != last + 1 {
                    bail!("{}: the journal begins after that", missing(last, frame.sequence));
                }
                last = frame.sequence;
                replay(frame)?;
            }
        }
        let is_written = written.round == last;
        mark.insist(if is_written { written } else { Mark { round: last, sum: 0 } })?;
        // The last segment should reach up to here, but it is empty or shorter.
        let is_torn = segments.last().is_some_and(|first| *first <= last) && last > base;
        has_gap |= !is_written && (is_torn || written.round > 0);
        // After a gap, a new segment is begun.
        if segments.is_empty() || !is_written {
            for empty in segments.iter().filter(|first| **first > last) {
                let path = segment(folder, *empty);
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            segments.retain(|first| *first <= last);
            segments.push(last + 1);
            end = 0;
        }
        let path = segment(folder, segments[segments.len() - 1]);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        // The frame that breaks off was never answered.
        file.set_len(end).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))?;
        sync_folder(folder).with_context(|| format!("cannot sync {}", folder.display()))?;
        let last = if written.round == last { written } else { Mark { round: last, sum: 0 } };
        Ok(Self { folder: folder.to_owned(), segments, file, end, room: end, has_gap, last })
    }

    pub(super) fn bytes(&self) -> io::Result<u64> {
        let (_, closed) = self.segments.split_last().unwrap_or((&0, &[]));
        let sizes = closed.iter().map(|first| Ok(fs::metadata(segment(&self.folder, *first))?.len()));
        Ok(sizes.sum::<io::Result<u64>>()? + self.end)
    }

    /// The last round in it, or in the database if that had more when it was opened.
    pub(super) fn last(&self) -> Mark {
        self.last
    }

    /// Appends the next round; it is on disk when this returns.
    pub(super) fn append(&mut self, changes: &Changes) -> Result<Mark, WriteError> {
        let sequence = self.last.round + 1;
        if self.end >= SEGMENT_BYTES {
            self.begin(sequence).map_err(|error| failed(&error))?;
        }
        let (frame, sum) = encode(sequence, changes);
        let needed = self.end + frame.len() as u64;
        let written = self.make_room(needed).and_then(|()| self.file.write_all_at(&frame, self.end));
        if let Err(error) = written {
            // Half of a frame must not be read as a later frame.
            let cut = self.file.set_len(self.end).and_then(|()| self.file.sync_all());
            self.room = self.end;
            return Err(cut.map_or_else(|error| WriteError::Broken(error.to_string()), |()| failed(&error)));
        }
        // After a failed sync, the state of the disk is unknown.
        self.file.sync_data().map_err(|error| WriteError::Broken(format!("the journal cannot be synced: {error}")))?;
        self.end = needed;
        self.last = Mark { round: sequence, sum };
        Ok(self.last)
    }

    /// Writes zeros where the next frames go. A later sync then only writes data, and the disk cannot be too full for it.
    fn make_room(&mut self, needed: u64) -> io::Result<()> {
        if needed > self.room {
            let room = needed.div_ceil(STEP_BYTES) * STEP_BYTES;
            let zeros = vec![0; usize::try_from(room - self.room).unwrap_or_default()];
            self.file.write_all_at(&zeros, self.room)?;
            self.file.sync_all()?;
            self.room = room;
        }
        Ok(())
    }

    /// Begins another segment. It uses the prepared one, if there is one.
    fn begin(&mut self, first: u64) -> io::Result<()> {
        let path = segment(&self.folder, first);
        let is_ready = fs::rename(self.folder.join(NEXT), &path).is_ok();
        // An empty one may be left from a time when the folder could not be synced.
        let file = OpenOptions::new().create(true).truncate(!is_ready).write(true).open(path)?;
        sync_folder(&self.folder)?;
        self.segments.push(first);
        (self.room, self.end) = (file.metadata()?.len(), 0);
        self.file = file;
        Ok(())
    }

    /// The folder, if another segment will be needed soon and none is prepared.
    pub(super) fn needs_another(&self) -> Option<PathBuf> {
        let soon = self.end >= SEGMENT_BYTES / 2 && !self.folder.join(NEXT).exists();
        soon.then(|| self.folder.clone())
    }

    /// Removes the segments that have no round after this one. The open one stays.
    pub(super) fn forget(&mut self, up_to: u64) -> io::Result<()> {
        self.has_gap = false;
        while self.segments.len() > 1 && self.segments[1] <= up_to + 1 {
            fs::remove_file(segment(&self.folder, self.segments[0]))?;
            self.segments.remove(0);
        }
        Ok(())
    }

    /// Whether it has every round after this one.
    pub(super) fn reaches_back_to(&self, round: u64) -> bool {
        self.segments.first().is_some_and(|first| *first <= round + 1) && !self.has_gap
    }

    /// Copies all segments, the open one as far as it is written. Closed segments never change, so they are linked if possible.
    pub(super) fn copy_to(&self, folder: &Path) -> io::Result<()> {
        for (index, first) in self.segments.iter().enumerate() {
            let (from, to) = (segment(&self.folder, *first), segment(folder, *first));
            let is_open = index + 1 == self.segments.len();
            if is_open || fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
            }
            if is_open {
                let file = OpenOptions::new().write(true).open(&to)?;
                file.set_len(self.end)?;
                file.sync_all()?;
            }
        }
        sync_folder(folder)
    }
}

/// Prepares the next segment, so that no commit waits for its room. It writes a little at a time, because commits need the disk too.
///
/// # Errors
/// The disk failed or is full. The next segment then gets its room when it is needed.
pub(super) fn make_another(folder: &Path) -> io::Result<()> {
    const PART: usize = 256 * 1024;
    let beside = folder.join("next.new");
    let make = || {
        let file = File::create(&beside)?;
        let zeros = vec![0; PART];
        for at in (0..SEGMENT_ROOM).step_by(PART) {
            file.write_all_at(&zeros, at)?;
            file.sync_data()?;
        }
        file.sync_all()?;
        fs::rename(&beside, folder.join(NEXT))
    };
    make().inspect_err(|_| {
        // Free its room for what is needed now.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::sled::segments::replay;

    fn changes(n: u64) -> Changes {
        [(vec![b'a', n as u8], Some(vec![n as u8; n as usize % 50])), (vec![b'b'], None)].into()
    }

    fn filled(rounds: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::open(folder.path(), 0, 0, Mark::default(), |_| Ok(())).expect("it opens");
        assert_eq!(journal.last(), Mark::default());
        for n in 1..=rounds {
            journal.append(&changes(n)).expect("it appends");
        }
        let path = segment(folder.path(), 1);
        (folder, path)
    }

    fn reopened(folder: &Path, above: u64) -> anyhow::Result<Vec<u64>> {
        let mut seen = Vec::new();
        Journal::open(folder, above, 0, Mark::default(), |frame| {
            assert_eq!(frame.changes, changes(frame.sequence));
            seen.push(frame.sequence);
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn what_was_appended_is_replayed_from_where_it_is_asked() {
        let (folder, _) = filled(5);
        assert_eq!(reopened(folder.path(), 0).expect("it opens"), [1, 2, 3, 4, 5]);
        assert_eq!(reopened(folder.path(), 3).expect("it opens"), [4, 5]);
        let mut journal = Journal::open(folder.path(), 5, 0, Mark::default(), |_| Ok(())).expect("it opens");
        journal.append(&changes(6)).expect("it appends");
        assert_eq!(reopened(folder.path(), 4).expect("it opens"), [5, 6]);
    }

    #[test]
    fn segments_below_a_mark_go_and_a_gap_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::open(folder.path(), 0, 0, Mark::default(), |_| Ok(())).expect("it opens");
        let large: Changes = [(vec![b'x'], Some(vec![7; 9 * 1024 * 1024]))].into();
        for _ in 0..4 {
            journal.append(&large).expect("it appends");
        }
        assert_eq!(journal.segments, [1, 3]);
        journal.forget(1).expect("it forgets");
        assert_eq!(journal.segments, [1, 3], "round 2 is in the first one");
        journal.forget(2).expect("it forgets");
        assert_eq!(journal.segments, [3]);
        let error =
            Journal::open(folder.path(), 1, 0, Mark::default(), |_| Ok(())).expect_err("it refuses").to_string();
        assert!(error.contains("round 2 is missing"), "{error}");
    }

    /// The prepared segment becomes the next one. A half-prepared one is removed. Neither counts as rounds.
    #[test]
    fn a_segment_that_is_ready_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let has = |name: &str| folder.path().join(name).exists();
        fs::write(folder.path().join("next.new"), [1; 100]).expect("it writes");
        let mut journal = Journal::open(folder.path(), 0, 0, Mark::default(), |_| Ok(())).expect("it opens");
        assert!(!has("next.new") && journal.needs_another().is_none(), "little is written");
        let large: Changes = [(vec![b'x'], Some(vec![7; 9 * 1024 * 1024]))].into();
        journal.append(&large).expect("it appends");
        make_another(&journal.needs_another().expect("it is half full")).expect("there is room");
        assert!(has(NEXT) && journal.needs_another().is_none());
        for _ in 0..2 {
            journal.append(&large).expect("it appends");
        }
        assert!(!has(NEXT), "the third round begins a segment");
        assert_eq!((journal.segments.as_slice(), journal.room), (&[1, 3][..], SEGMENT_ROOM));
        drop(journal);
        let mut rounds = Vec::new();
        let journal = Journal::open(folder.path(), 0, 0, Mark::default(), |frame| {
            rounds.push(frame.sequence);
            Ok(())
        })
        .expect("it opens");
        assert_eq!((rounds, journal.last().round), (vec![1, 2, 3], 3));
        assert_eq!(replay(folder.path(), 0, |_| Ok(())).expect("it reads"), 3);
    }

    #[test]
    fn damage_in_the_middle_is_refused() {
        let (folder, path) = filled(9);
        let mut bytes = fs::read(&path).expect("it reads");
        bytes[70] ^= 1;
        fs::write(&path, bytes).expect("it writes");
        let error = reopened(folder.path(), 0).expect_err("it refuses").to_string();
        assert!(error.contains("there are rounds after the damage"), "{error}");
    }

    proptest! {
        #[test]
        fn a_journal_that_breaks_off_is_a_journal_of_fewer_rounds(rounds in 1..12u64, keep in 0.0..1.0f64) {
            let (folder, path) = filled(rounds);
            let bytes = fs::read(&path).expect("it reads");
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let keep = (end as f64 * keep) as usize;
            fs::write(&path, &bytes[..keep]).expect("it writes");
            let seen = reopened(folder.path(), 0).expect("it opens");
            prop_assert_eq!(seen.clone(), (1..=seen.len() as u64).collect::<Vec<_>>());
            // And it goes on after them.
            let mut journal = Journal::open(folder.path(), 0, 0, Mark::default(), |_| Ok(())).expect("it opens");
            let last = journal.append(&changes(journal.last().round + 1)).expect("it appends").round;
            prop_assert_eq!(reopened(folder.path(), 0).expect("it opens").len() as u64, last);
        }
    }
}
