//! Who does what: taking, giving and handing over roles.

use std::collections::BTreeMap;

use chrono::Duration;

use super::{Draft, status};
use crate::domain::timeline::clock;
use crate::domain::{Actor, Command, Effect, Event, PersonId, Refusal, Role, Severity};

/// How long somebody who has the command may take to answer before it goes over, in minutes.
const HANDOVER_MINUTES: i64 = 2;

pub(super) fn take(draft: &mut Draft<'_>, role: Role) -> Result<(), Refusal> {
    let Some(person) = draft.context.actor.person().cloned() else {
        return Ok(());
    };
    let incident = draft.incident();
    if incident.has_role(role, &person) {
        return Err(Refusal::AlreadyHasRole { incident: incident.name(), role });
    }
    if role == Role::Commander
        && let Some(holder) = incident.holder(Role::Commander).cloned()
    {
        return request_handover(draft, &person, &holder);
    }
    grant(draft, role, &person);
    finish(draft, vec![person]);
    Ok(())
}

pub(super) fn assign(draft: &mut Draft<'_>, roles: &BTreeMap<Role, Vec<PersonId>>) -> Result<(), Refusal> {
    let mut people = Vec::new();
    for (role, named) in roles {
        // A role with one holder goes to the first who is named.
        let named = if role.is_shared() { named.as_slice() } else { named.get(..1).unwrap_or_default() };
        for person in named {
            if !draft.incident().has_role(*role, person) {
                grant(draft, *role, person);
                people.push(person.clone());
            }
        }
    }
    if people.is_empty() {
        return Err(Refusal::Empty {
            what: "The list of people who get a role they do not have yet",
            example: "For example `/incident assign responder @ana`.",
        });
    }
    finish(draft, people);
    Ok(())
}

fn request_handover(draft: &mut Draft<'_>, by: &PersonId, holder: &PersonId) -> Result<(), Refusal> {
    if let Some(pending) = &draft.incident().handover {
        let who = draft.context.name.name(&pending.by);
        return Err(Refusal::HandoverPending { who, due: format!("{} UTC", clock(pending.due)) });
    }
    let due = draft.now() + Duration::minutes(HANDOVER_MINUTES);
    let request = draft.context.fresh.clone();
    draft.add_and_say(Event::HandoverRequested { id: request.clone(), by: by.clone(), holder: holder.clone(), due });
    draft.effect(Effect::Remind { command: Box::new(Command::HandoverDue { request }), at: due });
    Ok(())
}

pub(super) fn answer_handover(draft: &mut Draft<'_>, request: &str, accept: bool) -> Result<(), Refusal> {
    let incident = draft.incident();
    let Some(pending) = incident.handover.clone().filter(|pending| pending.id == request) else {
        return Err(Refusal::HandoverSettled);
    };
    if let Some(holder) = incident.holder(Role::Commander)
        && draft.context.actor.person() != Some(holder)
    {
        return Err(Refusal::NotTheCommander { holder: draft.context.name.name(holder) });
    }
    if accept {
        grant(draft, Role::Commander, &pending.by);
        finish(draft, vec![pending.by]);
    } else {
        draft.add_and_say(Event::HandoverDeclined { by: pending.by });
    }
    Ok(())
}

pub(super) fn handover_due(draft: &mut Draft<'_>, request: &str) {
    let incident = draft.incident();
    if let Some(pending) = incident.handover.clone().filter(|pending| pending.id == request) {
        grant(draft, Role::Commander, &pending.by);
        finish(draft, vec![pending.by]);
    }
}

pub(super) fn check_commander(draft: &mut Draft<'_>) {
    let incident = draft.incident();
    if incident.status.is_open() && incident.holder(Role::Commander).is_none() && incident.severity <= Severity::Sev2 {
        let minutes = (draft.now() - incident.opened_at).num_minutes();
        draft.add_and_say(Event::CommanderMissing { minutes });
    }
}

fn grant(draft: &mut Draft<'_>, role: Role, person: &PersonId) {
    let incident = draft.incident();
    let from = (!role.is_shared()).then(|| incident.holder(role).cloned()).flatten();
    let severity = incident.severity;
    // The commander decides and the responder mends; in a SEV1 one person cannot do both well, so it is said aloud.
    let also = if severity == Severity::Sev1 && matches!(role, Role::Commander | Role::Responder) {
        [Role::Commander, Role::Responder]
            .into_iter()
            .filter(|other| *other != role && incident.has_role(*other, person))
            .collect()
    } else {
        Vec::new()
    };
    let first = incident.acknowledged_at.is_none();
    draft.add_and_say(Event::RoleGranted { role, person: person.clone(), from, also });
    if first && !matches!(draft.context.actor, Actor::Muster) {
        status::tell_pager_it_is_taken(draft);
    }
}

fn finish(draft: &mut Draft<'_>, people: Vec<PersonId>) {
    draft.effect(Effect::Invite { people });
    draft.show();
}
