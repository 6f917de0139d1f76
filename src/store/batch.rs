//! A batch: typed records that are committed together. Each record is encoded once, here, straight from its type.

use super::{CommitError, Expect, Id, Kind, Op, Queued, Record, Step, Typed, Written};

/// Steps: all of them happen, or none.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    ops: Vec<Op>,
    /// Records that make a batch happen only once. If one of them has changed already, somebody else did the same before.
    once: Vec<(Kind, String)>,
    unwritable: Option<CommitError>,
}

/// The records that make a batch count once.
#[derive(Debug)]
pub struct Once(Vec<(Kind, String)>);

impl Once {
    /// Whether a conflict at this record means that the batch was done already.
    pub fn holds(&self, kind: Kind, id: &str) -> bool {
        self.0.iter().any(|(known, of)| *known == kind && of == id)
    }
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.unwritable.is_none()
    }

    /// Whether a step is about a record of this kind.
    pub fn is_about(&self, kind: Kind) -> bool {
        self.ops.iter().any(|op| op.kind == kind)
    }

    pub fn len(&self) -> usize {
        self.ops.len()
    }

    fn written<T: Record>(&mut self, id: &Id<T>, queued: Option<Queued>, value: &T) -> Option<Written> {
        match serde_json::to_string(value) {
            Ok(body) => {
                let typed = T::FOLLOWED.then(|| Typed::new(value));
                Some(Written { queued, shape: T::SHAPE, body, typed })
            }
            Err(error) => {
                let (kind, id) = (T::KIND, id.to_string());
                self.unwritable = Some(CommitError::Unwritable { kind, id, why: error.to_string() });
                None
            }
        }
    }

    fn step<T: Record>(&mut self, id: &Id<T>, step: Step) {
        self.ops.push(Op { kind: T::KIND, id: id.to_string(), step });
    }

    pub fn put<T: Record>(&mut self, id: &Id<T>, expect: Expect, value: &T) {
        if let Some(written) = self.written(id, None, value) {
            self.step(id, Step::Put(expect, written));
        }
    }

    /// Writes a record with a place in a queue.
    pub fn queue<T: Record>(&mut self, id: &Id<T>, expect: Expect, queued: Queued, value: &T) {
        if let Some(written) = self.written(id, Some(queued), value) {
            self.step(id, Step::Put(expect, written));
        }
    }

    /// Writes a record with a place in a queue, unless it already waits there and nobody has claimed it.
    pub fn ensure<T: Record>(&mut self, id: &Id<T>, queued: Queued, value: &T) {
        if let Some(written) = self.written(id, Some(queued), value) {
            self.step(id, Step::Ensure(written));
        }
    }

    pub fn del<T: Record>(&mut self, id: &Id<T>, expect: Expect) {
        self.step(id, Step::Del(expect));
    }

    /// Removes a record if it is still of this version.
    pub fn end<T: Record>(&mut self, id: &Id<T>, ver: u64) {
        self.step(id, Step::End(ver));
    }

    /// Insists on something without changing anything.
    pub fn check<T: Record>(&mut self, id: &Id<T>, expect: Expect) {
        self.step(id, Step::Check(expect));
    }

    /// What this batch expects of the record makes the batch count once. If that does not hold, the same was done already, and the batch is
    /// not tried again.
    pub fn counts_once<T: Record>(&mut self, id: &Id<T>) {
        self.once.push((T::KIND, id.to_string()));
    }

    /// The records that make this batch count once.
    pub fn once(&self) -> Once {
        Once(self.once.clone())
    }

    /// Adds all steps of another batch after these.
    pub fn extend(&mut self, other: Self) {
        self.ops.extend(other.ops);
        self.once.extend(other.once);
        self.unwritable = self.unwritable.take().or(other.unwritable);
    }

    pub fn into_ops(self) -> Result<Vec<Op>, CommitError> {
        self.unwritable.map_or(Ok(self.ops), Err)
    }
}
