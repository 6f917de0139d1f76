//! The silences that hold now or later.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ReadModel;
use crate::domain::Time;
use crate::domain::suppression::Silence;
use crate::store::{Change, Kind, Range, ReadError, Store};

/// Silences by their records' ids, which sort by number.
#[derive(Debug, Default, PartialEq)]
pub struct Silences(BTreeMap<String, Silence>);

impl ReadModel for Silences {
    const FOLLOWS: &'static [Kind] = &[Kind::Silence];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let all = store.all(Range::<Silence>::all()).await?;
        Ok(Self(all.into_iter().map(|rec| (rec.id.to_string(), rec.value)).collect()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Silence) {
            match change.value::<Silence>() {
                Some(silence) => self.0.insert(change.id.to_owned(), Arc::unwrap_or_clone(silence)),
                None => self.0.remove(change.id),
            };
        }
    }
}

impl Silences {
    /// The silences that hold now or later, by number.
    pub fn lasting(&self, now: Time) -> impl Iterator<Item = &Silence> {
        self.0.values().filter(move |silence| silence.until > now)
    }
}
