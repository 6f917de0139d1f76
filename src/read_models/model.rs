//! What a read model is.

use std::future::Future;

use crate::store::{Change, Kind, ReadError, Store};

/// What follows the records of some kinds.
pub trait ReadModel: Sized + Send + Sync {
    const FOLLOWS: &'static [Kind];

    /// As the records are now.
    fn load(store: &Store) -> impl Future<Output = Result<Self, ReadError>> + Send;

    /// Follows a commit, of which other kinds may be part. The same change twice is the same as once.
    fn apply(&mut self, changes: &[Change<'_>]);
}
