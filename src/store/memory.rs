//! The engine for tests: the same committer over a map. It loses everything when the process ends.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use super::bytes::{Bytes, Changes, Pair, WriteError};
use super::{Committed, ReadError, Store};

#[derive(Default)]
pub struct MemoryEngine(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl MemoryEngine {
    pub fn open() -> Result<Store, ReadError> {
        Ok(Store::new(Arc::new(Committed::start(Arc::new(Self::default()))?)))
    }
}

impl Bytes for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.0.read().get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, ReadError> {
        let map = self.0.read();
        let range = map.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn write(&self, changes: Changes) -> Result<(), WriteError> {
        let mut map = self.0.write();
        for (key, value) in changes {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }
}
