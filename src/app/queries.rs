//! Reading: lists, and one incident with its parts. The queries read the store and never remote systems.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{App, Failure, decided};
use crate::domain::captured::Captured;
use crate::domain::incident::{Channel, Notification, PageStatus, Radius};
use crate::domain::visibility::Viewer;
use crate::domain::{
    Alert, AssetName, Entry, Incident, IncidentId, Pillar, Role, Severity, Status, Task, Time, UserId,
};
use crate::records::{OfAsset, OfNumber, Open};
use crate::render::views;
use crate::store::{Id, Range, Record as Kept};

pub use crate::records::{number_at, place_of};

/// Which incidents are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub severity: Option<Severity>,
    pub asset: Option<AssetName>,
    /// Only incidents that are not resolved.
    pub open: bool,
    /// Only incidents in which this person has a role.
    pub person: Option<UserId>,
    /// Opened at or after this moment.
    pub since: Option<Time>,
    pub before: Option<Time>,
    /// Only incidents with each of these words, in lower case, in the title, an asset, the last update or the fix.
    pub words: Vec<String>,
    /// Only incidents that this person may see. If absent, all.
    pub viewer: Viewer,
}

/// A page of incidents, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as the caller asked for.
    pub incidents: Vec<Incident>,
    pub next: Option<String>,
}

/// How many records are read at once.
const PAGE: usize = 100;
/// How many records one page may read, so that a rare filter costs no more than a common one.
const LOOK_AT: usize = 1000;

impl App {
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
        uid: fn(T) -> IncidentId,
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
                let Some(incident) = self.incident(&uid(rec.value)).await? else { continue };
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
    pub async fn latest_entries(&self, incident: &Incident, count: u64) -> Result<Vec<Entry>, Failure> {
        let before = incident.entries.saturating_sub(count);
        self.entries(&incident.uid, before, usize::try_from(count).unwrap_or(usize::MAX)).await
    }

    /// A page of a timeline, after the entry `after`.
    pub async fn entries(&self, uid: &IncidentId, after: u64, limit: usize) -> Result<Vec<Entry>, Failure> {
        let range = Range::<Entry>::of(uid).starting(&Id::<Entry>::of(uid, after + 1));
        let page = self.store.scan(&range, limit).await?;
        Ok(page.records.into_iter().map(|rec| rec.value).collect())
    }

    pub async fn alerts(&self, uid: &IncidentId) -> Result<Vec<Alert>, Failure> {
        Ok(self.store.values(Range::<Alert>::of(uid)).await?)
    }

    pub async fn tasks(&self, uid: &IncidentId) -> Result<Vec<Task>, Failure> {
        Ok(self.store.values(Range::<Task>::of(uid)).await?)
    }

    /// Who is told of an incident, by key, and what became of it.
    pub async fn who_was_told(&self, uid: &IncidentId) -> Result<BTreeMap<String, Notification>, Failure> {
        Ok(decided::notified(&self.store, uid).await?)
    }

    /// A message of an incident's channel.
    pub async fn captured(&self, uid: &IncidentId, ts: &str) -> Result<Option<Captured>, Failure> {
        Ok(self.store.value(&Id::<Captured>::of(uid, ts)).await?)
    }
}

impl Filter {
    fn fits(&self, incident: &Incident) -> bool {
        self.status.is_none_or(|status| incident.status == status)
            && self.severity.is_none_or(|severity| incident.severity == severity)
            && (!self.open || incident.status.is_open())
            && self.since.is_none_or(|since| incident.opened_at >= since)
            && self.before.is_none_or(|before| incident.opened_at < before)
            && self.viewer.sees(incident)
            && (self.words.is_empty() || {
                let texts = [&incident.last_update, &incident.last_impact, &incident.fix].into_iter().flatten();
                let mut all = texts.chain([&incident.title]).map(|text| text.to_lowercase()).collect::<Vec<_>>();
                all.extend(incident.assets.iter().map(|asset| asset.as_str().to_lowercase()));
                self.words.iter().all(|word| all.iter().any(|text| text.contains(word)))
            })
            && self.person.as_ref().is_none_or(|person| incident.people().contains(person))
    }
}

/// An alert as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertView {
    pub id: String,
    pub key: String,
    pub source: String,
    pub title: String,
    pub asset: Option<AssetName>,
    pub pillar: &'static str,
    pub status: crate::domain::SignalStatus,
    pub joined_because: String,
}

/// A page as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PageView {
    pub key: String,
    pub target: String,
    pub status: PageStatus,
    pub url: Option<String>,
}

/// What PagerDuty was told of an incident.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PagerDutyView {
    /// By key.
    pub pages: Vec<PageView>,
}

/// The blast radius of an incident, in short.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RadiusView {
    /// `14 tables, 3 dashboards, 5 teams`.
    pub words: String,
    pub assets: usize,
    pub teams: usize,
}

/// An incident as the API shows it (the design's outside contract).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IncidentView {
    /// `INC-12`.
    pub id: String,
    pub uid: String,
    pub title: String,
    pub status: Status,
    pub severity: Severity,
    pub pillar: Pillar,
    pub assets: Vec<AssetName>,
    pub service: Option<String>,
    pub source: Option<String>,
    /// People's ids in Slack, by role.
    pub roles: BTreeMap<Role, Vec<UserId>>,
    pub channel: Option<Channel>,
    pub pagerduty: PagerDutyView,
    pub alerts_total: u32,
    pub alerts_firing: u32,
    pub tasks_total: u32,
    pub tasks_open: u32,
    #[schema(value_type = DateTime)]
    pub detected_at: Time,
    #[schema(value_type = DateTime)]
    pub opened_at: Time,
    #[schema(value_type = Option<DateTime>)]
    pub acknowledged_at: Option<Time>,
    #[schema(value_type = Option<DateTime>)]
    pub mitigated_at: Option<Time>,
    #[schema(value_type = Option<DateTime>)]
    pub resolved_at: Option<Time>,
    #[schema(value_type = Option<DateTime>)]
    pub bad_from: Option<Time>,
    #[schema(value_type = Option<DateTime>)]
    pub good_again: Option<Time>,
    pub fix: Option<String>,
    pub root_cause_candidates: Vec<views::RootView>,
    pub blast_radius: Option<RadiusView>,
    /// How many people and teams outside were told: a message to them was delivered.
    pub told: u32,
    pub drill: bool,
    pub private: bool,
    /// Where one incident is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<AlertView>>,
}

impl IncidentView {
    /// Of an incident, with its alerts where they are known; people by the name that `name` gives.
    pub fn of(incident: &Incident, alerts: Option<&[Alert]>, name: &dyn Fn(&UserId) -> String) -> Self {
        let pages = incident.pages.iter().map(|(key, page)| PageView {
            key: key.clone(),
            target: page.target.clone(),
            status: page.status,
            url: page.url.clone(),
        });
        let alert = |alert: &Alert| AlertView {
            id: alert.id.to_string(),
            key: alert.signal.key.clone(),
            source: alert.signal.source.clone(),
            title: alert.signal.title.clone(),
            asset: alert.signal.asset.clone(),
            pillar: alert.signal.pillar.as_str(),
            status: alert.signal.status,
            joined_because: alert.joined_because.words(name),
        };
        let radius = |of: &Radius| RadiusView { words: of.words(), assets: of.assets, teams: of.teams };
        Self {
            id: incident.name(),
            uid: incident.uid.to_string(),
            title: incident.title.clone(),
            status: incident.status,
            severity: incident.severity,
            pillar: incident.pillar,
            assets: incident.assets.clone(),
            service: incident.service.clone(),
            source: incident.source.clone(),
            roles: incident.roles.clone(),
            channel: incident.channel.clone(),
            pagerduty: PagerDutyView { pages: pages.collect() },
            alerts_total: incident.alerts,
            alerts_firing: incident.firing,
            tasks_total: incident.tasks,
            tasks_open: incident.open_tasks,
            detected_at: incident.detected_at,
            opened_at: incident.opened_at,
            acknowledged_at: incident.acknowledged_at,
            mitigated_at: incident.mitigated_at,
            resolved_at: incident.resolved_at,
            bad_from: incident.bad_from,
            good_again: incident.good_again,
            fix: incident.fix.clone(),
            root_cause_candidates: views::roots(&incident.roots),
            blast_radius: incident.radius.as_ref().map(radius),
            told: incident.told.unwrap_or_default(),
            drill: incident.drill,
            private: incident.private,
            alerts: alerts.map(|alerts| alerts.iter().map(alert).collect()),
        }
    }
}
