//! The mark: the last round that was synced in the journal, and its checksum, in a file of its own. A journal that ends before it
//! has lost rounds that were answered. It is written after each round and not synced. After a power cut it may be behind, but never ahead.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Round, checksum of the round, checksum of both.
const BYTES: usize = 8 + 4 + 4;

/// How far the journal had come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// At least the last round that was answered.
    pub(super) round: u64,
    /// The checksum of its frame; 0 if it is not known.
    pub(super) sum: u32,
}

impl Mark {
    /// Reads the mark in a file; `None` if there is no file or it is damaged.
    pub(super) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (of, sum) = bytes.split_at_checked(BYTES - 4)?;
        let number = |at: usize| Some(u32::from_le_bytes(*of.get(at..)?.first_chunk()?));
        (*sum == crc32fast::hash(of).to_le_bytes())
            .then(|| Some(Self { round: u64::from_le_bytes(*of.first_chunk()?), sum: number(8)? }))
            .flatten()
    }

    fn encode(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.round.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.sum.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..12]);
        bytes[12..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Insists that a journal with this last round has every round that was answered.
    ///
    /// # Errors
    /// It ends before the mark, or its last round is a different one.
    pub(super) fn insist(self, last: Self) -> anyhow::Result<()> {
        if last.round < self.round {
            bail!("the last round is {}, but round {} was answered", last.round, self.round);
        }
        if last.round == self.round && last.sum != self.sum && last.sum != 0 && self.sum != 0 {
            bail!("round {} is not the round that was answered", self.round);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct MarkFile(File);

impl MarkFile {
    /// Opens it, or makes it, and writes this mark into it, durably.
    pub(super) fn open(path: &Path, mark: Mark) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let written = file
            .set_len(BYTES as u64)
            .and_then(|()| file.write_all_at(&mark.encode(), 0))
            .and_then(|()| file.sync_all());
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(file))
    }

    /// Moves the mark. If that fails, the mark stays behind: it then claims too little, never too much.
    pub(super) fn move_to(&self, mark: Mark) {
        let _ = self.0.write_all_at(&mark.encode(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_one_that_is_damaged_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mark");
        assert_eq!(Mark::read(&path).expect("it reads"), None);
        let file = MarkFile::open(&path, Mark { round: 7, sum: 1 }).expect("it opens");
        file.move_to(Mark { round: u64::MAX - 1, sum: 0xdead_beef });
        assert_eq!(Mark::read(&path).expect("it reads"), Some(Mark { round: u64::MAX - 1, sum: 0xdead_beef }));
        let whole = fs::read(&path).expect("it reads");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::decode(&bytes), None, "bit {bit}");
        }
        assert!((0..whole.len()).all(|length| Mark::decode(&whole[..length]).is_none()));
    }

    #[test]
    fn what_ends_before_the_mark_or_otherwise_is_refused() {
        let mark = Mark { round: 5, sum: 9 };
        for last in [Mark { round: 5, sum: 9 }, Mark { round: 5, sum: 0 }, Mark { round: 6, sum: 1 }] {
            assert!(mark.insist(last).is_ok(), "{last:?}");
        }
        let refused = |last| mark.insist(last).expect_err("it is refused").to_string();
        assert!(refused(Mark { round: 4, sum: 9 }).contains("the last round is 4, but round 5 was"));
        assert!(refused(Mark { round: 5, sum: 8 }).contains("round 5 is not the round that was answered"));
    }
}
