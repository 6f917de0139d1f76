//! What the journal has and sled has not yet: the newest value of every key that was written lately, in memory. Reads look here first.
//!
//! Sled takes it in a layer at a time, behind the answer. So a record that is written again and again reaches sled once a layer, and one that is
//! written and removed within a layer, as most of the outbox is, costs it nothing but a look. After a crash the journal has what was here.

use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ReadError;
use super::committer::{Changes, Pair};
use crate::clock::Stopwatch;

/// A layer of so many bytes of keys and values is full: sled takes it in, and another is begun.
const FULL_BYTES: usize = 4 * 1024 * 1024;
/// Sled takes in what is older than this, full or not.
const OLD: Duration = Duration::from_secs(1);

/// What was written since the layer before.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) changes: Changes,
    /// The last round of which something is here.
    pub(super) last: u64,
    bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// What is written now.
    open: Layer,
    /// Since when something is in it.
    since: Option<Stopwatch>,
    /// What sled is taking in.
    closed: Option<Arc<Layer>>,
    /// Sled takes no more layers, and why.
    ended: Option<String>,
    /// Nothing more will be written: what is here is taken in at once.
    closing: bool,
}

/// The layer that is written, and the one that sled takes in.
#[derive(Debug, Default)]
pub(super) struct Memtable {
    state: Mutex<State>,
    /// A layer may be due, or was taken in.
    moved: Condvar,
}

impl Memtable {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.moved.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes a round in. Where two layers are full it waits for sled: memory is bounded.
    ///
    /// # Errors
    /// Why sled takes no more layers.
    pub(super) fn put(&self, round: u64, changes: Changes) -> Result<(), String> {
        let mut state = self.state();
        while state.open.bytes >= FULL_BYTES && state.ended.is_none() {
            state = self.wait(state, OLD);
        }
        if let Some(why) = &state.ended {
            return Err(why.clone());
        }
        let State { open, since, .. } = &mut *state;
        for (key, value) in changes {
            open.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            let key_bytes = key.len();
            if let Some(before) = open.changes.insert(key, value) {
                open.bytes -= key_bytes + before.map_or(0, |value| value.len());
            }
        }
        open.last = round;
        since.get_or_insert_with(Stopwatch::start);
        if open.bytes >= FULL_BYTES {
            self.moved.notify_all();
        }
        Ok(())
    }

    /// The value of a key as it was written lately, gone or not; `None` where sled knows.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let state = self.state();
        let found = state.open.changes.get(key);
        found.or_else(|| state.closed.as_ref()?.changes.get(key)).cloned()
    }

    /// What was written lately from a key up to, not including, another: as many values as are asked for, and what is gone between them.
    pub(super) fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Changes {
        let state = self.state();
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let mut open = state.open.changes.range::<[u8], _>(bounds).peekable();
        let mut closed = state.closed.iter().flat_map(|layer| layer.changes.range::<[u8], _>(bounds)).peekable();
        let (mut found, mut values) = (Changes::new(), 0);
        while values < limit {
            let next = match (open.peek(), closed.peek()) {
                (Some((newer, _)), Some((older, _))) if older < newer => closed.next(),
                (None, _) => closed.next(),
                (Some((newer, _)), older) => {
                    let is_same = older.is_some_and(|(older, _)| older == newer);
                    let next = open.next();
                    if is_same {
                        closed.next();
                    }
                    next
                }
            };
            let Some((key, value)) = next else { break };
            values += usize::from(value.is_some());
            found.insert(key.clone(), value.clone());
        }
        found
    }

    /// Waits until a layer is to be taken in, and closes it; `None` when nothing more will come.
    pub(super) fn next(&self) -> Option<Arc<Layer>> {
        let mut state = self.state();
        loop {
            let age = state.since.as_ref().map_or(0.0, Stopwatch::seconds);
            if state.since.is_some() && (state.closing || state.open.bytes >= FULL_BYTES || age >= OLD.as_secs_f64()) {
                let layer = Arc::new(std::mem::take(&mut state.open));
                (state.since, state.closed) = (None, Some(layer.clone()));
                self.moved.notify_all();
                return Some(layer);
            }
            if state.closing {
                return None;
            }
            let rest = OLD.saturating_sub(Duration::from_secs_f64(age));
            state = self.wait(state, rest);
        }
    }

    /// Sled has the layer.
    pub(super) fn taken(&self) {
        let taken = self.state().closed.take();
        self.moved.notify_all();
        // Not under the lock.
        drop(taken);
    }

    /// Sled takes no more layers.
    pub(super) fn end(&self, why: String) {
        self.state().ended = Some(why);
        self.moved.notify_all();
    }

    /// Why sled takes no more layers, if it does not.
    pub(super) fn ended(&self) -> Option<String> {
        self.state().ended.clone()
    }

    /// Nothing more will be written.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.moved.notify_all();
    }
}

/// Keys and values in order: what was written lately over what lies below.
///
/// # Errors
/// What lies below cannot be read.
pub(super) fn over(
    recent: Changes,
    below: impl Iterator<Item = Result<Pair, ReadError>>,
    limit: usize,
) -> Result<Vec<Pair>, ReadError> {
    let (mut recent, mut below) = (recent.into_iter().peekable(), below.peekable());
    let mut pairs = Vec::new();
    while pairs.len() < limit {
        let below_is_next = match (recent.peek(), below.peek()) {
            (_, None) => false,
            (None, Some(_)) | (_, Some(Err(_))) => true,
            (Some((recent, _)), Some(Ok((below, _)))) => below < recent,
        };
        if below_is_next {
            pairs.extend(below.next().transpose()?);
            continue;
        }
        let Some((key, value)) = recent.next() else { break };
        below.next_if(|pair| pair.as_ref().is_ok_and(|(below, _)| *below == key));
        pairs.extend(value.map(|value| (key, value)));
    }
    Ok(pairs)
}
