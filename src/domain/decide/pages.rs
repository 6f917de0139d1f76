//! The pages of an incident: who may be paged, sending, acknowledging and ending them.

use super::draft::Draft;
use super::words::optional;
use crate::domain::incident::PageStatus;
use crate::domain::policy::DEFAULT_TARGET;
use crate::domain::reason::PageText;
use crate::domain::{Effect, Event, Incident, Refusal, UserId};

impl Draft<'_> {
    /// Pages a target, or one person in its name, under a new key.
    pub(super) fn page(&mut self, target: &str, person: Option<&UserId>, text: PageText) {
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
        let target = self.context.policy.page_target(incident.service.as_deref());
        let paged_already =
            incident.pages.values().any(|page| page.target == target.name && page.status != PageStatus::Resolved);
        if incident.severity <= target.page_from && target.can_page && !paged_already {
            self.page(target.name, None, PageText::Said(incident.title.clone()));
        }
    }

    /// Acknowledges every page that is still waiting in PagerDuty.
    pub(super) fn acknowledge_pages(&mut self) {
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

pub(super) fn page(draft: &mut Draft<'_>, target: &str, text: Option<&str>) -> Result<(), Refusal> {
    let text = page_text(draft, text)?;
    page_saying(draft, target, PageText::Said(text))
}

/// Somebody's own words, or the incident's title.
fn page_text(draft: &Draft<'_>, text: Option<&str>) -> Result<String, Refusal> {
    Ok(optional("The text of a page", text)?.unwrap_or_else(|| draft.incident().title.clone()))
}

fn page_saying(draft: &mut Draft<'_>, target: &str, text: PageText) -> Result<(), Refusal> {
    can_be_paged_for(draft)?;
    let policy = draft.context.policy;
    if !target.trim().is_empty() && !target.eq_ignore_ascii_case(DEFAULT_TARGET) {
        policy.known_service(target)?;
    }
    let target = policy.page_target(Some(target));
    if !target.can_page {
        return Err(Refusal::NoRoutingKey { target: target.name.to_owned() });
    }
    draft.page(target.name, None, text);
    draft.say();
    draft.show();
    Ok(())
}

/// Pages one person, through PagerDuty's REST API if the service allows it. Else it pages the service, and names the person.
pub(super) fn page_person(draft: &mut Draft<'_>, person: &UserId, text: Option<&str>) -> Result<(), Refusal> {
    can_be_paged_for(draft)?;
    let text = page_text(draft, text)?;
    let policy = draft.context.policy;
    let target = policy.page_target(draft.incident().service.as_deref()).name;
    if !policy.service(target).is_some_and(|service| service.can_page_people) {
        return page_saying(draft, target, PageText::For { person: person.clone(), text });
    }
    draft.page(target, Some(person), PageText::Said(text));
    draft.say();
    draft.show();
    Ok(())
}

/// Refuses a page in what is over or a drill, and if many are open: as long as nobody answers those, one more wakes nobody.
fn can_be_paged_for(draft: &Draft<'_>) -> Result<(), Refusal> {
    draft.must_be_open_and_real()?;
    let incident = draft.incident();
    let open = incident.pages.values().filter(|page| !page.status.is_over()).count();
    if open >= Incident::MAX_PAGES {
        return Err(Refusal::TooManyPages { incident: incident.name(), max: Incident::MAX_PAGES });
    }
    Ok(())
}

/// Pages the people responsible for it again, under a new key. PagerDuty notifies them again by its own escalation policy.
pub(super) fn escalate(draft: &mut Draft<'_>, text: Option<&str>) -> Result<(), Refusal> {
    let incident = draft.incident();
    let target = draft.context.policy.page_target(incident.service.as_deref()).name;
    let text = match optional("The text of a page", text)? {
        Some(text) => PageText::Said(text),
        None => PageText::Escalated { text: incident.title.clone() },
    };
    page_saying(draft, target, text)
}
