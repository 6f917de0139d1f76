//! How well monitors do, by people's verdicts on their alerts: useful, expected, false.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::app::{App, Change, Failure};
use crate::domain::incident::Verdict;
use crate::domain::{Incident, Signal};
use crate::records::Verdicts;
use crate::store::{Batch, Id, Range};

/// A verdict on one incident counts for the monitors of at most this many alerts.
const MOST: usize = 200;

impl Verdicts {
    fn count(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Useful => &mut self.useful,
            Verdict::Expected => &mut self.expected,
            Verdict::False => &mut self.false_,
        }
    }

    /// How many verdicts there are.
    pub fn total(&self) -> u32 {
        self.useful + self.expected + self.false_
    }

    /// The share of verdicts that call the alerts useful.
    pub fn precision(&self) -> f64 {
        f64::from(self.useful) / f64::from(self.total().max(1))
    }
}

/// A verdict on the alerts of an incident.
struct Judging<'a> {
    incident: &'a Incident,
    verdict: Verdict,
    before: Option<Verdict>,
    also: Batch,
}

impl Change for Judging<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let mut alerts = app.alerts(&self.incident.uid).await?;
        // An alert that was inhibited gets neither blame nor praise.
        alerts.retain(|alert| !alert.inhibited);
        alerts.truncate(MOST);
        let mut batch = self.also.clone();
        let signals = alerts.iter().map(|alert| &alert.signal);
        app.count(&mut batch, signals, self.verdict, self.before).await?;
        Ok((batch, ()))
    }
}

impl App {
    /// Counts a verdict for the monitors of some alerts, once for each of their alerts.
    pub(super) async fn count(
        &self,
        batch: &mut Batch,
        signals: impl Iterator<Item = &Signal>,
        verdict: Verdict,
        before: Option<Verdict>,
    ) -> Result<(), Failure> {
        let mut monitors = BTreeMap::new();
        for signal in signals {
            let id = Id::<Verdicts>::of(signal);
            let (record, _) = match monitors.entry(id.to_string()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let (record, expect) = self.to_change(&id).await?;
                    free.insert((record.unwrap_or_default(), expect))
                }
            };
            if let Some(before) = before {
                let count = record.count(before);
                *count = count.saturating_sub(1);
            }
            *record.count(verdict) += 1;
            (record.title, record.source, record.last) = (signal.title.clone(), signal.source.clone(), self.now());
        }
        for (id, (record, expect)) in monitors {
            batch.put(&Id::<Verdicts>::new(id), expect, &record);
        }
        Ok(())
    }

    /// Counts a verdict for the monitors of an incident's alerts, in one commit with the end of the job.
    pub async fn count_verdict(
        &self,
        incident: &Incident,
        verdict: Verdict,
        before: Option<Verdict>,
        also: Batch,
    ) -> Result<(), Failure> {
        self.make(&Judging { incident, verdict, before, also }).await
    }

    /// People's verdicts on monitors, the noisiest monitor first.
    pub async fn verdicts(&self) -> Result<Vec<Verdicts>, Failure> {
        let mut all: Vec<Verdicts> = self.store.values(Range::all()).await?;
        all.retain(|record| record.total() > 0);
        all.sort_by(|one, other| {
            let noise = |of: &Verdicts| (of.false_ + of.expected, of.total());
            noise(other).cmp(&noise(one)).then(one.title.cmp(&other.title))
        });
        Ok(all)
    }
}
