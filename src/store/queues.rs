//! The queues of an engine that holds them in memory: which record is the head of each queue, and when it is ready.
//! They are built from the records at start, and change with every commit. Their size is bounded by the number of queued records.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Backlog, Kind, Millis, QueueName, Queued};

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

/// The queues of a lane, and their heads by the time when they are ready.
#[derive(Debug, Default)]
struct Lane {
    queues: BTreeMap<QueueName, BTreeMap<String, Waiting>>,
    heads: BTreeSet<(Millis, QueueName)>,
    count: usize,
}

impl Lane {
    fn change(&mut self, queue: &QueueName, change: impl FnOnce(&mut BTreeMap<String, Waiting>)) {
        let records = self.queues.entry(queue.clone()).or_default();
        if let Some((_, head)) = records.first_key_value() {
            self.heads.remove(&(head.ready_at(), queue.clone()));
        }
        let before = records.len();
        change(records);
        self.count = self.count + records.len() - before;
        match records.first_key_value() {
            Some((_, head)) => {
                self.heads.insert((head.ready_at(), queue.clone()));
            }
            None => {
                self.queues.remove(queue);
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Queues {
    lanes: HashMap<String, Lane>,
    of: HashMap<(Kind, String), QueueName>,
}

impl Queues {
    /// A record was written, with or without a place in a queue. This ends its lease.
    pub(super) fn put(&mut self, kind: Kind, id: &str, queued: Option<&Queued>) {
        self.remove(kind, id);
        if let Some(Queued { queue, due }) = queued {
            let waiting = Waiting { kind, due: *due, leased_until: Millis::MIN };
            let lane = self.lanes.entry(queue.lane().to_owned()).or_default();
            lane.change(queue, |records| {
                records.insert(id.to_owned(), waiting);
            });
            self.of.insert((kind, id.to_owned()), queue.clone());
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, id: &str) {
        if self.of.is_empty() {
            return;
        }
        if let Some(queue) = self.of.remove(&(kind, id.to_owned()))
            && let Some(lane) = self.lanes.get_mut(queue.lane())
        {
            lane.change(&queue, |records| {
                records.remove(id);
            });
        }
    }

    pub(super) fn lease(&mut self, kind: Kind, id: &str, until: Millis) {
        if let Some(queue) = self.of.get(&(kind, id.to_owned()))
            && let Some(lane) = self.lanes.get_mut(queue.lane())
        {
            lane.change(queue, |records| {
                if let Some(waiting) = records.get_mut(id) {
                    waiting.leased_until = until;
                }
            });
        }
    }

    /// The heads of a lane's queues that are ready. The one that was ready first comes first.
    pub(super) fn ready(&self, lane: &str, now: Millis, limit: usize) -> Vec<(Kind, String)> {
        let Some(lane) = self.lanes.get(lane) else {
            return Vec::new();
        };
        let ready = lane.heads.iter().take_while(|(ready_at, _)| *ready_at <= now);
        let heads = ready.filter_map(|(_, queue)| lane.queues.get(queue)?.first_key_value());
        heads.map(|(id, waiting)| (waiting.kind, id.clone())).take(limit).collect()
    }

    pub(super) fn next_due(&self, lane: &str) -> Option<Millis> {
        self.lanes.get(lane)?.heads.first().map(|(ready_at, _)| *ready_at)
    }

    pub(super) fn backlog(&self, lane: &str) -> Backlog {
        let Some(lane) = self.lanes.get(lane) else {
            return Backlog::default();
        };
        let heads = lane.queues.values().filter_map(|records| records.first_key_value());
        Backlog { count: lane.count, oldest: heads.map(|(_, head)| head.due).min() }
    }

    pub(super) fn waiting(&self, queue: &QueueName) -> usize {
        self.lanes.get(queue.lane()).and_then(|lane| lane.queues.get(queue)).map_or(0, BTreeMap::len)
    }
}
