//! What a read model is.

use std::future::Future;

use crate::store::{Change, Kind, ReadError, Store};

/// A read model. It follows the records of some kinds.
pub trait ReadModel: Sized + Send + Sync {
    const FOLLOWS: &'static [Kind];

    /// Builds it from the present records.
    fn load(store: &Store) -> impl Future<Output = Result<Self, ReadError>> + Send;

    /// Follows a commit, which may also have changes of other kinds. Applying a change twice is the same as once.
    fn apply(&mut self, changes: &[Change<'_>]);
}
