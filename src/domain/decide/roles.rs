//! Who does what: people take, give and hand over roles.

use std::collections::BTreeMap;

use chrono::Duration;

use super::draft::Draft;
use crate::domain::reason::PageText;
use crate::domain::times::clock;
use crate::domain::{Actor, Command, Effect, Event, Refusal, Role, Severity, UserId};

/// How many minutes a commander has to answer a request before the command is handed over.
const HANDOVER_MINUTES: i64 = 2;

pub(super) fn take(draft: &mut Draft<'_>, role: Role) -> Result<(), Refusal> {
    let Some(person) = draft.context.actor.person().cloned() else { return Ok(()) };
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
    draft.show();
    Ok(())
}

/// Gives roles to people, and takes them from others. The commander is asked before the command goes to somebody else.
pub(super) fn assign(
    draft: &mut Draft<'_>,
    roles: &BTreeMap<Role, Vec<UserId>>,
    without: &BTreeMap<Role, Vec<UserId>>,
) -> Result<(), Refusal> {
    let mut any = false;
    for (role, person) in without.iter().flat_map(|(role, people)| people.iter().map(move |person| (*role, person))) {
        let passes_on = !role.is_shared() && roles.get(&role).is_some_and(|named| !named.is_empty());
        if passes_on || !draft.incident().has_role(role, person) {
            continue;
        }
        if role == Role::Commander && draft.context.actor.person() != Some(person) {
            return Err(Refusal::HasTheCommand { holder: draft.context.people.name(person) });
        }
        give_back(draft, &[role], person);
        any = true;
    }
    for (role, named) in roles {
        // A role with one holder goes to the first person who is named.
        let named = if role.is_shared() { named.as_slice() } else { named.get(..1).unwrap_or_default() };
        for person in named {
            if draft.incident().has_role(*role, person) {
                continue;
            }
            let holder = draft.incident().holder(Role::Commander).cloned();
            match holder.filter(|holder| *role == Role::Commander && draft.context.actor.person() != Some(holder)) {
                Some(holder) => request_handover(draft, person, &holder)?,
                None => grant(draft, *role, person),
            }
            any = true;
        }
    }
    if !any {
        return Err(Refusal::Empty {
            what: "The list of people who get a role they do not have yet",
            example: "For example `/incident assign responder @ana`.",
        });
    }
    draft.show();
    Ok(())
}

fn request_handover(draft: &mut Draft<'_>, by: &UserId, holder: &UserId) -> Result<(), Refusal> {
    if let Some(pending) = &draft.incident().handover {
        let who = draft.context.people.name(&pending.by);
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
        return Err(Refusal::NotTheCommander { holder: draft.context.people.name(holder) });
    }
    if accept {
        grant(draft, Role::Commander, &pending.by);
        draft.show();
    } else {
        draft.add_and_say(Event::HandoverDeclined { by: pending.by });
    }
    Ok(())
}

pub(super) fn handover_due(draft: &mut Draft<'_>, request: &str) {
    let incident = draft.incident();
    if let Some(pending) = incident.handover.clone().filter(|pending| pending.id == request) {
        grant(draft, Role::Commander, &pending.by);
        draft.show();
    }
}

/// After how many minutes without a commander of a SEV1 or SEV2 people are asked, and asked again.
const COMMANDER_WITHIN_MINUTES: i64 = 5;
/// How often people are asked in the channel before somebody is paged.
const ASKED_BEFORE_PAGING: u32 = 2;

pub(super) fn ask_for_commander_later(draft: &mut Draft<'_>, asked: u32) {
    let at = draft.now() + Duration::minutes(COMMANDER_WITHIN_MINUTES);
    draft.effect(Effect::Remind { command: Box::new(Command::CheckCommander { asked }), at });
}

/// Asks who takes the command. The people on duty for it are asked by name, twice, and then through PagerDuty.
pub(super) fn check_commander(draft: &mut Draft<'_>, asked: u32) {
    let incident = draft.incident();
    if !incident.status.is_open() || incident.holder(Role::Commander).is_some() || incident.severity > Severity::Sev2 {
        return;
    }
    let minutes = (draft.now() - incident.opened_at).num_minutes();
    let duty = incident.duty.iter().filter(|duty| duty.role == Role::Commander);
    let people = duty.flat_map(|duty| duty.people.clone()).collect();
    draft.add_and_say(Event::CommanderMissing { minutes, people });
    if asked < ASKED_BEFORE_PAGING {
        ask_for_commander_later(draft, asked + 1);
    } else {
        escalate(draft, minutes);
    }
}

/// Pages for a commander, if a page can be sent.
fn escalate(draft: &mut Draft<'_>, minutes: i64) {
    let incident = draft.incident();
    let target = draft.context.policy.page_target(incident.service.as_deref());
    if target.can_page && !incident.drill {
        draft.page(target.name, None, PageText::NoCommander { minutes, text: incident.title.clone() });
        draft.show();
    }
}

/// Gives one role back, or all of them.
pub(super) fn leave(draft: &mut Draft<'_>, role: Option<Role>) -> Result<(), Refusal> {
    let Some(person) = draft.context.actor.person().cloned() else { return Ok(()) };
    let incident = draft.incident();
    let held: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|one| role.is_none_or(|role| role == *one) && incident.has_role(*one, &person))
        .collect();
    if held.is_empty() {
        return Err(Refusal::HasNotRole { incident: incident.name(), role: role.unwrap_or(Role::Responder) });
    }
    give_back(draft, &held, &person);
    draft.show();
    Ok(())
}

fn give_back(draft: &mut Draft<'_>, roles: &[Role], person: &UserId) {
    for role in roles {
        draft.add_and_say(Event::RoleLeft { role: *role, person: person.clone() });
    }
    let incident = draft.incident();
    if roles.contains(&Role::Commander) && incident.status.is_open() && incident.severity <= Severity::Sev2 {
        ask_for_commander_later(draft, 0);
    }
}

fn grant(draft: &mut Draft<'_>, role: Role, person: &UserId) {
    let incident = draft.incident();
    let from = (!role.is_shared()).then(|| incident.holder(role).cloned()).flatten();
    let severity = incident.severity;
    // The commander decides, and the responder mends. In a SEV1 one person cannot do both well, so the channel says so.
    let both = [Role::Commander, Role::Responder];
    let too_much = |other: &Role| severity == Severity::Sev1 && both.contains(&role) && *other != role;
    let also = both.into_iter().filter(|other| too_much(other) && incident.has_role(*other, person)).collect();
    let first = incident.acknowledged_at.is_none();
    draft.add_and_say(Event::RoleGranted { role, person: person.clone(), from, also });
    draft.invite([person.clone()]);
    draft.effect(Effect::Brief { person: person.clone(), role });
    if first && !matches!(draft.context.actor, Actor::Muster) {
        draft.acknowledge_pages();
    }
}
