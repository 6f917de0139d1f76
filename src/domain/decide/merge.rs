//! Corrections by people: two incidents are one, an alert belongs elsewhere, alerts were not useful.
//! Every correction is on the timeline. Muster learns nothing from it silently.

use super::draft::Draft;
use crate::domain::effect::Notice;
use crate::domain::incident::Verdict;
use crate::domain::permission::Verb;
use crate::domain::reason::JoinReason;
use crate::domain::{AlertId, Effect, Event, IncidentId, Refusal};

pub(super) fn merge(draft: &mut Draft<'_>, into: &IncidentId, name: &str) -> Result<(), Refusal> {
    // A merge also ends this incident.
    draft.may(Verb::Status)?;
    draft.must_be_open()?;
    if draft.incident().uid == *into {
        return Err(Refusal::SameIncident);
    }
    let goes_on = draft.incident().firing > 0 || draft.incident().to_tell > 0;
    draft.add_and_say(Event::Merged { into: into.to_owned(), name: name.to_owned() });
    draft.close_pages();
    super::notify::everybody(draft, &Notice::Merged { into: name.to_owned() });
    if goes_on {
        draft.effect(Effect::MoveAlerts { into: into.to_owned() });
    }
    draft.show();
    Ok(())
}

pub(super) fn move_alert(
    draft: &mut Draft<'_>,
    alert: &AlertId,
    to: Option<&(IncidentId, String)>,
) -> Result<(), Refusal> {
    draft.must_be_open()?;
    if to.is_some_and(|(uid, _)| *uid == draft.incident().uid) {
        return Err(Refusal::SameIncident);
    }
    let Some(found) = draft.case.alerts.get(alert).cloned() else {
        return Err(Refusal::NoSuchAlert { incident: draft.incident().name() });
    };
    let signal = found.signal;
    let by = draft.context.actor.person().cloned();
    let because = JoinReason::MovedFrom { incident: draft.incident().name(), by };
    draft.add_and_say(Event::AlertMoved {
        alert: alert.to_owned(),
        source: signal.source.clone(),
        key: signal.key.clone(),
        title: signal.title.clone(),
        to: to.map(|(_, name)| name.clone()),
    });
    draft.effect(Effect::PlaceAlert { signal: Box::new(signal), into: to.map(|(uid, _)| uid.clone()), because });
    draft.assess();
    draft.show();
    Ok(())
}

pub(super) fn judge(draft: &mut Draft<'_>, verdict: Verdict) {
    let before = draft.incident().verdict;
    if before != Some(verdict) {
        draft.add_and_say(Event::Judged { verdict });
        draft.effect(Effect::CountVerdict { verdict, before });
        draft.effect(Effect::ShowCard);
    }
}
