//! Runs pure functions that ask for records by name. They run under the graph's lock, where nothing can be awaited. So they run over what is
//! loaded, then what they missed is loaded, and they run again, until they miss nothing.

use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};

/// Records by name, and the names that were asked for in vain.
#[derive(Debug)]
pub struct Lookup<V> {
    loaded: HashMap<String, Option<V>>,
    missed: Mutex<BTreeSet<String>>,
}

impl<V> Default for Lookup<V> {
    fn default() -> Self {
        Self { loaded: HashMap::new(), missed: Mutex::default() }
    }
}

impl<V: Clone> Lookup<V> {
    /// The record of a name, if it was loaded.
    pub fn get(&self, name: &str) -> Option<V> {
        if let Some(found) = self.loaded.get(name) {
            return found.clone();
        }
        self.missed.lock().insert(name.to_owned());
        None
    }

    /// The names that were asked for in vain since the last time.
    pub fn missed(&mut self) -> Vec<String> {
        std::mem::take(self.missed.get_mut()).into_iter().collect()
    }

    /// Keeps the record of a name, or that there is none.
    pub fn put(&mut self, name: String, found: Option<V>) {
        self.loaded.insert(name, found);
    }
}
