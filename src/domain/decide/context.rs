//! What a decision may know in addition to the state, including who asks for it.

use crate::domain::incident::Duty;
use crate::domain::permission::Standing;
use crate::domain::runbook::Library;
use crate::domain::{Actor, Policy, Principal, Time, UserId};

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
