//! Who wants to hear of every incident of an asset or a team: said once, until they say otherwise. A followed dashboard hears of what
//! is upstream of it too.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde_json::json;

use super::{App, Failure};
use crate::domain::incident::Recipient;
use crate::domain::{Incident, PersonId};
use crate::store::{Engine, Expect, Kind, Op, scan_prefix};
use crate::tr;

/// Followers by what they follow: the name as people see it in lower case.
pub(super) type Follows = BTreeMap<String, (String, Vec<PersonId>)>;

/// So many may follow one thing.
const MAX_FOLLOWERS: usize = 200;
/// So many things may be followed.
const MAX_FOLLOWED: usize = 5000;

/// The followers of a store.
///
/// # Errors
/// It cannot be read.
pub(super) fn load(store: &dyn Engine) -> anyhow::Result<Follows> {
    let mut follows = Follows::new();
    for rec in scan_prefix(store, Kind::Subscription, "")? {
        if let (Some(of), Some(person)) = (rec.body["of"].as_str(), rec.body["person"].as_str()) {
            follows.entry(of.to_lowercase()).or_insert_with(|| (of.to_owned(), Vec::new())).1.push(person.to_owned());
        }
    }
    Ok(follows)
}

impl App {
    /// Somebody follows an asset or team, or no more; whether that is news.
    ///
    /// # Errors
    /// Too many do, or the store cannot write.
    pub async fn subscribe_to(&self, of: &str, person: &str, on: bool) -> Result<bool, Failure> {
        let key = of.to_lowercase();
        {
            let follows = self.follows.read().unwrap_or_else(PoisonError::into_inner);
            let followers = follows.get(&key).map(|(_, people)| people.as_slice()).unwrap_or_default();
            if followers.iter().any(|one| one == person) == on {
                return Ok(false);
            }
            if on && (followers.len() >= MAX_FOLLOWERS || (followers.is_empty() && follows.len() >= MAX_FOLLOWED)) {
                return Err(Failure::Invalid(tr!(
                    "Too many people follow `{of}` already; a channel of the team under `[[teams]]` serves them better.",
                    of = of
                )));
            }
        }
        let id = format!("{key}\u{1}{person}");
        let op = if on {
            Op::put(Kind::Subscription, id, Expect::Any, json!({"v": 1, "of": of, "person": person}))
        } else {
            Op::Del { kind: Kind::Subscription, id, expect: Expect::Any }
        };
        self.commit(vec![op]).await?;
        let mut follows = self.follows.write().unwrap_or_else(PoisonError::into_inner);
        let followers = &mut follows.entry(key.clone()).or_insert_with(|| (of.to_owned(), Vec::new())).1;
        if on {
            followers.push(person.to_owned());
        } else {
            followers.retain(|one| one != person);
        }
        if followers.is_empty() {
            follows.remove(&key);
        }
        Ok(true)
    }

    /// What somebody follows.
    pub fn followed_by(&self, person: &str) -> Vec<String> {
        let follows = self.follows.read().unwrap_or_else(PoisonError::into_inner);
        follows
            .values()
            .filter(|(_, people)| people.iter().any(|one| one == person))
            .map(|(of, _)| of.clone())
            .collect()
    }

    /// Who follows something that an incident reaches: an asset of it or below it, or a team that owns one.
    pub(super) fn followers(&self, incident: &Incident, teams: &[String]) -> Vec<Recipient> {
        let follows = self.follows.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut told: BTreeMap<PersonId, Recipient> = BTreeMap::new();
        for (key, (of, people)) in follows {
            let is_team = teams.iter().any(|team| team.to_lowercase() == key);
            let reached = is_team
                || self.trust(&of).is_ok_and(|trust| {
                    trust.incidents.iter().any(|one| one["id"].as_str() == Some(incident.name().as_str()))
                });
            if !reached {
                continue;
            }
            for person in people {
                let recipient = told.entry(person.clone()).or_insert_with(|| Recipient {
                    key: person.to_lowercase(),
                    name: self.name(&person),
                    slack: Some(person),
                    email: None,
                    assets: Vec::new(),
                    total: 0,
                });
                recipient.total += 1;
                if recipient.assets.len() < 5 {
                    recipient.assets.push(of.clone());
                }
            }
        }
        told.into_values().collect()
    }
}
