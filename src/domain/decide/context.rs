//! What a decision may know in addition to the state, including who asks for it.

use crate::domain::incident::{Duty, Incident};
use crate::domain::permission::{Standing, Verb, Who, allowed};
use crate::domain::runbook::Library;
use crate::domain::{Actor, Policy, Principal, Refusal, Role, Time, UserId};

/// Everything that a decision may know in addition to the state.
#[derive(Clone)]
pub struct Context<'a> {
    pub now: Time,
    /// A fresh ULID. Everything new that this decision makes is named after it.
    pub fresh: String,
    /// The number for a new incident. 0 if none is opened.
    pub next_number: u64,
    pub actor: Actor,
    /// What Muster knows about the person who asks.
    pub standing: Standing,
    pub policy: &'a Policy,
    pub library: &'a Library,
    /// The tier of the signal's asset, from the catalog.
    pub tier: Option<u8>,
    pub people: &'a dyn People,
}

/// What Muster knows about people.
pub trait People: Sync {
    /// The name of a person, by the Slack id.
    fn name(&self, id: &str) -> String;

    /// Whether somebody is one of these people, or in one of these user groups.
    fn belongs(&self, person: &UserId, to: &[Principal]) -> bool;

    /// A person's standing in the workspace.
    fn standing(&self, person: &UserId) -> Standing;

    /// Who is on duty for a service now.
    fn on_duty(&self, service: Option<&str>) -> Vec<Duty>;
}

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
