//! Events to state. This cannot fail: every event that was recorded can be replayed.

use super::event::{Actor, Entry, Event, Opened};
use super::incident::{
    Case, Checklist, HandoverRequest, Incident, Notification, Page, PageStatus, Slot, Status, Step, StepState, Task,
};
use super::told::{Delivered, Reached};
use super::{Alert, Role, Time, UserId};

/// The state after one more entry. If there is no state yet, only [`Event::Opened`] makes one.
pub fn evolve(case: Option<Case>, entry: &Entry) -> Option<Case> {
    match (case, &entry.event) {
        (None, Event::Opened(opened)) => Some(begin(opened, entry)),
        (None, _) => None,
        (Some(mut case), _) => {
            go_on(&mut case, entry);
            Some(case)
        }
    }
}

/// The state after one more entry of an incident.
pub(super) fn go_on(case: &mut Case, entry: &Entry) {
    apply(case, entry);
    case.incident.entries = entry.seq;
}

/// The state after the first entry, which says how it began.
pub(super) fn begin(opened: &Opened, entry: &Entry) -> Case {
    let mut case = Case::from(incident(opened, entry));
    case.incident.entries = entry.seq;
    case
}

pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Option<Case> {
    entries.into_iter().fold(None, evolve)
}

fn incident(opened: &Opened, entry: &Entry) -> Incident {
    let Opened { uid, number, title, severity, pillar, service, source, labels, detected_at, drill, private, .. } =
        opened;
    Incident {
        uid: uid.clone(),
        number: *number,
        title: title.clone(),
        status: Status::Pending,
        severity: *severity,
        pillar: *pillar,
        source: source.clone(),
        labels: labels.clone(),
        service: service.clone(),
        opened_at: entry.at,
        detected_at: *detected_at,
        drill: *drill,
        private: *private,
        declared_by: entry.actor.person().cloned(),
        ..Incident::default()
    }
}

fn apply(case: &mut Case, entry: &Entry) {
    let at = entry.at;
    let incident = &mut case.incident;
    match &entry.event {
        Event::AssetNamed { asset } => {
            if incident.assets.len() < Incident::MAX_ASSETS && !incident.assets.contains(asset) {
                incident.assets.push(asset.clone());
            }
        }
        // The alerts themselves are separate records.
        Event::AlertsJoined { joined } => {
            let count = u32::try_from(joined.len()).unwrap_or(u32::MAX);
            incident.alerts += count;
            incident.firing += count;
            if let Some(left_out) = joined.iter().rev().find_map(|joined| joined.left_out.as_ref()) {
                incident.left_out = Some(left_out.clone());
            }
        }
        Event::AlertJoined { alert, signal, because, inhibited } => {
            incident.alerts += 1;
            incident.firing += 1;
            let joined = Alert::new(alert.clone(), signal.clone(), because.clone(), *inhibited, at);
            case.alerts.insert(alert.clone(), joined);
        }
        Event::Merged { into, name } => {
            incident.status = Status::Merged;
            // They fire in the incident where it goes on.
            incident.firing = 0;
            incident.unrecovered = 0;
            incident.merged_into = Some((into.clone(), name.clone()));
            incident.next_update = None;
            incident.remind_at = None;
            incident.handover = None;
        }
        Event::Judged { verdict } => incident.verdict = Some(*verdict),
        Event::AlertMoved { alert, .. } => {
            incident.alerts = incident.alerts.saturating_sub(1);
            let moved = case.alerts.remove(alert);
            if moved.is_none_or(|alert| alert.signal.status == super::SignalStatus::Firing) {
                incident.firing = incident.firing.saturating_sub(1);
            }
        }
        Event::AlertFiredAgain { alert, .. } => {
            incident.firing += 1;
            if let Some(alert) = case.alerts.get_mut(alert) {
                alert.signal.lapsed = false;
                alert.signal.status = super::SignalStatus::Firing;
                alert.last_seen = at;
                alert.resolved_at = None;
                alert.ended_at = None;
                if alert.signal.unrecovered.take().is_some() {
                    incident.unrecovered = incident.unrecovered.saturating_sub(1);
                }
            }
        }
        Event::AlertWorsened { alert, level, .. } => {
            if let Some(alert) = case.alerts.get_mut(alert) {
                alert.signal.level = *level;
                alert.last_seen = at;
            }
        }
        Event::AlertResolved { alert, lapsed, unrecovered, ended, again, .. } => {
            match (again, unrecovered) {
                (true, None) => incident.unrecovered = incident.unrecovered.saturating_sub(1),
                (true, Some(_)) => {}
                (false, unrecovered) => {
                    incident.firing = incident.firing.saturating_sub(1);
                    incident.unrecovered += u32::from(unrecovered.is_some());
                }
            }
            if let Some(alert) = case.alerts.get_mut(alert) {
                alert.signal.lapsed = *lapsed;
                alert.signal.status = super::SignalStatus::Resolved;
                alert.last_seen = at;
                alert.resolved_at = Some(at);
                alert.signal.unrecovered.clone_from(unrecovered);
                // A clock that goes ahead must not hide what fires after it.
                alert.ended_at = ended.map(|ended| ended.min(at));
            }
        }
        Event::Acknowledged => acknowledge(incident, &entry.actor, at),
        Event::RoleGranted { role, person, .. } => grant(incident, *role, person, &entry.actor, at),
        Event::DutyNamed { duty } => incident.duty.clone_from(duty),
        Event::RoleLeft { role, person } => {
            if let Some(holders) = incident.roles.get_mut(role) {
                holders.retain(|holder| holder != person);
            }
            incident.roles.retain(|_, holders| !holders.is_empty());
            if *role == Role::Commander {
                incident.handover = None;
            }
        }
        Event::ReminderSet { at } => incident.remind_at = *at,
        Event::UpdateDue { .. } => incident.reminded += 1,
        Event::HandoverRequested { id, by, due, .. } => {
            incident.handover = Some(HandoverRequest { id: id.clone(), by: by.clone(), due: *due });
        }
        Event::HandoverDeclined { .. } => incident.handover = None,
        Event::SeverityChanged { to, .. } => incident.severity = *to,
        Event::UpdatePosted { text, next, impact } => {
            incident.last_update = Some(text.clone());
            incident.last_impact.clone_from(impact);
            incident.update_line = Some(entry.seq);
            incident.updated_at = Some(at);
            incident.first_update_at.get_or_insert(at);
            incident.next_update = *next;
            incident.reminded = 0;
        }
        Event::Amended { line, text: Some(text), .. } if incident.update_line == Some(*line) => {
            incident.last_update = Some(text.clone());
        }
        Event::UpdateOverdue { .. } => {
            incident.next_update = None;
            incident.reminded += 1;
        }
        Event::RunbookAttached { runbook, title, steps, .. } => {
            incident.checklist = Some(Checklist {
                runbook: runbook.clone(),
                title: title.clone(),
                steps: steps.iter().map(|text| Step { text: text.clone(), state: StepState::Open }).collect(),
            });
            // A new checklist is a new message; the old one stays as it was.
            incident.slots.remove(&super::incident::Slot::Checklist);
        }
        Event::StepDone { step, note, .. } => {
            settle(incident, *step, StepState::Done { by: who(&entry.actor), at, note: note.clone() });
        }
        Event::StepSkipped { step, reason, .. } => {
            settle(incident, *step, StepState::Skipped { by: who(&entry.actor), at, reason: reason.clone() });
        }
        Event::BadSince { at } => incident.bad_from = Some(*at),
        Event::GoodAgain { at } => incident.good_again = Some(*at),
        Event::CauseNamed { cause } => incident.cause = Some(cause.clone()),
        Event::Why { number, .. } => incident.whys = (*number).max(incident.whys),
        Event::FixRecorded { text } => incident.fix = Some(text.clone()),
        Event::TaskAdded { task, text, assignee, due } => {
            incident.tasks = (*task).max(incident.tasks);
            incident.open_tasks += 1;
            let (number, text, assignee) = (*task, text.clone(), assignee.clone());
            case.tasks.insert(number, Task { number, text, assignee, due: *due, added_at: at, done_at: None });
        }
        Event::TaskDone { task, .. } => {
            incident.open_tasks = incident.open_tasks.saturating_sub(1);
            if let Some(task) = case.tasks.get_mut(task) {
                task.done_at = Some(at);
            }
        }
        Event::TaskAssigned { task, assignee, .. } => {
            if let Some(task) = case.tasks.get_mut(task) {
                task.assignee = Some(assignee.clone());
            }
        }
        Event::PageRequested { key, target, person, .. } => {
            let (target, person) = (target.clone(), person.clone());
            let page = Page { target, person, status: PageStatus::Sending, url: None, changed_at: at };
            incident.paged = incident.paged.max(incident.pages.len()) + 1;
            incident.pages.insert(key.clone(), page);
            // Pages that are over are on the timeline, too.
            while incident.pages.len() > Incident::MAX_PAGES {
                let over = incident.pages.iter().filter(|(_, page)| page.status.is_over());
                let oldest =
                    over.min_by_key(|(key, page)| (page.changed_at, (*key).clone())).map(|(key, _)| key.clone());
                let Some(oldest) = oldest else { break };
                incident.pages.remove(&oldest);
            }
        }
        Event::PageHandedOver { key, .. } => page(incident, key, PageStatus::HandedOver, at, None),
        Event::PageFailed { key, .. } => page(incident, key, PageStatus::Failed, at, None),
        Event::Paged { key, url, .. } => page(incident, key, PageStatus::Paged, at, url.clone()),
        Event::PageAcknowledged { key } => page(incident, key, PageStatus::Acknowledged, at, None),
        Event::PageResolved { key } => page(incident, key, PageStatus::Resolved, at, None),
        Event::Mitigated { .. } => {
            incident.status = Status::Mitigated;
            incident.mitigated_at = Some(at);
        }
        Event::Resolved { ending, .. } => {
            incident.status = Status::Resolved;
            incident.ending = Some(*ending);
            incident.resolved_at = Some(at);
            incident.next_update = None;
            incident.remind_at = None;
            incident.handover = None;
        }
        Event::Reopened { .. } => {
            incident.status = Status::Investigating;
            incident.resolved_at = None;
            incident.ending = None;
            incident.reopened_at = Some(at);
            incident.reviewed_at = None;
            incident.good_again = None;
        }
        Event::ChannelOpened { channel } => incident.channel = Some(channel.clone()),
        Event::MovedTo { .. } => {
            incident.slots.retain(|slot, _| *slot == Slot::Announcement);
            incident.picture = None;
        }
        Event::ChannelLost { .. } | Event::ChannelArchived { .. } => {
            incident.channel = None;
            // The messages of the old channel must be posted again in the new one.
            incident.slots.retain(|slot, _| *slot == Slot::Announcement);
            incident.picture = None;
        }
        Event::Posted { slot, message } => {
            incident.slots.insert(*slot, message.clone());
        }
        Event::PostmortemDrafted { canvas } => {
            incident.drafted_at = Some(at);
            incident.canvas = canvas.clone().or(incident.canvas.take());
        }
        Event::PostmortemReviewed => incident.reviewed_at = Some(at),
        Event::RootNamed { candidates } => incident.roots.clone_from(candidates),
        Event::RadiusMeasured { radius } => incident.radius = Some(radius.clone()),
        Event::Notified { recipient, whom } => {
            let notification = Notification::new(recipient.clone(), *whom, at);
            match case.notified.insert(recipient.key.clone(), notification) {
                // A new try to tell them.
                Some(before) if before.is_unreached() => incident.unreached = incident.unreached.saturating_sub(1),
                _ => {
                    if incident.to_tell == 0 {
                        incident.told = Some(0);
                    }
                    incident.to_tell += 1;
                }
            }
        }
        Event::NoticePosted { recipient, message } => {
            if let Some(told) = case.notified.get_mut(recipient) {
                told.message = Some(message.clone());
                delivered(incident, told, Delivered::in_slack(message, at));
            }
        }
        Event::NoticeMailed { recipient, address, .. } => {
            if let Some(told) = case.notified.get_mut(recipient) {
                delivered(incident, told, Delivered::by_mail(address, at));
            }
        }
        Event::NoticeRefused { recipient, why, instead, .. } => {
            if let Some(told) = case.notified.get_mut(recipient) {
                told.refused.push(why.clone());
                if instead.is_some() {
                    told.recipient.slack = None;
                } else if told.reached == Reached::Pending {
                    told.reached = Reached::Failed;
                    incident.unreached += 1;
                }
            }
        }
        Event::NoticeMuted { recipient, muted, .. } => {
            if let Some(told) = case.notified.get_mut(recipient) {
                told.muted = *muted;
            }
        }
        Event::PictureShown { picture } => incident.picture = Some(picture.clone()),
        Event::Opened(_)
        | Event::AllGreen { .. }
        | Event::CommanderMissing { .. }
        | Event::StillPending { .. }
        | Event::Noted { .. }
        | Event::Tried { .. }
        | Event::Amended { .. }
        | Event::PinEdited { .. }
        | Event::TaskDue { .. }
        | Event::OpeningPending { .. }
        | Event::DrillScored { .. }
        | Event::Looked { .. }
        | Event::Learnt { .. }
        | Event::NoticesSent { .. }
        | Event::MessagePinned { .. }
        | Event::MessageUnpinned { .. }
        | Event::DeliveryFailed { .. }
        | Event::PostmortemRequested
        | Event::Unknown => {}
    }
}

/// The first message to somebody outside arrived.
fn delivered(incident: &mut Incident, to: &mut Notification, how: Delivered) {
    if to.reached == Reached::Pending {
        incident.told = incident.told.map(|told| told + 1);
    }
    to.reached = Reached::Delivered(how);
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { id } => id.to_string(),
        Actor::Monitor { source } => source.clone(),
        Actor::PagerDuty { name } => name.clone(),
        Actor::Muster => "Muster".to_owned(),
    }
}

fn acknowledge(incident: &mut Incident, actor: &Actor, at: Time) {
    if incident.acknowledged_at.is_none() {
        incident.acknowledged_at = Some(at);
        incident.acknowledged_by = Some(who(actor));
    }
    if incident.status == Status::Pending {
        incident.status = Status::Investigating;
    }
}

fn grant(incident: &mut Incident, role: Role, person: &UserId, actor: &Actor, at: Time) {
    let holders = incident.roles.entry(role).or_default();
    if !role.is_shared() {
        holders.clear();
    }
    if !holders.contains(person) {
        holders.push(person.clone());
    }
    if role == Role::Commander {
        incident.handover = None;
        incident.commanded_at.get_or_insert(at);
    }
    // The first role sets it to investigating, as the first acknowledgement does.
    if incident.status == Status::Pending {
        acknowledge(incident, actor, at);
    }
}

fn settle(incident: &mut Incident, step: usize, state: StepState) {
    let steps = incident.checklist.as_mut().map(|checklist| &mut checklist.steps);
    if let Some(step) = steps.and_then(|steps| steps.get_mut(step.wrapping_sub(1))) {
        step.state = state;
    }
}

fn page(incident: &mut Incident, key: &str, status: PageStatus, at: Time, url: Option<String>) {
    if let Some(page) = incident.pages.get_mut(key) {
        page.status = status;
        page.changed_at = at;
        if url.is_some() {
            page.url = url;
        }
    }
}
