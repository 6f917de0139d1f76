//! Rounds that are in the journal but not yet in sled: the newest value of every key that was written lately, in memory. Reads look here first.
//!
//! Sled takes in one layer at a time, after the answer. So a record that is written again and again reaches sled once per layer. A record that is
//! written and removed within a layer, like most outbox entries, costs sled almost nothing. After a crash, the journal has what was here.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::clock::Stopwatch;
use crate::store::ReadError;
use crate::store::bytes::{Changes, Pair};

/// A layer with this many bytes of keys and values is full. Sled takes it in, and another is begun.
const FULL_BYTES: usize = 4 * 1024 * 1024;
/// Sled takes in a layer that is older than this, even if it is not full.
const OLD: Duration = Duration::from_secs(1);

/// The writes since the last layer.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) changes: Changes,
    /// The last round in it.
    pub(super) last: u64,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    open: Layer,
    since: Option<Stopwatch>,
    closed: Option<Arc<Layer>>,
    /// Why sled cannot take it in.
    behind: Option<String>,
    /// Nothing more will be written, so sled takes in everything at once.
    closing: bool,
}

/// The layer that takes writes, and the one that sled takes in.
#[derive(Debug, Default)]
pub(super) struct Memtable {
    state: Mutex<State>,
    /// Wakes up waiters: a layer may be due, or was taken in.
    moved: Condvar,
}

impl Memtable {
    /// Takes a round in. If two layers are full it waits for sled, because memory is bounded. If sled takes nothing, only commits that finish
    /// accepted work are written, and they do not wait.
    pub(super) fn put(&self, round: u64, changes: Changes) {
        let mut state = self.state.lock();
        while state.open.bytes >= FULL_BYTES && state.behind.is_none() {
            self.moved.wait_for(&mut state, OLD);
        }
        let was_full = state.open.bytes >= FULL_BYTES;
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
        if open.bytes >= FULL_BYTES && !was_full {
            self.moved.notify_all();
        }
    }

    /// The recent value of a key, or that it was removed; `None` if only sled knows it.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let state = self.state.lock();
        let found = state.open.changes.get(key);
        found.or_else(|| state.closed.as_ref()?.changes.get(key)).cloned()
    }

    /// Recent writes from a key up to but not including another: as many values as asked for, and the removed keys between them.
    pub(super) fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Changes {
        let state = self.state.lock();
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

    /// Waits until a layer is due, and closes it; `None` if nothing more will come.
    pub(super) fn next(&self) -> Option<Arc<Layer>> {
        let mut state = self.state.lock();
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
            self.moved.wait_for(&mut state, rest);
        }
    }

    pub(super) fn taken(&self) {
        let taken = {
            let mut state = self.state.lock();
            state.behind = None;
            state.closed.take()
        };
        self.moved.notify_all();
        // Drop it outside the lock.
        drop(taken);
    }

    /// Sled could not take the layer. Returns when it should try again, or true if the store is closing and it need not.
    pub(super) fn is_behind(&self, why: String, pause: Duration) -> bool {
        let mut state = self.state.lock();
        state.behind = Some(why);
        self.moved.notify_all();
        if !state.closing {
            self.moved.wait_for(&mut state, pause);
        }
        state.closing
    }

    /// Why sled cannot take in the layer, if it cannot.
    pub(super) fn why_behind(&self) -> Option<String> {
        self.state.lock().behind.clone()
    }

    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.moved.notify_all();
    }
}

/// Keys and values in order: recent writes over the older ones below.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        /// Keys, and whether they are written or removed.
        Write(Vec<(u8, bool)>),
        /// Sled begins to take in the layer.
        Close,
        /// Sled has taken in a part of it, which no read may notice.
        TakePart,
        /// Sled has all of it.
        Take,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let write = proptest::collection::vec((0u8..12, any::<bool>()), 1..5).prop_map(Step::Write);
        proptest::collection::vec(
            prop_oneof![4 => write, 1 => Just(Step::Close), 1 => Just(Step::TakePart), 1 => Just(Step::Take)],
            1..40,
        )
    }

    fn apply<'a>(
        below: &mut BTreeMap<Vec<u8>, Vec<u8>>,
        changes: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
    ) {
        for (key, value) in changes {
            match value {
                Some(value) => below.insert(key.clone(), value.clone()),
                None => below.remove(key),
            };
        }
    }

    proptest! {
        /// Reads see every write, however much of it sled has taken in.
        #[test]
        fn what_is_read_is_what_was_written(steps in steps(), from in 0u8..12, to in 0u8..13, limit in 0usize..14) {
            let table = Memtable::default();
            let (mut below, mut written) = (BTreeMap::new(), BTreeMap::new());
            for (round, step) in (1u64..).zip(steps) {
                let closed = table.state.lock().closed.clone();
                match (step, closed) {
                    (Step::Write(keys), _) => {
                        let value = |written: bool| written.then(|| round.to_le_bytes().to_vec());
                        let changes: Changes = keys.iter().map(|(key, put)| (vec![*key], value(*put))).collect();
                        apply(&mut written, changes.iter());
                        table.put(round, changes);
                    }
                    (Step::Close, None) if table.state.lock().since.is_some() => {
                        table.close();
                        table.next().expect("something is there");
                        table.state.lock().closing = false;
                    }
                    (Step::TakePart, Some(layer)) => apply(&mut below, layer.changes.iter().take(layer.changes.len() / 2)),
                    (Step::Take, Some(layer)) => {
                        apply(&mut below, layer.changes.iter());
                        table.taken();
                    }
                    _ => {}
                }
                for key in 0u8..12 {
                    let read = table.get(&[key]).unwrap_or_else(|| below.get(&vec![key]).cloned());
                    prop_assert_eq!(read, written.get(&vec![key]).cloned());
                }
                if from <= to {
                    let pair = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
                    let bounds = vec![from]..vec![to];
                    let under = below.range(bounds.clone()).map(pair).map(Ok);
                    let read = over(table.range(&[from], &[to], limit), under, limit).expect("it reads");
                    let expected: Vec<_> = written.range(bounds).take(limit).map(pair).collect();
                    prop_assert_eq!(read, expected);
                }
                let bytes = |layer: &Layer| -> usize {
                    layer.changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
                };
                prop_assert_eq!(table.state.lock().open.bytes, bytes(&table.state.lock().open));
            }
        }
    }

    fn large(key: u8) -> Changes {
        Changes::from([(vec![key], Some(vec![0; FULL_BYTES]))])
    }

    #[test]
    fn whoever_writes_waits_for_sled_when_two_layers_are_full() {
        let table = Arc::new(Memtable::default());
        table.put(1, large(1));
        assert_eq!(table.next().expect("it is full").last, 1);
        table.put(2, large(2));
        let writer = std::thread::spawn({
            let table = table.clone();
            move || table.put(3, large(3))
        });
        // When sled has the first layer, the second can follow, and the third takes writes.
        table.taken();
        assert_eq!(table.next().expect("it is full").last, 2);
        writer.join().expect("it ends");
        assert_eq!(table.state.lock().open.last, 3);
    }

    #[test]
    fn where_sled_takes_nothing_it_is_said_until_it_does() {
        let table = Memtable::default();
        table.put(1, large(1));
        table.next().expect("it is full");
        assert!(!table.is_behind("no room".to_owned(), Duration::ZERO), "it is tried again");
        assert!(table.why_behind().is_some_and(|why| why.contains("no room")));
        assert_eq!(table.get(&[1]).flatten().map(|value| value.len()), Some(FULL_BYTES), "it is read meanwhile");
        table.taken();
        assert_eq!(table.why_behind(), None);
        table.close();
        assert!(table.is_behind("no room".to_owned(), Duration::MAX), "what closes does not wait for it");
    }
}
