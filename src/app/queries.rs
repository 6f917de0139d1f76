//! Reading: lists, one incident with its parts, the post-mortem. They read the store and never remote systems.

use serde::Serialize;
use serde_json::{Value, json};

use super::{App, Failure, decided};
use crate::domain::incident::{MessageRef, Notification};
use crate::domain::postmortem::{Captured, Record, draft};
use crate::domain::{Alert, AssetName, Entry, Incident, Severity, Status, Task, Time};
use crate::records::{OfAsset, OfNumber, Open};
use crate::store::{Id, Range, Record as Kept};

pub use crate::records::{number_at, place_of};

/// Which incidents are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this status.
    pub status: Option<Status>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// About this asset.
    pub asset: Option<AssetName>,
    /// Only those that are not resolved.
    pub open: bool,
    /// Those in which this person has a role.
    pub person: Option<String>,
    /// Opened at or after this moment.
    pub since: Option<Time>,
    /// Opened before this moment.
    pub before: Option<Time>,
    /// With each of these words, in lower case, in the title, an asset, the last update or the fix.
    pub words: Vec<String>,
    /// Those that this person may see; all without.
    pub viewer: Option<String>,
}

/// A page of incidents, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as asked for.
    pub incidents: Vec<Incident>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// How many records are read at once.
const PAGE: usize = 100;
/// How many records one page may look at, so that a rare filter costs no more than a common one.
const LOOK_AT: usize = 1000;

impl App {
    /// A page of incidents.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, filter: &Filter, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        match &filter.asset {
            Some(asset) => {
                let of = |found: OfAsset| found.uid;
                let place = |number| Id::<OfAsset>::of(asset, number);
                self.listed(Range::<OfAsset>::about(asset), of, place, filter, cursor, limit).await
            }
            None if filter.open => {
                let of = |found: Open| found.uid;
                self.listed(Range::<Open>::all(), of, Id::<Open>::of, filter, cursor, limit).await
            }
            None => {
                let of = |found: OfNumber| found.uid;
                self.listed(Range::<OfNumber>::all(), of, Id::<OfNumber>::of, filter, cursor, limit).await
            }
        }
    }

    /// A page of the incidents that an index lists, the newest first.
    async fn listed<T: Kept>(
        &self,
        all: Range<T>,
        uid: fn(T) -> String,
        place: impl Fn(u64) -> Id<T> + Send,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Failure> {
        let mut range = match cursor.and_then(number_at) {
            Some(number) => all.after(place(number).as_str()),
            None => all,
        };
        let mut incidents = Vec::new();
        let mut looked_at = 0;
        loop {
            let page = self.store.scan(&range, PAGE).await?;
            for rec in page.records {
                looked_at += 1;
                let Some(incident) = self.incident(&uid(rec.value)).await? else {
                    continue;
                };
                let number = incident.number;
                if filter.fits(&incident) {
                    incidents.push(incident);
                }
                if incidents.len() == limit || looked_at == LOOK_AT {
                    return Ok(Page { incidents, next: Some(place_of(number)) });
                }
            }
            match page.next {
                Some(last) => range = range.after(&last),
                None => return Ok(Page { incidents, next: None }),
            }
        }
    }

    /// The last entries of a timeline, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn latest_entries(&self, incident: &Incident, count: u64) -> Result<Vec<Entry>, Failure> {
        let from = incident.entries.saturating_sub(count) + 1;
        let range = Range::<Entry>::of(&incident.uid).starting(&Id::<Entry>::of(&incident.uid, from));
        let page = self.store.scan(&range, usize::try_from(count).unwrap_or(usize::MAX)).await?;
        Ok(page.records.into_iter().map(|rec| rec.value).collect())
    }

    /// A page of a timeline, after the entry `after`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn entries(&self, uid: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Failure> {
        let range = Range::<Entry>::of(uid).starting(&Id::<Entry>::of(uid, after + 1));
        let page = self.store.scan(&range, limit).await?;
        Ok(page.records.into_iter().map(|rec| rec.value).collect())
    }

    /// An incident's alerts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn alerts(&self, uid: &str) -> Result<Vec<Alert>, Failure> {
        Ok(self.store.values(Range::<Alert>::of(uid)).await?)
    }

    /// An incident's tasks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn tasks(&self, uid: &str) -> Result<Vec<Task>, Failure> {
        Ok(self.store.values(Range::<Task>::of(uid)).await?)
    }

    /// Who was told of an incident, by key.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn who_was_told(&self, uid: &str) -> Result<std::collections::BTreeMap<String, Notification>, Failure> {
        Ok(decided::told(&self.store, uid).await?)
    }

    /// A message of an incident's channel.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn captured(&self, uid: &str, ts: &str) -> Result<Option<Captured>, Failure> {
        Ok(self.store.value(&Id::<Captured>::of(uid, ts)).await?)
    }

    /// The post-mortem draft, Markdown.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn postmortem(&self, incident: &Incident) -> Result<String, Failure> {
        let entries = self.store.values(Range::<Entry>::of(&incident.uid)).await?;
        let alerts = self.alerts(&incident.uid).await?;
        let tasks = self.tasks(&incident.uid).await?;
        let messages = self.store.values(Range::<Captured>::of(&incident.uid)).await?;
        let name = |id: &String| self.name(id);
        let link = |message: &MessageRef| self.link(message);
        let lineage = self.drawing(incident).await?.map(|drawing| drawing.mermaid());
        let record = Record {
            incident,
            entries: &entries,
            alerts: &alerts,
            tasks: &tasks,
            messages: &messages,
            name: &name,
            link: &link,
            lineage: lineage.as_deref(),
        };
        Ok(self.templates.render("postmortem", &draft(&record)))
    }
}

impl Filter {
    fn fits(&self, incident: &Incident) -> bool {
        self.status.is_none_or(|status| incident.status == status)
            && self.severity.is_none_or(|severity| incident.severity == severity)
            && (!self.open || incident.status.is_open())
            && self.since.is_none_or(|since| incident.opened_at >= since)
            && self.before.is_none_or(|before| incident.opened_at < before)
            && self.viewer.as_ref().is_none_or(|viewer| incident.may_be_seen_by(viewer))
            && (self.words.is_empty() || {
                let texts = [Some(&incident.title), incident.last_update.as_ref(), incident.fix.as_ref()];
                let mut all = texts.into_iter().flatten().map(|text| text.to_lowercase()).collect::<Vec<_>>();
                all.extend(incident.assets.iter().map(|asset| asset.as_str().to_lowercase()));
                self.words.iter().all(|word| all.iter().any(|text| text.contains(word)))
            })
            && self.person.as_ref().is_none_or(|person| incident.people().contains(person))
    }
}

/// An incident as the API shows it (the design's outside contract).
pub fn incident_json(incident: &Incident, alerts: Option<&[Alert]>) -> Value {
    #[derive(Serialize)]
    struct AlertJson<'a> {
        id: &'a str,
        key: &'a str,
        source: &'a str,
        title: &'a str,
        asset: Option<&'a AssetName>,
        pillar: &'static str,
        status: crate::domain::SignalStatus,
        joined_because: &'a str,
    }
    let pages: Vec<Value> = incident
        .pages
        .iter()
        .map(|(key, page)| json!({"key": key, "target": page.target, "status": page.status, "url": page.url}))
        .collect();
    let mut value = json!({
        "id": incident.name(),
        "uid": incident.uid,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "pillar": incident.pillar,
        "assets": incident.assets,
        "service": incident.service,
        "source": incident.source,
        "roles": incident.roles,
        "channel": incident.channel,
        "pagerduty": {"pages": pages},
        "alerts_total": incident.alerts,
        "alerts_firing": incident.firing,
        "tasks_total": incident.tasks,
        "tasks_open": incident.open_tasks,
        "detected_at": incident.detected_at,
        "opened_at": incident.opened_at,
        "acknowledged_at": incident.acknowledged_at,
        "mitigated_at": incident.mitigated_at,
        "resolved_at": incident.resolved_at,
        "bad_from": incident.bad_from,
        "good_again": incident.good_again,
        "fix": incident.fix,
        "root_cause_candidates": incident.roots,
        "blast_radius": incident.radius,
        "told": incident.told,
        "drill": incident.drill,
        "private": incident.private,
    });
    if let Some(alerts) = alerts {
        let alerts: Vec<AlertJson<'_>> = alerts
            .iter()
            .map(|alert| AlertJson {
                id: &alert.id,
                key: &alert.signal.key,
                source: &alert.signal.source,
                title: &alert.signal.title,
                asset: alert.signal.asset.as_ref(),
                pillar: alert.signal.pillar.as_str(),
                status: alert.signal.status,
                joined_because: &alert.joined_because,
            })
            .collect();
        value["alerts"] = serde_json::to_value(alerts).unwrap_or_default();
    }
    value
}
