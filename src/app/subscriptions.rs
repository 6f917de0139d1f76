//! Who wants to hear of every incident of an asset or a team. They say so once, and it holds until they end it. A subscription to a dashboard
//! also covers what is upstream of it.

use std::collections::BTreeMap;

use super::{App, Failure};
use crate::domain::incident::Recipient;
use crate::domain::{Incident, UserId};
use crate::records::Subscription;
use crate::store::{Batch, Expect, Id};

/// How many people may subscribe to one thing.
const MAX_SUBSCRIBERS: usize = 200;
/// How many things may have subscriptions.
const MAX_SUBJECTS: usize = 5000;

impl App {
    /// Somebody subscribes to an asset or team, or ends that. Returns whether this is news.
    ///
    /// # Errors
    /// Too many people subscribe, or the store cannot write.
    pub async fn subscribe_to(&self, of: &str, person: &UserId, on: bool) -> Result<bool, Failure> {
        {
            let subscriptions = self.models.subscriptions.read();
            let subscribers = subscriptions.subscribers(of);
            if subscribers.contains(&person) == on {
                return Ok(false);
            }
            let too_many = subscribers.is_empty() && subscriptions.subjects() >= MAX_SUBJECTS;
            if on && (subscribers.len() >= MAX_SUBSCRIBERS || too_many) {
                return Err(Failure::Invalid(format!(
                    "Too many people subscribe to `{of}` already; a channel of the team under `[[teams]]` serves them better."
                )));
            }
        }
        let id = Id::<Subscription>::of(of, person);
        let mut batch = Batch::new();
        if on {
            batch.put(&id, Expect::Any, &Subscription { of: of.to_owned(), person: person.to_owned() });
        } else {
            batch.del(&id, Expect::Any);
        }
        self.commit(batch).await?;
        Ok(true)
    }

    pub fn subscriptions_of(&self, person: &UserId) -> Vec<String> {
        self.models.subscriptions.read().of(person)
    }

    /// Who subscribed to something that an incident reaches: one of its assets or one downstream, or a team that owns one.
    pub(super) async fn subscribers(&self, incident: &Incident, teams: &[String]) -> Vec<Recipient> {
        let subjects: Vec<(String, Vec<UserId>)> = {
            let subscriptions = self.models.subscriptions.read();
            let all = subscriptions.all().into_iter();
            all.map(|(of, people)| (of.to_owned(), people.into_iter().cloned().collect())).collect()
        };
        let mut told: BTreeMap<UserId, Recipient> = BTreeMap::new();
        for (of, people) in subjects {
            let is_team = teams.iter().any(|team| team.eq_ignore_ascii_case(&of));
            let reached = is_team
                || self.trust(&of).await.is_ok_and(|trust| trust.incidents.iter().any(|one| one.id == incident.name()));
            if !reached {
                continue;
            }
            for person in people {
                let new = || Recipient::person(&person, self.name(&person));
                let recipient = told.entry(person.clone()).or_insert_with(new);
                recipient.total += 1;
                if recipient.assets.len() < 5 {
                    recipient.assets.push(of.clone());
                }
            }
        }
        told.into_values().collect()
    }
}
