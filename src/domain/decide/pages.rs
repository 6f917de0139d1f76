//! The pages of an incident: sending, acknowledging and ending them.

use super::draft::Draft;
use crate::domain::incident::PageStatus;
use crate::domain::policy::DEFAULT_TARGET;
use crate::domain::reason::PageText;
use crate::domain::{Effect, Event, UserId};

impl Draft<'_> {
    /// Pages a target under a new key.
    pub(super) fn page(&mut self, target: &str, text: PageText) {
        self.page_whom(target, None, text);
    }

    /// Pages a target, or one person in its name, under a new key.
    pub(super) fn page_whom(&mut self, target: &str, person: Option<&UserId>, text: PageText) {
        let incident = self.incident();
        let count = incident.paged.max(incident.pages.len()) + 1;
        let key = format!("{}:inc-{}:{target}:{count}", self.context.policy.instance, incident.uid.to_lowercase());
        let target = person.map_or_else(|| target.to_owned(), |person| self.context.people.name(person));
        self.add(Event::PageRequested {
            person: person.cloned(),
            key: key.clone(),
            target: target.clone(),
            text: text.clone(),
        });
        self.effect(Effect::Page { key, target, text });
    }

    /// Pages the incident's service, or the default, if the severity asks for it and it was not paged yet.
    pub(super) fn page_if_severe(&mut self) {
        let incident = self.incident();
        if incident.drill {
            return;
        }
        let policy = self.context.policy;
        let (target, page_from, can_page) = match incident.service.as_deref().and_then(|name| policy.service(name)) {
            Some(service) => (service.name.clone(), service.page_from, service.can_page || policy.can_page_by_default),
            None => (DEFAULT_TARGET.to_owned(), policy.page_from, policy.can_page_by_default),
        };
        let paged_already =
            incident.pages.values().any(|page| page.target == target && page.status != PageStatus::Resolved);
        if incident.severity <= page_from && can_page && !paged_already {
            let text = PageText::Said(incident.title.clone());
            self.page(&target, text);
        }
    }

    /// Acknowledges every page that is still waiting in PagerDuty.
    pub(super) fn tell_pager_it_is_taken(&mut self) {
        let waits = |status| matches!(status, PageStatus::Sending | PageStatus::HandedOver | PageStatus::Paged);
        for (key, target) in self.pages_that(waits) {
            self.effect(Effect::AcknowledgePage { key, target });
        }
    }

    /// Ends every page that is still open in PagerDuty.
    pub(super) fn close_pages(&mut self) {
        for (key, target) in self.pages_that(|status| !matches!(status, PageStatus::Resolved | PageStatus::Failed)) {
            self.effect(Effect::ResolvePage { key, target });
        }
    }

    /// The keys and targets of pages.
    fn pages_that(&self, are: impl Fn(PageStatus) -> bool) -> Vec<(String, String)> {
        let pages = self.incident().pages.iter().filter(|(_, page)| are(page.status));
        pages.map(|(key, page)| (key.clone(), page.target.clone())).collect()
    }
}
