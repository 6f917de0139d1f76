//! Reading: lists, one incident with its parts, the post-mortem. They read the store and never remote systems.

use serde::Serialize;
use serde_json::{Value, json};

use super::records::{by_asset_id, newest_first};
use super::{App, Failure};
use crate::domain::incident::{MessageRef, Told};
use crate::domain::postmortem::{Captured, Record, draft};
use crate::domain::{Alert, AssetName, Entry, Incident, Severity, Status, Task, Time};
use crate::store::{Kind, after_prefix, scan_prefix};

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

/// How many records one page may look at, so that a rare filter costs no more than a common one.
const LOOK_AT: usize = 1000;

impl App {
    /// A page of incidents.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn list(&self, filter: &Filter, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let (kind, prefix) = match &filter.asset {
            Some(asset) => (Kind::ByAsset, by_asset_id(asset, u64::MAX).trim_end_matches('0').to_owned()),
            None if filter.open => (Kind::Open, String::new()),
            None => (Kind::Number, String::new()),
        };
        let mut from = cursor.map_or_else(|| prefix.clone(), |cursor| format!("{prefix}{cursor}\0"));
        let to = if prefix.is_empty() { String::new() } else { after_prefix(&prefix) };
        let mut incidents = Vec::new();
        let mut looked_at = 0;
        loop {
            let page = self.store.scan(kind, &from, &to, 100)?;
            let last_page = page.len() < 100;
            for rec in page {
                looked_at += 1;
                let place = rec.id.get(prefix.len()..).unwrap_or_default().to_owned();
                from = format!("{}\0", rec.id);
                let Some(uid) = rec.body["uid"].as_str() else {
                    continue;
                };
                if let Some(incident) = self.incident(uid)?.filter(|incident| filter.fits(incident)) {
                    incidents.push(incident);
                }
                if incidents.len() == limit || looked_at == LOOK_AT {
                    return Ok(Page { incidents, next: Some(place) });
                }
            }
            if last_page {
                return Ok(Page { incidents, next: None });
            }
        }
    }

    /// The last entries of a timeline, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn latest_entries(&self, incident: &Incident, count: u64) -> Result<Vec<Entry>, Failure> {
        let from = incident.entries.saturating_sub(count) + 1;
        let from = super::records::entry_id(&incident.uid, from);
        let to = after_prefix(&format!("{}/", incident.uid));
        let page = self.store.scan(Kind::Timeline, &from, &to, usize::try_from(count).unwrap_or(usize::MAX))?;
        Ok(page.into_iter().filter_map(|rec| serde_json::from_value(rec.body).ok()).collect())
    }

    /// A page of a timeline, after the entry `after`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn entries(&self, uid: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Failure> {
        let from = super::records::entry_id(uid, after + 1);
        let page = self.store.scan(Kind::Timeline, &from, &after_prefix(&format!("{uid}/")), limit)?;
        Ok(page.into_iter().filter_map(|rec| serde_json::from_value(rec.body).ok()).collect())
    }

    fn parts<T: serde::de::DeserializeOwned>(&self, kind: Kind, uid: &str) -> Result<Vec<T>, Failure> {
        let records = scan_prefix(&*self.store, kind, &format!("{uid}/"))?;
        Ok(records.into_iter().filter_map(|rec| serde_json::from_value(rec.body).ok()).collect())
    }

    /// An incident's alerts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn alerts(&self, uid: &str) -> Result<Vec<Alert>, Failure> {
        self.parts(Kind::Alert, uid)
    }

    /// An incident's tasks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn tasks(&self, uid: &str) -> Result<Vec<Task>, Failure> {
        self.parts(Kind::Task, uid)
    }

    /// Who was told of an incident, by key.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn who_was_told(&self, uid: &str) -> Result<std::collections::BTreeMap<String, Told>, Failure> {
        super::records::load_told(&*self.store, uid)
    }

    /// A message of an incident's channel.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn captured(&self, uid: &str, ts: &str) -> Result<Option<Captured>, Failure> {
        Ok(self.store.get(Kind::Message, &format!("{uid}/{ts}"))?.and_then(|rec| serde_json::from_value(rec.body).ok()))
    }

    /// The post-mortem draft, Markdown.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn postmortem(&self, incident: &Incident) -> Result<String, Failure> {
        let entries: Vec<Entry> = self.parts(Kind::Timeline, &incident.uid)?;
        let alerts = self.alerts(&incident.uid)?;
        let tasks = self.tasks(&incident.uid)?;
        let messages: Vec<Captured> = self.parts(Kind::Message, &incident.uid)?;
        let name = |id: &String| self.name(id);
        let link = |message: &MessageRef| self.link(message);
        let lineage = self.drawing(incident).map(|drawing| drawing.mermaid());
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

/// The number of the incident at a cursor.
pub fn number_at(cursor: &str) -> Option<u64> {
    Some(u64::MAX - cursor.parse::<u64>().ok()?)
}

/// The cursor that begins right before an incident.
pub fn place_of(number: u64) -> String {
    newest_first(number)
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
