//! A read model that holds every record of one kind. What is asked of one kind only is beside it, in a file of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ReadModel;
use crate::store::{Change, Id, Kind, Range, ReadError, Record, Store};

/// All records of a type, by their ids.
#[derive(Debug, PartialEq)]
pub struct Table<T>(pub(super) BTreeMap<String, T>);

impl<T: Record> ReadModel for Table<T> {
    const FOLLOWS: &'static [Kind] = &[T::KIND];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let all = store.all(Range::<T>::all()).await?;
        Ok(Self(all.into_iter().map(|rec| (rec.id.to_string(), rec.value)).collect()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == T::KIND) {
            match change.value::<T>() {
                Some(value) => self.0.insert(change.id.to_owned(), Arc::unwrap_or_clone(value)),
                None => self.0.remove(change.id),
            };
        }
    }
}

impl<T> Table<T> {
    pub fn get(&self, id: &str) -> Option<&T> {
        self.0.get(id)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The ids of at most `limit` records that are so.
    pub fn ids(&self, limit: usize, are: impl Fn(&T) -> bool) -> Vec<Id<T>> {
        self.0.iter().filter(|(_, value)| are(value)).take(limit).map(|(id, _)| Id::new(id.as_str())).collect()
    }
}
