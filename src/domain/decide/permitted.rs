//! Whether somebody may do something: the table of `permission`, and over it the operator's rules.

use super::context::People;
use crate::domain::incident::Incident;
use crate::domain::permission::{Standing, Verb, Who, allowed};
use crate::domain::{Policy, Refusal, Role, UserId};

/// Whether somebody may do something. First the table of standings is checked, then the operator's rules.
pub fn permitted(
    verb: Verb,
    standing: Standing,
    person: Option<&UserId>,
    incident: Option<&Incident>,
    policy: &Policy,
    people: &dyn People,
) -> Result<(), Refusal> {
    if !allowed(standing, verb) {
        return Err(Refusal::NotAllowed { verb, standing });
    }
    let (Standing::Member, Some(person)) = (standing, person) else { return Ok(()) };
    let rules = &policy.permissions;
    let who = rules.who(verb);
    let may = match who {
        Who::Everyone => true,
        Who::Team => people.belongs(person, &rules.team),
        Who::Responders => incident.is_none_or(|incident| incident.people().contains(person)),
        Who::Commander => incident.is_none_or(|incident| incident.has_role(Role::Commander, person)),
        Who::Admins => false,
    };
    if may || people.belongs(person, &rules.admins) {
        return Ok(());
    }
    let hint = match (who, incident.map(|incident| incident.holder(Role::Commander))) {
        (Who::Commander, Some(Some(holder))) => format!("That is {person}.", person = people.name(holder)),
        (Who::Commander, Some(None)) => "Nobody is; `/incident take commander` makes you that.".to_owned(),
        (Who::Responders, _) => "`/incident take responder` makes you one.".to_owned(),
        _ => String::new(),
    };
    Err(Refusal::Reserved { verb, who, hint })
}
