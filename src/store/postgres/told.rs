//! The follower, and up to which round it was told.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::Follower;

/// A round: its number, and what tells it from another of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: i64,
    pub(super) stamp: String,
}

/// Who is told, and up to which round.
struct Followed {
    follower: Option<Arc<dyn Follower>>,
    mark: Mark,
}

/// The follower, and how far it was told.
pub(super) struct Feed {
    told: Mutex<Followed>,
    /// The last round of when the store was opened.
    opened: Mark,
    /// Whose turn it is to tell. The writer has it while it commits, so that its own rounds are told by itself.
    turn: tokio::sync::Mutex<()>,
    pub(super) hint: Notify,
}

impl Feed {
    /// Nobody is told yet; this was the last round.
    pub(super) fn from(opened: Mark) -> Self {
        let told = Mutex::new(Followed { follower: None, mark: opened.clone() });
        Self { told, opened, turn: tokio::sync::Mutex::default(), hint: Notify::new() }
    }

    pub(super) fn follow(&self, follower: Arc<dyn Follower>) {
        // What happened since the store was opened is told again: it may have been read before.
        *self.told() = Followed { follower: Some(follower), mark: self.opened.clone() };
        self.hint.notify_one();
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Followed> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> Option<(Arc<dyn Follower>, Mark)> {
        let told = self.told();
        told.follower.clone().map(|follower| (follower, told.mark.clone()))
    }

    /// This one was told so far; unless it is another's turn by now.
    pub(super) fn advance(&self, follower: &Arc<dyn Follower>, mark: Mark) {
        let mut told = self.told();
        if told.follower.as_ref().is_some_and(|current| Arc::ptr_eq(current, follower)) {
            told.mark = mark;
        }
    }
}
