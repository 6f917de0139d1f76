//! Updates of how it stands, and the reminders that one is due.

use super::draft::Draft;
use super::words::{optional, words};
use crate::domain::effect::Notice;
use crate::domain::{Command, Effect, Event, Refusal, Time};

pub(super) fn update(
    draft: &mut Draft<'_>,
    text: &str,
    next: Option<Time>,
    impact: Option<&str>,
) -> Result<(), Refusal> {
    let example = "For example `/incident update backfill runs, orders good by 09:00 next 30m`.";
    let text = words("An update", example, text)?;
    let impact = optional("The impact", impact)?;
    draft.add_and_say(Event::UpdatePosted { text: text.clone(), next, impact: impact.clone() });
    super::notify::everybody(draft, &Notice::Update { text, next, impact });
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
    draft.add_and_say(match incident.next_update == Some(promised) {
        true => Event::UpdateOverdue { promised },
        false => Event::UpdateDue { since: incident.last_told() },
    });
    let (cadence, incident) = (&draft.context.policy.cadence, draft.incident());
    let again = cadence.next(incident.severity, draft.now()).filter(|_| incident.reminded < cadence.at_most);
    remind_at(draft, again);
    draft.show();
}
