//! How well monitors do, by what people said of their alerts: useful, expected, false.

use serde::{Deserialize, Serialize};

use crate::app::{App, Failure, records};
use crate::domain::incident::Verdict;
use crate::domain::{Incident, Signal, Time};
use crate::store::{Expect, Kind, Op, scan_prefix};

/// Of one incident, so many alerts' monitors learn.
const MOST: usize = 200;

/// What people said of one monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this record's shape.
    pub v: u32,
    /// The monitor's last title.
    pub title: String,
    /// The source.
    pub source: String,
    /// How often its alerts were worth it.
    pub useful: u32,
    /// How often they were known.
    pub expected: u32,
    /// How often nothing was wrong.
    #[serde(rename = "false")]
    pub false_: u32,
    /// When somebody last said so.
    pub last: Time,
}

impl Record {
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
    fn verdict_op(&self, signal: &Signal, verdict: Verdict, before: Option<Verdict>) -> Result<Op, Failure> {
        let id = records::key_id(&signal.source, &signal.key);
        let rec = self.store.get(Kind::Verdict, &id)?;
        let (mut record, expect) = match rec {
            Some(rec) => (serde_json::from_value::<Record>(rec.body).unwrap_or_default(), Expect::Ver(rec.ver)),
            None => (Record::default(), Expect::Absent),
        };
        if let Some(before) = before {
            let count = record.count(before);
            *count = count.saturating_sub(1);
        }
        *record.count(verdict) += 1;
        (record.v, record.title, record.source, record.last) =
            (1, signal.title.clone(), signal.source.clone(), self.now());
        Ok(Op::put(Kind::Verdict, id, expect, serde_json::to_value(&record).unwrap_or_default()))
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
        mut also: Vec<Op>,
    ) -> Result<(), Failure> {
        let mut alerts = self.alerts(&incident.uid)?;
        // What was only there for its parent is not to be blamed or praised.
        alerts.retain(|alert| !alert.inhibited);
        for alert in alerts.iter().take(MOST) {
            also.push(self.verdict_op(&alert.signal, verdict, before)?);
        }
        self.commit(also).await
    }

    /// Counts that an alert was no incident.
    pub(in crate::app) fn not_a_problem(&self, signal: &Signal) -> Result<Op, Failure> {
        self.verdict_op(signal, Verdict::False, None)
    }

    /// What people said of monitors, the noisiest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn verdicts(&self) -> Result<Vec<Record>, Failure> {
        let all = scan_prefix(&*self.store, Kind::Verdict, "")?.into_iter();
        let mut all: Vec<Record> = all
            .filter_map(|rec| serde_json::from_value(rec.body).ok())
            .filter(|record: &Record| record.total() > 0)
            .collect();
        all.sort_by(|one, other| {
            let noise = |of: &Record| (of.false_ + of.expected, of.total());
            noise(other).cmp(&noise(one)).then(one.title.cmp(&other.title))
        });
        Ok(all)
    }
}
