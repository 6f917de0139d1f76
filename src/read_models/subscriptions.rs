//! Who wants to hear about every incident of an asset or a team.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ReadModel;
use crate::domain::UserId;
use crate::records::Subscription;
use crate::store::{Change, Kind, Range, ReadError, Store};

/// Subscriptions by their ids, which begin with the followed asset or team in lower case.
#[derive(Debug, Default, PartialEq)]
pub struct Subscriptions(BTreeMap<String, Subscription>);

impl ReadModel for Subscriptions {
    const FOLLOWS: &'static [Kind] = &[Kind::Subscription];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let all = store.all(Range::<Subscription>::all()).await?;
        Ok(Self(all.into_iter().map(|rec| (rec.id.to_string(), rec.value)).collect()))
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Subscription) {
            match change.value::<Subscription>() {
                Some(subscription) => self.0.insert(change.id.to_owned(), Arc::unwrap_or_clone(subscription)),
                None => self.0.remove(change.id),
            };
        }
    }
}

impl Subscriptions {
    pub fn followers(&self, of: &str) -> Vec<&UserId> {
        let key = format!("{}\u{1}", of.to_lowercase());
        let of = self.0.range(key.clone()..).take_while(|(id, _)| id.starts_with(&key));
        of.map(|(_, one)| &one.person).collect()
    }

    /// The followed assets and teams, as people see them, each with its followers.
    pub fn all(&self) -> Vec<(&str, Vec<&UserId>)> {
        let mut all: Vec<(&str, Vec<&UserId>)> = Vec::new();
        for one in self.0.values() {
            match all.last_mut().filter(|(of, _)| of.eq_ignore_ascii_case(&one.of)) {
                Some((_, people)) => people.push(&one.person),
                None => all.push((&one.of, vec![&one.person])),
            }
        }
        all
    }

    /// How many assets and teams are followed.
    pub fn followed(&self) -> usize {
        self.all().len()
    }

    pub fn of(&self, person: &UserId) -> Vec<String> {
        self.0.values().filter(|one| one.person == *person).map(|one| one.of.clone()).collect()
    }
}
