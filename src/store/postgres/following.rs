//! The follower, and the last round that it was told of.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::Follower;

/// A round: its number and its stamp. The stamp differs in another round with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: i64,
    pub(super) stamp: String,
}

/// The follower, and the last round that it was told of.
struct Followed {
    follower: Option<Arc<dyn Follower>>,
    mark: Mark,
}

/// Whom to tell of rounds, and whose turn it is.
pub(super) struct Feed {
    followed: Mutex<Followed>,
    /// The last round when the store was opened.
    opened: Mark,
    /// The turn to tell. The writer holds it while it commits, so that it tells its own rounds itself.
    turn: tokio::sync::Mutex<()>,
    pub(super) hint: Notify,
}

impl Feed {
    /// There is no follower yet. This was the last round.
    pub(super) fn from(opened: Mark) -> Self {
        let followed = Mutex::new(Followed { follower: None, mark: opened.clone() });
        Self { followed, opened, turn: tokio::sync::Mutex::default(), hint: Notify::new() }
    }

    pub(super) fn follow(&self, follower: Arc<dyn Follower>) {
        // Tell everything since the store was opened, even if the follower has read it already.
        *self.followed.lock() = Followed { follower: Some(follower), mark: self.opened.clone() };
        self.hint.notify_one();
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(super) fn state(&self) -> Option<(Arc<dyn Follower>, Mark)> {
        let followed = self.followed.lock();
        followed.follower.clone().map(|follower| (follower, followed.mark.clone()))
    }

    /// Notes that this follower was told up to here, unless another follower has taken its place.
    pub(super) fn advance(&self, follower: &Arc<dyn Follower>, mark: Mark) {
        let mut followed = self.followed.lock();
        if followed.follower.as_ref().is_some_and(|current| Arc::ptr_eq(current, follower)) {
            followed.mark = mark;
        }
    }
}
