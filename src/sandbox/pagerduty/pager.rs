//! What people do and see in the pager.

use std::collections::BTreeMap;

use super::account::{PdIncident, RestCall};
use super::webhooks;
use crate::sandbox::exchange::Answer;
use crate::sandbox::world::Shared;

/// The pager, as its people use it.
pub struct PagerDuty(pub(crate) Shared);

impl PagerDuty {
    pub fn incidents(&self) -> Vec<PdIncident> {
        self.0.lock().pagerduty.incidents.clone()
    }

    /// Puts a person, by name and address, on call on a schedule.
    pub fn on_call(&self, schedule: &str, people: &[(&str, &str)]) {
        let people = people.iter().map(|(name, email)| ((*name).to_owned(), (*email).to_owned())).collect();
        self.0.lock().pagerduty.schedules.insert(schedule.to_owned(), people);
    }

    /// Gives a person an account with an address.
    pub fn add_user(&self, name: &str, email: &str) {
        self.0.lock().pagerduty.users.push((name.to_owned(), email.to_owned()));
    }

    pub fn add_service(&self, id: &str) {
        self.0.lock().pagerduty.services.push(id.to_owned());
    }

    /// The changes that were requested through the REST API.
    pub fn rest_calls(&self) -> Vec<RestCall> {
        self.0.lock().pagerduty.rest_calls.clone()
    }

    /// How often people were really notified.
    pub fn pages(&self) -> usize {
        self.0.lock().pagerduty.incidents.len()
    }

    /// How many incidents there ever were, by key. More than one means that a page was sent twice.
    pub fn pages_by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for incident in self.incidents() {
            *counts.entry(incident.dedup_key).or_default() += 1;
        }
        counts
    }

    /// Somebody acknowledges in the pager.
    pub fn acknowledge(&self, key: &str, by: &str) {
        self.change(key, "acknowledged", by);
    }

    /// Somebody resolves in the pager.
    pub fn resolve(&self, key: &str, by: &str) {
        self.change(key, "resolved", by);
    }

    fn change(&self, key: &str, status: &str, by: &str) {
        let mut world = self.0.lock();
        let now = (world.config.now)();
        let account = &mut world.pagerduty;
        let open = |incident: &PdIncident| {
            incident.dedup_key == key && incident.status != "resolved" && incident.status != status
        };
        if let Some(index) = account.incidents.iter().rposition(open) {
            status.clone_into(&mut account.incidents[index].status);
            account.tell(index, status, Some(by), now);
        }
    }

    /// Sends the last webhook once more, as after a lost answer.
    pub fn redeliver_last(&self) {
        let mut world = self.0.lock();
        if let Some(last) = world.pagerduty.last.clone() {
            world.pagerduty.webhooks.push(last);
        }
    }

    /// Sends a webhook with any headers.
    pub async fn raw_webhook(&self, body: String, headers: Vec<(String, String)>) -> Answer {
        self.0.send("/pagerduty/webhooks", headers, body).await
    }

    /// The right signature for a body.
    pub fn sign(&self, body: &str) -> String {
        webhooks::sign(&self.0, body)
    }
}
