//! The post-mortem draft, and how well what was promised of an asset was kept.

use super::queries::Filter;
use super::{App, Failure};
use crate::domain::captured::Captured;
use crate::domain::incident::MessageRef;
use crate::domain::lineage::Asset;
use crate::domain::postmortem::Record;
use crate::domain::sla::{self, SlaStatement};
use crate::domain::visibility::Viewer;
use crate::domain::{AssetName, Entry, Incident};
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
        let mut promises = Vec::new();
        for asset in &incident.assets {
            let promised = self.asset(asset.as_str()).await?.as_ref().and_then(Asset::sla);
            promises.extend(promised.map(|words| (asset.clone(), words)));
        }
        let link = |message: &MessageRef| self.link(message);
        let lineage = self.drawing(incident).await?.map(|drawing| drawing.mermaid());
        let record = Record {
            incident,
            entries: &entries,
            alerts: &alerts,
            tasks: &tasks,
            messages: &messages,
            promises: &promises,
            now: self.now(),
            name: &|id| self.name(id),
        };
        Ok(render::timeline::postmortem(&self.templates, &record, &link, lineage.as_deref()))
    }

    /// What was promised of an asset, and for how long it was broken lately. Only incidents that somebody may see are counted.
    pub async fn sla(&self, asset: &str, viewer: Viewer) -> Result<SlaStatement, Failure> {
        let since = Some(self.now() - chrono::Duration::days(sla::DAYS));
        let filter = Filter { asset: AssetName::new(asset), since, viewer, ..Filter::default() };
        let page = self.list(&filter, None, SLA_INCIDENTS).await?;
        let promised = self.asset(asset).await?.as_ref().and_then(Asset::sla);
        Ok(SlaStatement::of(asset, promised, &page.incidents, page.next.is_some(), self.now()))
    }
}
