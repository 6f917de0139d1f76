//! The pages of an incident: who may be paged, sending, acknowledging and ending them.

use super::draft::Draft;
use super::words::{MAX_TEXT, words};
use crate::domain::incident::PageStatus;
use crate::domain::policy::DEFAULT_TARGET;
use crate::domain::reason::PageText;
use crate::domain::{Effect, Event, Incident, Refusal, UserId};

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
    match text.map(str::trim) {
        Some(text) if !text.is_empty() => words("The text of a page", "", MAX_TEXT, text),
        _ => Ok(draft.incident().title.clone()),
    }
}

fn page_saying(draft: &mut Draft<'_>, target: &str, text: PageText) -> Result<(), Refusal> {
    let policy = draft.context.policy;
    let incident = draft.incident();
    if !incident.status.is_open() {
        return Err(Refusal::IsResolved { incident: incident.name() });
    }
    if incident.drill {
        return Err(Refusal::Drill { incident: incident.name() });
    }
    let (target, can_page) = match policy.service(target) {
        Some(service) => (service.name.clone(), service.can_page || policy.can_page_by_default),
        None if target.trim().is_empty() || target.eq_ignore_ascii_case(DEFAULT_TARGET) => {
            (DEFAULT_TARGET.to_owned(), policy.can_page_by_default)
        }
        None => {
            return Err(Refusal::NoSuchService { target: target.to_owned(), hint: services(draft) });
        }
    };
    if !can_page {
        return Err(Refusal::NoRoutingKey { target });
    }
    not_too_many(draft)?;
    draft.page(&target, text);
    draft.say();
    draft.show();
    Ok(())
}

/// Pages one person, through PagerDuty's REST API if the service allows it. Else it pages the service, and names the person.
pub(super) fn page_person(draft: &mut Draft<'_>, person: &UserId, text: Option<&str>) -> Result<(), Refusal> {
    let incident = draft.incident();
    draft.must_be_open()?;
    let policy = draft.context.policy;
    let text = page_text(draft, text)?;
    let target = incident.service.clone().unwrap_or_else(|| DEFAULT_TARGET.to_owned());
    if incident.drill || !policy.service(&target).is_some_and(|service| service.can_page_people) {
        return page_saying(draft, &target, PageText::For { person: person.clone(), text });
    }
    not_too_many(draft)?;
    draft.page_whom(&target, Some(person), PageText::Said(text));
    draft.say();
    draft.show();
    Ok(())
}

/// Limits the open pages: if nobody answers these, more pages wake nobody.
fn not_too_many(draft: &Draft<'_>) -> Result<(), Refusal> {
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
    let target = incident.service.clone().unwrap_or_else(|| DEFAULT_TARGET.to_owned());
    if text.is_some_and(|text| !text.trim().is_empty()) {
        return page(draft, &target, text);
    }
    let text = PageText::Escalated { text: incident.title.clone() };
    page_saying(draft, &target, text)
}

fn services(draft: &Draft<'_>) -> String {
    let names: Vec<_> = draft.context.policy.services.iter().map(|service| format!("`{}`", service.name)).collect();
    if names.is_empty() {
        "No services are configured; `/incident page default` uses the default routing key.".to_owned()
    } else {
        format!("There are: {names}.", names = names.join(", "))
    }
}
