//! Raw bytes under ordered keys: all that an engine behind the committer must offer.

use std::collections::BTreeMap;
use std::path::Path;

use super::ReadError;

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Keys and their values; `None` if the key was removed.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Why bytes were not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The disk is full. Nothing was written, and the old data is whole.
    NoRoom(String),
    /// Nobody knows what is on disk now.
    Broken(String),
}

/// Raw bytes under ordered keys: all that an engine must offer.
pub(super) trait Bytes: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;
    /// Keys and values from `from` up to but not including `to`.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError>;
    /// Writes all of it, durably.
    fn write(&self, changes: Changes) -> Result<(), WriteError>;
    /// Whether the disk has room for a write.
    fn room(&self) -> Result<(), String>;
    /// A folder for data that can be made again; `None` if nothing is kept in files.
    fn folder(&self) -> Option<&Path> {
        None
    }
    /// Closes it. Nothing is written after this.
    fn close(&self) -> anyhow::Result<()> {
        Ok(())
    }
    fn figures(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}
