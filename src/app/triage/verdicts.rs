//! How well monitors do, by what people said of their alerts: useful, expected, false.

use crate::app::{App, Failure};
use crate::domain::incident::Verdict;
use crate::domain::{Incident, Signal};
use crate::records::Verdicts;
use crate::store::{Batch, Expect, Id, Range};

/// Of one incident, so many alerts' monitors learn.
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

    /// Which part of them says that it was worth it.
    pub fn precision(&self) -> f64 {
        f64::from(self.useful) / f64::from(self.total().max(1))
    }
}

impl App {
    async fn count(
        &self,
        batch: &mut Batch,
        signal: &Signal,
        verdict: Verdict,
        before: Option<Verdict>,
    ) -> Result<(), Failure> {
        let id = Id::<Verdicts>::of(signal);
        let (mut record, expect) = match self.store.get(&id).await? {
            Some(rec) => (rec.value, Expect::Ver(rec.ver)),
            None => (Verdicts::default(), Expect::Absent),
        };
        if let Some(before) = before {
            let count = record.count(before);
            *count = count.saturating_sub(1);
        }
        *record.count(verdict) += 1;
        (record.title, record.source, record.last) = (signal.title.clone(), signal.source.clone(), self.now());
        batch.put(&id, expect, &record);
        Ok(())
    }

    /// Counts a verdict for the monitors of an incident's alerts, in one commit with the end of the errand.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn count_verdict(
        &self,
        incident: &Incident,
        verdict: Verdict,
        before: Option<Verdict>,
        also: Batch,
    ) -> Result<(), Failure> {
        let mut batch = also;
        let mut alerts = self.alerts(&incident.uid).await?;
        // What was only there for its parent is not to be blamed or praised.
        alerts.retain(|alert| !alert.inhibited);
        for alert in alerts.iter().take(MOST) {
            self.count(&mut batch, &alert.signal, verdict, before).await?;
        }
        self.commit(batch).await
    }

    /// Counts that an alert was no incident.
    pub(in crate::app) async fn not_a_problem(&self, signal: &Signal) -> Result<Batch, Failure> {
        let mut batch = Batch::new();
        self.count(&mut batch, signal, Verdict::False, None).await?;
        Ok(batch)
    }

    /// What people said of monitors, the noisiest first.
    ///
    /// # Errors
    /// The store cannot be read.
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
