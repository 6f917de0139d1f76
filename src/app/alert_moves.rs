//! Alerts that go to another incident. Their own was merged, or somebody says so, or they still fire although the asset upstream is mended.

use super::correlate::{MERGED_DEEP, ROUND};
use super::{App, Failure, RequestMeta};
use crate::domain::command::Opening;
use crate::domain::reason::JoinReason;
use crate::domain::suppression::Suppression;
use crate::domain::{Command, Incident, IncidentId, Signal, SignalStatus};
use crate::records::AlertOfKey;
use crate::store::{Batch, Id};

impl App {
    /// Correlates again the alerts that were in this incident only because of an asset upstream, and still fire although that is mended. This
    /// applies only to sources that report the end of an alert. For other sources, nobody knows whether the alert still fires.
    pub async fn look_again(&self, incident: &Incident, also: Batch) -> Result<(), Failure> {
        let says_when_over = |source: &str| self.config.source(source).is_some_and(|one| one.kind.says_when_over());
        let mut alerts = if incident.status.is_open() { Vec::new() } else { self.alerts(&incident.uid).await? };
        alerts.retain(|alert| alert.inhibited && alert.signal.status == SignalStatus::Firing);
        let go_on = alerts.into_iter().map(|alert| alert.signal).filter(|signal| says_when_over(&signal.source));
        let go_on: Vec<_> = go_on.collect();
        if go_on.is_empty() {
            return self.commit(also).await;
        }
        let mut also = Some(also);
        for some in go_on.chunks(ROUND) {
            let source = some[0].source.clone();
            self.receive_chunk(&source, some.to_vec(), Some(Suppression::Inhibited), also.take().unwrap_or_default())
                .await?;
        }
        Ok(())
    }

    /// Moves the alerts of a merged incident that still fire to the one it was merged into, and also the people who were told of it.
    ///
    /// # Errors
    /// The store cannot be read or written. What was moved stays; a new try moves the rest.
    pub async fn move_alerts(&self, from: &Incident, into: &IncidentId, also: Batch) -> Result<(), Failure> {
        let because = JoinReason::MergedFrom { incident: from.name() };
        for alert in self.alerts(&from.uid).await? {
            // An alert that belongs to another incident by now was moved before.
            let id = Id::<AlertOfKey>::of(&alert.signal.source, &alert.signal.key);
            let is_here = self.store.value(&id).await?.is_some_and(|found| found.uid == from.uid);
            if is_here && alert.signal.status == SignalStatus::Firing {
                self.place_alert(alert.signal, Some(into), &because, Batch::new()).await?;
            }
        }
        let told: Vec<_> = self.who_was_told(&from.uid).await?.into_values().collect();
        if told.is_empty() {
            return self.commit(also).await;
        }
        let into = self.goes_on_in(into).await?;
        self.execute(&into, &Command::Inherit { told }, RequestMeta::by_muster(also)).await.map(|_| ())
    }

    /// Moves an alert to an incident, or opens one for it. If that incident has ended meanwhile, the alert is treated as if it came in now.
    pub async fn place_alert(
        &self,
        signal: Signal,
        into: Option<&IncidentId>,
        because: &JoinReason,
        also: Batch,
    ) -> Result<(), Failure> {
        let into = match into {
            Some(into) => Some(self.goes_on_in(into).await?),
            None => None,
        };
        let request = RequestMeta::by_monitor(&signal.source, also.clone());
        let (said, because) = (signal.clone(), because.clone());
        let placed = match into {
            Some(into) => {
                let command = Command::Receive { signal: said, known: None, because, quiet: true };
                self.execute(&into, &command, request).await
            }
            None => self.open(&Opening::Receive { signal: Box::new(said), because }, request).await,
        };
        match placed {
            Err(Failure::Refused(_)) => self.receive_one(signal, None, also).await.map(|_| ()),
            other => other.map(|_| ()),
        }
    }

    /// The incident that this one was merged into, followed to the end of the chain. If it was not merged, the incident itself.
    pub(super) async fn goes_on_in(&self, uid: &IncidentId) -> Result<IncidentId, Failure> {
        let mut uid = uid.to_owned();
        for _ in 0..MERGED_DEEP {
            match self.incident(&uid).await?.and_then(|incident| incident.merged_into) {
                Some((into, _)) => uid = into,
                None => break,
            }
        }
        Ok(uid)
    }
}
