//! When alerts fired and resolved lately.

use std::collections::HashMap;
use std::sync::Arc;

use super::ReadModel;
use crate::domain::Time;
use crate::records::Flap;
use crate::store::{Change, Id, Kind, Range, ReadError, Store};

/// When alerts fired and resolved, by source and key. Alerts that came only once are not here.
#[derive(Debug, Default, PartialEq)]
pub struct Flapping(HashMap<String, Flap>);

impl ReadModel for Flapping {
    const FOLLOWS: &'static [Kind] = &[Kind::Flap];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let all = store.all(Range::<Flap>::all()).await?;
        Ok(Self(all.into_iter().map(|rec| (rec.id.to_string(), rec.value)).collect()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Flap) {
            match change.value::<Flap>() {
                Some(flap) => self.0.insert(change.id.to_owned(), Arc::unwrap_or_clone(flap)),
                None => self.0.remove(change.id),
            };
        }
    }
}

impl Flapping {
    /// When the alert with a key fired and resolved.
    pub fn get(&self, id: &Id<Flap>) -> Option<&Flap> {
        self.0.get(id.as_str())
    }

    /// How many keys are watched.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key is watched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most `limit` keys that have had no news since a moment.
    pub fn calm(&self, since: Time, limit: usize) -> Vec<Id<Flap>> {
        let calm = self.0.iter().filter(|(_, flap)| flap.times.last().is_none_or(|last| *last < since));
        calm.take(limit).map(|(id, _)| Id::new(id.as_str())).collect()
    }
}
