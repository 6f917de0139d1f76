//! Telling people: updates and pages.

use super::draft::Draft;
use super::words::{MAX_TEXT, words};
use crate::domain::effect::Notice;
use crate::domain::policy::DEFAULT_TARGET;
use crate::domain::reason::PageText;
use crate::domain::{Command, Effect, Event, Incident, Refusal, Time, UserId};

pub(super) fn update(draft: &mut Draft<'_>, text: &str, next: Option<Time>) -> Result<(), Refusal> {
    let text = words(
        "An update",
        "For example `/incident update backfill runs, orders good by 09:00 next 30m`.",
        MAX_TEXT,
        text,
    )?;
    draft.add_and_say(Event::UpdatePosted { text: text.clone(), next });
    super::notify::everybody(draft, &Notice::Update { text, next });
    if draft.incident().status.is_open() {
        match next {
            Some(promised) => remind_at(draft, Some(promised)),
            None => remind_by_cadence(draft),
        }
    }
    draft.show();
    Ok(())
}

/// Sets the one time of the next reminder, or none.
fn remind_at(draft: &mut Draft<'_>, at: Option<Time>) {
    if draft.incident().remind_at != at {
        draft.add(Event::ReminderSet { at });
    }
    if let Some(at) = at {
        draft.effect(Effect::Remind { command: Box::new(Command::CheckUpdate { promised: at }), at });
    }
}

/// Sets the next reminder by the cadence of the severity.
pub(super) fn remind_by_cadence(draft: &mut Draft<'_>) {
    let at = draft.context.policy.cadence.next(draft.incident().severity, draft.now());
    remind_at(draft, at);
}

/// Somebody wants to be reminded later, or not any more.
pub(super) fn remind(draft: &mut Draft<'_>, minutes: Option<u32>) -> Result<(), Refusal> {
    draft.must_be_open()?;
    let at = minutes.map(|minutes| draft.now() + chrono::Duration::minutes(minutes.into()));
    remind_at(draft, at);
    Ok(())
}

/// The promised update did not come, or nobody was told anything for as long as the cadence allows. This is said again until
/// the limit is reached.
pub(super) fn check_update(draft: &mut Draft<'_>, promised: Time) {
    let incident = draft.incident();
    if !incident.status.is_open() || incident.remind_at != Some(promised) {
        return;
    }
    let since = draft.incident().last_told();
    if incident.next_update == Some(promised) {
        draft.add_and_say(Event::UpdateOverdue { promised });
    } else {
        draft.add_and_say(Event::UpdateDue { since });
    }
    let (policy, incident) = (draft.context.policy, draft.incident());
    let again = if incident.reminded < policy.cadence.at_most {
        policy.cadence.next(incident.severity, draft.now())
    } else {
        None
    };
    remind_at(draft, again);
    draft.show();
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

/// Somebody acknowledged it in PagerDuty, so the incident is acknowledged. Nothing goes back to PagerDuty.
pub(super) fn taken_in_pager(draft: &mut Draft<'_>) {
    if draft.incident().acknowledged_at.is_none() {
        draft.add_and_say(Event::Acknowledged);
    }
    draft.show();
}
