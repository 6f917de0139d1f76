//! The queues of an engine that holds them in memory: which record is the head of each queue, and when it is ready.
//! Built from the records at start, followed by every commit; bounded by the number of queued records.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Millis, Queued};

#[derive(Debug, Clone, Copy)]
struct Waiting {
    kind: Kind,
    due: Millis,
    leased_until: Millis,
}

impl Waiting {
    fn ready_at(&self) -> Millis {
        self.due.max(self.leased_until)
    }
}

/// Queues by name, and their heads by the time they are ready.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: BTreeMap<String, BTreeMap<String, Waiting>>,
    of: BTreeMap<(Kind, String), String>,
    heads: BTreeSet<(Millis, String)>,
}

impl Queues {
    /// A record was put, with or without a place in a queue. A lease ends with it.
    pub(super) fn put(&mut self, kind: Kind, id: &str, queued: Option<&Queued>) {
        self.remove(kind, id);
        if let Some(Queued { queue, due }) = queued {
            self.change(queue, |records| {
                records.insert(id.to_owned(), Waiting { kind, due: *due, leased_until: Millis::MIN });
            });
            self.of.insert((kind, id.to_owned()), queue.clone());
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, id: &str) {
        if let Some(queue) = self.of.remove(&(kind, id.to_owned())) {
            self.change(&queue, |records| {
                records.remove(id);
            });
        }
    }

    pub(super) fn lease(&mut self, kind: Kind, id: &str, until: Millis) {
        if let Some(queue) = self.of.get(&(kind, id.to_owned())).cloned() {
            self.change(&queue, |records| {
                if let Some(waiting) = records.get_mut(id) {
                    waiting.leased_until = until;
                }
            });
        }
    }

    /// The heads of a lane's queues that are ready, the longest ready first.
    pub(super) fn ready(&self, lane: &str, now: Millis, limit: usize) -> Vec<(Kind, String)> {
        self.heads
            .iter()
            .take_while(|(ready_at, _)| *ready_at <= now)
            .filter(|(_, queue)| queue.starts_with(lane))
            .filter_map(|(_, queue)| self.queues.get(queue)?.first_key_value())
            .map(|(id, waiting)| (waiting.kind, id.clone()))
            .take(limit)
            .collect()
    }

    pub(super) fn next_due(&self, lane: &str) -> Option<Millis> {
        self.heads.iter().find(|(_, queue)| queue.starts_with(lane)).map(|(ready_at, _)| *ready_at)
    }

    pub(super) fn backlog(&self, lane: &str) -> (usize, Option<Millis>) {
        let of_lane = || self.queues.range(lane.to_owned()..).take_while(|(queue, _)| queue.starts_with(lane));
        let count = of_lane().map(|(_, records)| records.len()).sum();
        let oldest = of_lane().filter_map(|(_, records)| records.first_key_value()).map(|(_, head)| head.due).min();
        (count, oldest)
    }

    fn change(&mut self, queue: &str, change: impl FnOnce(&mut BTreeMap<String, Waiting>)) {
        let records = self.queues.entry(queue.to_owned()).or_default();
        if let Some((_, head)) = records.first_key_value() {
            self.heads.remove(&(head.ready_at(), queue.to_owned()));
        }
        change(records);
        match records.first_key_value() {
            Some((_, head)) => {
                self.heads.insert((head.ready_at(), queue.to_owned()));
            }
            None => {
                self.queues.remove(queue);
            }
        }
    }
}
