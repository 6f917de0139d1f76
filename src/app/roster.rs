//! Who is in the user groups and schedules that the configuration names: read from Slack and PagerDuty every now and then, kept with
//! the time of reading, and shown with it. Nothing waits for it: what was read last counts.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::job::Job;
use super::{App, Failure};
use crate::domain::incident::Duty;
use crate::domain::rotation::{Whence, whose_turn};
use crate::domain::timeline::{clock, stamp};
use crate::domain::{PersonId, Time};
use crate::store::{Expect, Kind, Op};
use crate::tr;

/// How long what was read counts as fresh, in minutes.
const READ_EVERY_MINUTES: i64 = 10;

/// Who is in a user group or on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Version of this record's shape.
    pub v: u32,
    /// The people, by their Slack ids.
    pub people: Vec<PersonId>,
    /// People of PagerDuty whom Slack does not know by their address.
    #[serde(default)]
    pub strangers: Vec<String>,
    /// When it was read.
    pub at: Time,
}

/// Whose an address is.
fn address_id(address: &str) -> String {
    format!("address/{}", address.to_lowercase())
}

/// What address somebody has.
fn person_address_id(person: &str) -> String {
    format!("address-of/{person}")
}

impl App {
    /// The user groups (`S…`) and schedules of PagerDuty (`P…`) that somebody's duty or permission depends on.
    fn rosters_wanted(&self) -> Vec<String> {
        let rules = &self.policy.permissions;
        let groups = rules.admins.iter().chain(&rules.team).filter(|id| id.starts_with('S')).cloned();
        let named = self.policy.rotations.iter().filter_map(|rotation| match &rotation.whence {
            Whence::Group(id) | Whence::Schedule(id) => Some(id.clone()),
            Whence::Turns { .. } => None,
        });
        let mut all: Vec<String> = groups.chain(named).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Begins to read each of them, now and then again.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn await_rosters(&self) -> Result<(), Failure> {
        for id in self.rosters_wanted() {
            let waits = |turn: bool| self.store.get(Kind::Outbox, &name(&id, turn)).map(|found| found.is_some());
            if !waits(false)? && !waits(true)? {
                self.enqueue(&name(&id, false), Job::ReadRoster { id, at: self.now(), turn: false }).await?;
            }
        }
        Ok(())
    }

    /// Keeps what was read, and comes back later.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn remember_roster(
        &self,
        id: &str,
        turn: bool,
        read: Option<(Vec<PersonId>, Vec<String>)>,
        mut also: Vec<Op>,
    ) -> Result<(), Failure> {
        let roster = read.map(|(people, strangers)| Roster { v: 1, people, strangers, at: self.now() });
        if let Some(roster) = &roster {
            also.push(Op::put(Kind::Roster, id, Expect::Any, json!(roster)));
        }
        if self.rosters_wanted().iter().any(|wanted| wanted == id) {
            let at = self.now() + chrono::Duration::minutes(READ_EVERY_MINUTES);
            also.push(Job::ReadRoster { id: id.to_owned(), at, turn: !turn }.enqueue(&name(id, !turn), self.now()));
        }
        self.commit(also).await?;
        if let Some(roster) = roster {
            self.rosters.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), roster);
        }
        Ok(())
    }

    /// Who is in a group or on a schedule, as it was read last.
    pub fn roster(&self, id: &str) -> Option<Roster> {
        self.rosters.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The person of an e-mail address: as Slack has it, or else as they said themselves. So nobody can take another's.
    pub fn person_of(&self, email: &str) -> Option<PersonId> {
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        let found = people.values().find(|member| {
            !member.barred && member.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email))
        });
        if let Some(member) = found {
            return Some(member.id.clone());
        }
        let linked = self.store.get(Kind::Meta, &address_id(email)).ok().flatten()?;
        let id = linked.body["person"].as_str()?.to_owned();
        people.get(&id).is_none_or(|member| !member.barred).then_some(id)
    }

    /// The address by which PagerDuty may know somebody: as they said themselves, or else as Slack has it.
    pub fn address_of(&self, person: &str) -> Option<String> {
        let linked = self.store.get(Kind::Meta, &person_address_id(person)).ok().flatten();
        if let Some(address) = linked.as_ref().and_then(|rec| rec.body["address"].as_str()) {
            return Some(address.to_owned());
        }
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        people.get(person).and_then(|member| member.email.clone())
    }

    /// Somebody says by which address PagerDuty knows them. Another's is refused.
    pub(super) async fn link_address(&self, person: &str, address: &str) -> Result<(), Failure> {
        if self.person_of(address).is_some_and(|other| other != person) {
            return Err(Failure::Invalid(tr!("{address} is somebody else's.", address = address)));
        }
        let before = self.store.get(Kind::Meta, &person_address_id(person))?;
        let before = before.as_ref().and_then(|rec| rec.body["address"].as_str()).filter(|before| *before != address);
        let mut ops: Vec<Op> = before
            .map(|before| Op::Del { kind: Kind::Meta, id: address_id(before), expect: Expect::Any })
            .into_iter()
            .collect();
        let body = json!({"v": 1, "person": person, "address": address});
        ops.push(Op::put(Kind::Meta, address_id(address), Expect::Any, body.clone()));
        ops.push(Op::put(Kind::Meta, person_address_id(person), Expect::Any, body));
        self.commit(ops).await
    }

    /// Whether somebody is one of these people, or in one of these groups.
    pub(super) fn is_among(&self, person: &str, to: &[String]) -> bool {
        to.iter().any(|id| {
            id == person || self.roster(id).is_some_and(|roster| roster.people.iter().any(|one| one == person))
        })
    }

    /// Who is on duty for a service now, rotation by rotation. Where nobody is, or nothing was read yet, it is left out.
    pub fn duty_of(&self, service: Option<&str>) -> Vec<Duty> {
        let now = self.now();
        let covering = self.policy.rotations.iter().filter(|rotation| rotation.covers(service));
        covering
            .filter_map(|rotation| {
                if let Some(one) = rotation.stand_in(now) {
                    let from = tr!("standing in until {until}", until = stamp(one.until));
                    let (rotation, role, people) = (rotation.name.clone(), rotation.role, one.people.clone());
                    return Some(Duty { rotation, role, people, from });
                }
                let (people, from) = match &rotation.whence {
                    Whence::Turns { people, every, start, zone } => {
                        (vec![whose_turn(people, *every, *start, *zone, now)?.clone()], "turns".to_owned())
                    }
                    Whence::Group(id) | Whence::Schedule(id) => {
                        let roster = self.roster(id)?;
                        let whence = if matches!(rotation.whence, Whence::Group(_)) { "Slack" } else { "PagerDuty" };
                        let strangers = match roster.strangers.as_slice() {
                            [] => String::new(),
                            names => tr!("; not found in Slack: {names}", names = names.join(", ")),
                        };
                        (
                            roster.people,
                            tr!(
                                "{whence}, read {at} UTC{strangers}",
                                whence = whence,
                                at = clock(roster.at),
                                strangers = strangers
                            ),
                        )
                    }
                };
                let named = !people.is_empty();
                named.then(|| Duty { rotation: rotation.name.clone(), role: rotation.role, people, from })
            })
            .collect()
    }
}

/// The outbox entry that reads a roster; it and the next one take turns, since an entry cannot follow itself in one commit.
fn name(id: &str, turn: bool) -> String {
    format!("roster-{id}-{}", if turn { "b" } else { "a" })
}
