//! The people in the user groups and on the schedules that the configuration names, as they were last read.

use std::collections::HashMap;
use std::sync::Arc;

use super::ReadModel;
use crate::domain::UserId;
use crate::records::Roster;
use crate::store::{Change, Kind, Range, ReadError, Store};

/// Rosters, by the id of the group or schedule.
#[derive(Debug, Default, PartialEq)]
pub struct Rosters(HashMap<String, Roster>);

impl ReadModel for Rosters {
    const FOLLOWS: &'static [Kind] = &[Kind::Roster];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let all = store.all(Range::<Roster>::all()).await?;
        Ok(Self(all.into_iter().map(|rec| (rec.id.to_string(), rec.value)).collect()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Roster) {
            match change.value::<Roster>() {
                Some(roster) => self.0.insert(change.id.to_owned(), Arc::unwrap_or_clone(roster)),
                None => self.0.remove(change.id),
            };
        }
    }
}

impl Rosters {
    /// The people in a group or on a schedule.
    pub fn get(&self, id: &str) -> Option<&Roster> {
        self.0.get(id)
    }

    /// Whether somebody is in a group or on a schedule.
    pub fn has(&self, id: &str, person: &UserId) -> bool {
        self.0.get(id).is_some_and(|roster| roster.people.iter().any(|one| one == person))
    }
}
