//! Raw bytes under ordered keys: all that an engine behind the committer must bring.

use std::collections::BTreeMap;
use std::path::Path;

use super::ReadError;

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Keys and their values; none for a key that is gone.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Why bytes were not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// There is no room. Nothing was written, and what there was is whole.
    NoRoom(String),
    /// Nobody knows what is on disk now.
    Broken(String),
}

/// Raw bytes under ordered keys: all that an engine must bring.
pub(super) trait Bytes: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;
    /// Keys and values from `from` up to, not including, `to`.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError>;
    /// Writes all of it, durably.
    fn write(&self, changes: Changes) -> Result<(), WriteError>;
    /// Whether there is room to write.
    fn room(&self) -> Result<(), String>;
    /// A folder for what can be made again; `None` where nothing is kept in files.
    fn folder(&self) -> Option<&Path> {
        None
    }
    fn figures(&self) -> Vec<(&'static str, u64)>;
}
