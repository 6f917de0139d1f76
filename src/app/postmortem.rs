//! The post-mortem draft, and how well what was promised of an asset was kept.

use super::queries::Filter;
use super::{App, Failure};
use crate::domain::captured::Captured;
use crate::domain::incident::{Ending, MessageRef, Notification};
use crate::domain::lineage::Asset;
use crate::domain::postmortem::Record;
use crate::domain::sla::{self, Counted, SlaStatement};
use crate::domain::visibility::Viewer;
use crate::domain::{AssetName, Entry, Event, Incident, Status, Time};
use crate::render;
use crate::store::Range;

/// How many incidents of an asset count for its SLA.
const SLA_INCIDENTS: usize = 100;

impl App {
    /// The post-mortem draft, Markdown.
    pub async fn postmortem(&self, incident: &Incident) -> Result<String, Failure> {
        let entries = self.store.values(Range::<Entry>::of(&incident.uid)).await?;
        let alerts = self.alerts(&incident.uid).await?;
        let tasks = self.tasks(&incident.uid).await?;
        let messages = self.store.values(Range::<Captured>::of(&incident.uid)).await?;
        let notified: Vec<Notification> = self.who_was_told(&incident.uid).await?.into_values().collect();
        let alone = [self.as_counted(incident.clone()).await?];
        let mut sla = Vec::new();
        for asset in &incident.assets {
            let promised = self.asset(asset.as_str()).await?.as_ref().and_then(Asset::sla);
            sla.push(SlaStatement::of(asset.as_str(), promised, &alone, Time::MIN_UTC, false, self.now()));
        }
        let link = |message: &MessageRef| self.link(message);
        let lineage = self.drawing(incident).await?.map(|drawing| drawing.mermaid());
        let record = Record {
            incident,
            entries: &entries,
            alerts: &alerts,
            tasks: &tasks,
            messages: &messages,
            notified: &notified,
            sla: &sla,
            name: &|id| self.name(id),
        };
        Ok(render::timeline::postmortem(&self.templates, &record, &link, lineage.as_deref()))
    }

    /// What was promised of an asset, and for how long it was broken lately. Only incidents that somebody may see are counted.
    pub async fn sla(&self, asset: &str, viewer: Viewer) -> Result<SlaStatement, Failure> {
        let (now, name) = (self.now(), AssetName::new(asset));
        let since = now - chrono::Duration::days(sla::DAYS);
        let filter = Filter { asset: name, viewer, ..Filter::default() };
        let lately = Filter { since: Some(since), ..filter.clone() };
        // What began before, and may have gone on since then.
        let before = Filter { before: Some(since), ..filter };
        let (mut counted, mut more) = (Vec::new(), false);
        for filter in [lately, before] {
            let page = self.list(&filter, None, SLA_INCIDENTS).await?;
            more |= page.next.is_some();
            for incident in page.incidents {
                counted.push(self.as_counted(incident).await?);
            }
        }
        let promised = self.asset(asset).await?.as_ref().and_then(Asset::sla);
        let mut told = SlaStatement::of(asset, promised, &counted, since, more, now);
        let upstream = self.trust(asset).await?.incidents.into_iter().filter(|trouble| trouble.hops > 0);
        told.reached_by = upstream.map(|trouble| trouble.id).collect();
        Ok(told)
    }

    /// An incident as it counts for an SLA. If an earlier Muster ended it, its timeline says how.
    async fn as_counted(&self, incident: Incident) -> Result<Counted, Failure> {
        let incident = self.with_its_ending(incident).await?;
        let ends = match &incident.merged_into {
            Some((into, _)) => {
                let into = self.goes_on_in(into).await?;
                match self.incident(&into).await? {
                    Some(ends) => Some(self.with_its_ending(ends).await?),
                    None => None,
                }
            }
            None => None,
        };
        Ok(Counted { incident, ends })
    }

    async fn with_its_ending(&self, incident: Incident) -> Result<Incident, Failure> {
        if incident.status != Status::Resolved || incident.ending.is_some() {
            return Ok(incident);
        }
        let entries = self.store.values(Range::<Entry>::of(&incident.uid)).await?;
        let ending = entries.iter().rev().find_map(|entry| match &entry.event {
            Event::Resolved { ending, .. } => Some(*ending),
            _ => None,
        });
        Ok(Incident { ending: Some(ending.unwrap_or(Ending::Fixed)), ..incident })
    }
}
