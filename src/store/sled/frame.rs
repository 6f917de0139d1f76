//! A frame of the journal, or of a base: length, checksum, sequence number, and the keys and values of one round.

use super::mark::Mark;
use crate::store::bytes::Changes;

/// Length, checksum and sequence number of a frame.
const HEAD: usize = 4 + 4 + 8;
/// The length that marks a removed value.
const GONE: u32 = u32::MAX;

/// One round, as it was written.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// Counts the rounds, from 1.
    pub(super) sequence: u64,
    pub(super) changes: Changes,
    pub(super) sum: u32,
}

impl Frame {
    pub(super) fn mark(&self) -> Mark {
        Mark { round: self.sequence, sum: self.sum }
    }
}

/// A round as it is written, and its checksum.
pub(super) fn encode(sequence: u64, changes: &Changes) -> (Vec<u8>, u32) {
    let size: usize = changes.iter().map(|(key, value)| 8 + key.len() + value.as_ref().map_or(0, Vec::len)).sum();
    let mut frame = Vec::with_capacity(HEAD + size);
    frame.extend_from_slice(&[0; 8]);
    frame.extend_from_slice(&sequence.to_le_bytes());
    let length = |of: &[u8]| u32::try_from(of.len()).unwrap_or(GONE - 1).to_le_bytes();
    for (key, value) in changes {
        frame.extend_from_slice(&length(key));
        frame.extend_from_slice(&value.as_ref().map_or(GONE.to_le_bytes(), |value| length(value)));
        frame.extend_from_slice(key);
        frame.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let (sum, body) = (crc32fast::hash(&frame[8..]), length(&frame[HEAD..]));
    frame[..4].copy_from_slice(&body);
    frame[4..8].copy_from_slice(&sum.to_le_bytes());
    (frame, sum)
}

/// The frame at the start of these bytes, and its length; `None` if there is no whole frame.
pub(super) fn decode(bytes: &[u8]) -> Option<(Frame, usize)> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let length = usize::try_from(number(0)?).ok()?;
    let sequence = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    let whole = bytes.get(..HEAD.checked_add(length)?)?;
    let sum = number(4)?;
    if sequence == 0 || crc32fast::hash(&whole[8..]) != sum {
        return None;
    }
    let (mut rest, mut changes) = (&whole[HEAD..], Changes::new());
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<4>()?;
        let (value, after) = after.split_first_chunk::<4>()?;
        let (key, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*key)).ok()?)?;
        let value = u32::from_le_bytes(*value);
        let (value, after) = match value {
            GONE => (None, after),
            length => {
                let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(value.to_vec()), after)
            }
        };
        changes.insert(key.to_vec(), value);
        rest = after;
    }
    Some((Frame { sequence, changes, sum }, whole.len()))
}

/// Whether a whole frame begins somewhere in these bytes.
pub(super) fn has_a_frame(bytes: &[u8]) -> bool {
    // Zeros are room for later frames.
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (0..written).any(|at| decode(&bytes[at..]).is_some())
}
