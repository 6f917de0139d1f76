//! The follower of what is committed, and what it is told.

use std::sync::Arc;

use super::typed;
use super::{Kind, Record, Typed};

/// Follows what is committed.
pub trait Follower: Send + Sync {
    /// Whether it wants to hear of changes of this kind.
    fn follows(&self, kind: Kind) -> bool;

    /// Takes what was committed, in the order of the commits. All changes of one commit come in one call. It must not wait for anything.
    fn apply(&self, changes: &[Change<'_>]);

    /// Changes of another process were missed, so everything must be loaded anew.
    fn lost(&self);
}

/// One record that a commit wrote or removed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub kind: Kind,
    pub id: &'a str,
    /// Its shape and its new text; `None` if it was removed.
    pub now: Option<(u32, &'a str)>,
    /// The value itself, if this process wrote it and handed it on.
    pub typed: Option<&'a Typed>,
}

/// A change, kept for later.
#[derive(Debug, Clone)]
pub struct KeptChange {
    kind: Kind,
    id: String,
    now: Option<(u32, String)>,
    typed: Option<Typed>,
}

impl Change<'_> {
    /// The same, to be kept.
    pub fn keep(&self) -> KeptChange {
        let now = self.now.map(|(shape, body)| (shape, body.to_owned()));
        KeptChange { kind: self.kind, id: self.id.to_owned(), now, typed: self.typed.cloned() }
    }

    /// The new value of the record; `None` if it was removed, or cannot be read. The latter is logged.
    pub fn value<T: Record>(&self) -> Option<Arc<T>> {
        let (shape, text) = self.now?;
        if let Some(value) = self.typed.and_then(Typed::value) {
            return Some(value);
        }
        let read = typed::body(self.kind, self.id, shape, text);
        read.inspect_err(|error| tracing::error!(%error, "a change cannot be read and is not followed"))
            .ok()
            .map(Arc::new)
    }
}

impl KeptChange {
    /// The change that was kept.
    pub fn change(&self) -> Change<'_> {
        let now = self.now.as_ref().map(|(shape, body)| (*shape, body.as_str()));
        Change { kind: self.kind, id: &self.id, now, typed: self.typed.as_ref() }
    }
}
