//! The one path of every change: load, decide, commit, and decide again if somebody else was first. The store's follower does all that follows
//! from a commit before the commit is answered. So nothing is left out, even if the caller hangs up.
//!
//! Code that reads a record and writes it back is a [`Change`], and expects the version that it read ([`App::to_change`]). Code that reads no
//! such record may use [`App::commit`].

use std::future::Future;

use super::{App, Failure};
use crate::records::outbox::{EntryId, Job};
use crate::store::{Batch, CommitError, Expect, Id, Kind, Op, Range, Record, Step};

/// How often a change is decided again when somebody else was first.
const MAX_TRIES: usize = 8;

/// A change to what the store keeps.
pub trait Change: Sync {
    type Outcome: Send;

    /// Loads what it needs, decides, and says what to write. It is called again if the store changed meanwhile.
    fn decide(&self, app: &App) -> impl Future<Output = Result<(Batch, Self::Outcome), Failure>> + Send;
}

impl App {
    /// Makes a change. It is durable when this returns.
    ///
    /// # Errors
    /// A refusal in words, the news that it was done already, or the reason why nothing could be saved.
    pub async fn make<C: Change>(&self, change: &C) -> Result<C::Outcome, Failure> {
        let mut last = String::new();
        for _ in 0..MAX_TRIES {
            let (batch, outcome) = change.decide(self).await?;
            if batch.is_empty() {
                return Ok(outcome);
            }
            match self.write(batch).await {
                Ok(()) => return Ok(outcome),
                Err(Written::Again(what)) => last = what,
                Err(Written::Never(failure)) => return Err(failure),
            }
        }
        Err(Failure::Unavailable(last))
    }

    /// Commits a batch that needs no decision. Everything it expects makes it count once, so a conflict means that it was done already. A batch
    /// that expects anything else must be a [`Change`]. A debug build stops at such a batch, with or without a conflict.
    ///
    /// # Errors
    /// It was done already, or the store cannot write.
    pub async fn commit(&self, batch: Batch) -> Result<(), Failure> {
        debug_assert_eq!(undecided(&batch), None, "this is to be decided anew on a conflict: make it a `Change`");
        if batch.is_empty() {
            return Ok(());
        }
        self.write(batch).await.map_err(|why| match why {
            Written::Again(what) => {
                tracing::error!(what, "a commit that nobody decides anew met a conflict");
                Failure::Unavailable(what)
            }
            Written::Never(failure) => failure,
        })
    }

    /// A record that will be changed, and what to expect of it when it is written back.
    pub async fn to_change<T: Record>(&self, id: &Id<T>) -> Result<(Option<T>, Expect), Failure> {
        let found = self.store.get(id).await?;
        let expect = found.as_ref().map_or(Expect::Absent, |rec| Expect::Ver(rec.ver));
        Ok((found.map(|rec| rec.value), expect))
    }

    pub(super) async fn write(&self, batch: Batch) -> Result<(), Written> {
        let (once, wakes) = (batch.once(), batch.is_about(Kind::Outbox));
        match self.store.commit(batch).await {
            Ok(()) => {
                // If nothing new waits, there is no need to look.
                if wakes {
                    self.wake.notify_waiters();
                }
                Ok(())
            }
            Err(CommitError::Conflict { kind, id }) if once.holds(kind, &id) => Err(Written::Never(Failure::Duplicate)),
            Err(CommitError::Conflict { kind, id }) => Err(Written::Again(format!("{kind:?} {id} kept changing"))),
            Err(
                error @ (CommitError::TooLarge { .. } | CommitError::LongName { .. } | CommitError::Unwritable { .. }),
            ) => Err(Written::Never(Failure::TooLarge(error.to_string()))),
            Err(CommitError::Unavailable(why)) => Err(Written::Never(Failure::Unavailable(why))),
        }
    }

    /// Puts one of Muster's own jobs into the outbox once. If a job of the same name waits already, that is enough.
    pub async fn enqueue(&self, id: &EntryId, job: Job) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.enqueue(id, job, self.now());
        match self.commit(batch).await {
            Err(Failure::Duplicate) => Ok(()),
            other => other,
        }
    }

    /// Forgets one page of these records. Returns how many.
    pub(super) async fn forget<T: Record>(&self, old: &Range<T>) -> Result<usize, Failure> {
        let old = self.store.ids(old, 500).await?;
        let mut batch = Batch::new();
        old.iter().for_each(|id| batch.del(id, Expect::Any));
        self.commit(batch).await?;
        Ok(old.len())
    }

    /// An id for an outbox entry that nobody will look up.
    pub fn errand(&self) -> EntryId {
        EntryId::fresh(&self.clock.fresh_id())
    }
}

/// An expectation in a batch that does not make it count once. A conflict about it does not mean that the batch was done.
fn undecided(batch: &Batch) -> Option<Op> {
    let once = batch.once();
    let expects = |op: &Op| match &op.step {
        Step::Put(expect, _) | Step::Del(expect) | Step::Check(expect) => *expect != Expect::Any,
        Step::Restore { .. } => true,
        Step::Ensure(_) | Step::End(_) => false,
    };
    let ops = batch.clone().into_ops().unwrap_or_default();
    ops.into_iter().find(|op| expects(op) && !once.holds(op.kind, &op.id))
}

/// Why something was not written.
pub(super) enum Written {
    /// Somebody else was first, so the change must be decided again.
    Again(String),
    /// It will not be written.
    Never(Failure),
}
