//! Ends alerts that nobody repeats. Their source says after how long (`resolve_after_minutes`).

use super::{App, Failure};
use crate::domain::suppression::SuppressedAlert;
use crate::domain::{Signal, SignalStatus, Time};
use crate::records::outbox::Job;
use crate::store::{Batch, Id};

impl App {
    /// Resolves an alert that nobody repeated for as long as its source says (`resolve_after_minutes`).
    pub async fn expire(&self, source: &str, key: &str, since: Time, mut also: Batch) -> Result<(), Failure> {
        let minutes = self.config.source(source).and_then(|known| known.resolve_after_minutes);
        let Some(minutes) = minutes else { return self.commit(also).await };
        let id = Id::<SuppressedAlert>::of(&Signal::new(source, key, key, self.now())).to_string();
        let heard = self.correlator.heard.lock().get(&id).copied();
        // Muster forgets at a restart when it heard of an alert. So a start counts as having heard of it.
        let due = heard.unwrap_or(since).max(self.correlator.started) + chrono::Duration::minutes(minutes.into());
        if due > self.now() {
            let job = Job::Expire { source: source.to_owned(), key: key.to_owned(), since, at: due };
            also.enqueue(&self.errand(), job, self.now());
            return self.commit(also).await;
        }
        self.correlator.heard.lock().remove(&id);
        let signal =
            Signal { status: SignalStatus::Resolved, lapsed: true, ..Signal::new(source, key, key, self.now()) };
        self.receive_one(signal, None, also).await.map(|_| ())
    }

    /// Remembers that an alert was heard of, if its source uses that.
    pub(super) fn hear(&self, id: &str) {
        self.correlator.heard.lock().insert(id.to_owned(), self.now());
    }
}
