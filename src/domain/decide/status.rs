//! Acknowledge, mitigate, resolve, reopen, and change the severity.

use super::draft::Draft;
use super::words::{optional, words};
use crate::domain::effect::Notice;
use crate::domain::incident::{Case, Ending, Verdict};
use crate::domain::reason::Gap;
use crate::domain::times::stamp;
use crate::domain::{Actor, Effect, Event, Refusal, Role, Severity, Status};

pub(super) fn acknowledge(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    draft.must_be_open()?;
    let incident = draft.incident();
    if let (Some(by), Some(at)) = (&incident.acknowledged_by, incident.acknowledged_at) {
        let by = draft.context.people.name(by);
        return Err(Refusal::AlreadyAcknowledged { incident: incident.name(), by, at: stamp(at) });
    }
    draft.add_and_say(Event::Acknowledged);
    draft.acknowledge_pages();
    if let Some(person) = draft.context.actor.person().cloned() {
        draft.invite([person]);
    }
    draft.show();
    Ok(())
}

/// The longest time between two reminders, in minutes.
const REMIND_AT_MOST_EVERY: u32 = 24 * 60;

/// Says that nobody has acknowledged it, and asks again after twice the time. An update counts as an acknowledgement.
pub(super) fn check_acknowledged(draft: &mut Draft<'_>, asked: u32) {
    let incident = draft.incident();
    if incident.status.is_open() && incident.acknowledged_at.is_none() && incident.last_update.is_none() {
        let minutes = (draft.now() - incident.opened_at).num_minutes();
        draft.add_and_say(Event::StillPending { minutes });
        remind_to_acknowledge(draft, asked + 1);
    }
}

/// Asks again after the configured time, then after twice that, four times that, up to a day.
pub(super) fn remind_to_acknowledge(draft: &mut Draft<'_>, asked: u32) {
    let first = u32::from(draft.context.policy.remind_after_minutes);
    if first > 0 {
        let minutes = first.saturating_mul(1 << asked.min(12)).min(REMIND_AT_MOST_EVERY.max(first));
        let at = draft.now() + chrono::Duration::minutes(minutes.into());
        draft.effect(Effect::Remind { command: Box::new(crate::domain::Command::CheckAcknowledged { asked }), at });
    }
}

pub(super) fn mitigate(draft: &mut Draft<'_>, text: Option<&str>) -> Result<(), Refusal> {
    let text = optional("The text", text)?;
    draft.must_be_open()?;
    let incident = draft.incident();
    if incident.status == Status::Mitigated {
        return Err(Refusal::AlreadyInStatus { incident: incident.name(), status: Status::Mitigated });
    }
    if incident.acknowledged_at.is_none() {
        draft.add(Event::Acknowledged);
        draft.acknowledge_pages();
    }
    draft.add_and_say(Event::Mitigated { text });
    draft.show();
    Ok(())
}

pub(super) fn resolve(draft: &mut Draft<'_>, text: Option<&str>, ending: Ending) -> Result<(), Refusal> {
    let text = optional("The text", text)?;
    draft.must_not_be_merged()?;
    let incident = draft.incident();
    if incident.status == Status::Resolved {
        return Err(Refusal::AlreadyInStatus { incident: incident.name(), status: Status::Resolved });
    }
    let actor = draft.context.actor.clone();
    close(draft, actor, text.as_deref(), ending);
    // If people say that it was no incident, that is also their verdict on its alerts.
    let verdict = match ending {
        Ending::FalseAlarm => Some(Verdict::False),
        Ending::Expected => Some(Verdict::Expected),
        Ending::Fixed | Ending::Duplicate => None,
    };
    if let Some(verdict) = verdict.filter(|_| draft.incident().alerts > 0) {
        super::merge::judge(draft, verdict);
    }
    Ok(())
}

pub(super) fn close(draft: &mut Draft<'_>, actor: Actor, text: Option<&str>, ending: Ending) {
    // A false alarm needs no cause.
    let gaps = if ending == Ending::Fixed { gaps(&draft.case) } else { Vec::new() };
    let event = Event::Resolved { text: text.map(str::to_owned), ending, gaps };
    let green = matches!(actor, Actor::Monitor { .. });
    let by = Some(actor.clone());
    draft.add_as(actor, event);
    draft.say();
    if draft.incident().drill {
        super::drill::score(draft);
    }
    super::notify::everybody(draft, &Notice::AllClear { text: text.map(str::to_owned), green, by });
    draft.close_pages();
    // A fixed incident is reviewed first. One that was nothing, or very mild, is not.
    if ending != Ending::Fixed || draft.incident().severity >= Severity::Sev4 {
        super::channel::archive_later(draft);
    }
    if draft.incident().firing > 0 {
        let at = draft.now() + chrono::Duration::minutes(draft.context.policy.hold_off_minutes.into());
        draft.effect(Effect::LookAgain { at });
    }
    draft.show();
}

/// What is missing for a thorough close. No step of the work is left out silently.
pub fn gaps(case: &Case) -> Vec<Gap> {
    let incident = &case.incident;
    let checks = [
        (incident.acknowledged_at.is_none(), Gap::NotAcknowledged),
        (incident.holder(Role::Commander).is_none(), Gap::NoCommander),
        (incident.bad_from.is_none(), Gap::NoBadFrom),
        (incident.good_again.is_none(), Gap::NoGoodAgain),
        (incident.cause.is_none(), Gap::NoCause),
        (incident.fix.is_none(), Gap::NoFix),
        (incident.firing > 0, Gap::Firing { firing: incident.firing, of: incident.alerts }),
        (incident.open_tasks > 0, Gap::OpenTasks { open: incident.open_tasks, of: incident.tasks }),
    ];
    let mut gaps: Vec<Gap> = checks.into_iter().filter(|(missing, _)| *missing).map(|(_, gap)| gap).collect();
    if let Some(checklist) = &incident.checklist {
        let (open, of) = (checklist.steps.len() - checklist.settled(), checklist.steps.len());
        if open > 0 {
            gaps.push(Gap::OpenSteps { title: checklist.title.clone(), open, of });
        }
    }
    gaps
}

pub(super) fn reopen(draft: &mut Draft<'_>, reason: &str) -> Result<(), Refusal> {
    let reason = words("A reason", "For example `/incident reopen orders went stale again`.", reason)?;
    draft.must_not_be_merged()?;
    let incident = draft.incident();
    if incident.status != Status::Resolved {
        return Err(Refusal::NotResolved { incident: incident.name(), status: incident.status });
    }
    if draft.incident().channel.is_none() {
        // It was archived, and Slack lets no bot open it again.
        draft.effect(Effect::OpenChannel);
        draft.invite(draft.incident().people());
    }
    draft.add_and_say(Event::Reopened { reason: reason.clone() });
    super::notify::everybody(draft, &Notice::Reopened { reason });
    draft.assess();
    draft.page_if_severe();
    draft.show();
    Ok(())
}

pub(super) fn set_severity(draft: &mut Draft<'_>, to: Severity) -> Result<(), Refusal> {
    let incident = draft.incident();
    let from = incident.severity;
    if from == to {
        return Err(Refusal::AlreadySeverity { incident: incident.name(), severity: to });
    }
    severity_changed(draft, from, to);
    draft.show();
    Ok(())
}

/// Changes the severity. Pages and reminders change with it.
pub(super) fn severity_changed(draft: &mut Draft<'_>, from: Severity, to: Severity) {
    draft.add_and_say(Event::SeverityChanged { from, to });
    let incident = draft.incident();
    if !incident.status.is_open() {
        return;
    }
    let leaderless = incident.holder(Role::Commander).is_none();
    let promised = incident.next_update.is_some();
    draft.page_if_severe();
    if leaderless && to <= Severity::Sev2 && from > Severity::Sev2 {
        super::roles::ask_for_commander_later(draft, 0);
    }
    if !promised {
        super::reminders::remind_by_cadence(draft);
    }
}
