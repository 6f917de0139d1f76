//! Who is in the user groups and on the schedules that the configuration names. They are read from Slack and PagerDuty now and then, kept with
//! the time of reading, and shown with it. Nothing waits for them: the last reading counts.

use super::{App, Change, Failure};
use crate::domain::incident::Duty;
use crate::domain::reason::{DutySource, Read};
use crate::domain::rotation::{Rotation, RotationSource, whose_turn};
use crate::domain::{Principal, UserId};
use crate::records::outbox::{EntryId, Job};
use crate::records::{AddressOf, OwnerOfAddress, Roster};
use crate::store::{Batch, Expect, Id};

/// How long a reading counts as fresh, in minutes.
const READ_EVERY_MINUTES: i64 = 10;

impl App {
    /// The user groups (`S…`) and PagerDuty schedules (`P…`) that somebody's duty or permission depends on.
    fn rosters_wanted(&self) -> Vec<String> {
        let rules = &self.policy.permissions;
        let groups = rules.admins.iter().chain(&rules.team).filter_map(|one| match one {
            Principal::Group(id) => Some(id.clone()),
            Principal::Person(_) => None,
        });
        let named = self.policy.rotations.iter().filter_map(|rotation| match &rotation.source {
            RotationSource::Group(id) | RotationSource::Schedule(id) => Some(id.clone()),
            RotationSource::Turns { .. } => None,
        });
        let mut all: Vec<String> = groups.chain(named).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Begins to read each of them, again and again.
    pub async fn await_rosters(&self) -> Result<(), Failure> {
        for id in self.rosters_wanted() {
            let waits = self.store.get(&EntryId::roster(&id, false)).await?.is_some()
                || self.store.get(&EntryId::roster(&id, true)).await?.is_some();
            if !waits {
                self.enqueue(&EntryId::roster(&id, false), Job::ReadRoster { id, at: self.now(), turn: false }).await?;
            }
        }
        Ok(())
    }

    /// Keeps what was read, and plans the next reading.
    pub async fn remember_roster(
        &self,
        id: &str,
        turn: bool,
        read: Option<(Vec<UserId>, Vec<String>)>,
        mut also: Batch,
    ) -> Result<(), Failure> {
        if let Some((people, strangers)) = read {
            also.put(&Id::<Roster>::of(id), Expect::Any, &Roster { people, strangers, at: self.now() });
        }
        if self.rosters_wanted().iter().any(|wanted| wanted == id) {
            let at = self.now() + chrono::Duration::minutes(READ_EVERY_MINUTES);
            let job = Job::ReadRoster { id: id.to_owned(), at, turn: !turn };
            also.enqueue(&EntryId::roster(id, !turn), job, self.now());
        }
        self.commit(also).await
    }

    /// Who is in a group or on a schedule, as last read.
    pub fn roster(&self, id: &str) -> Option<Roster> {
        self.models.rosters.read().get(id).cloned()
    }

    /// Whether nobody can say who is on duty, because the group or schedule was not read yet.
    pub fn is_unread(&self, rotation: &Rotation) -> bool {
        match &rotation.source {
            RotationSource::Group(id) | RotationSource::Schedule(id) => self.roster(id).is_none(),
            RotationSource::Turns { .. } => false,
        }
    }

    /// The person of an e-mail address: as Slack says, or else as they said themselves. So nobody can take another person's address.
    pub fn person_of(&self, email: &str) -> Option<UserId> {
        self.models.people.read().of_address(email)
    }

    /// The address by which PagerDuty may know somebody: as they said themselves, or else as Slack says.
    pub fn address_of(&self, person: &UserId) -> Option<String> {
        self.models.people.read().address_of(person).map(str::to_owned)
    }

    /// Somebody says by which address PagerDuty knows them. Another person's address is refused.
    pub async fn link_address(&self, person: &UserId, address: &str) -> Result<(), Failure> {
        self.make(&Linking { person, address }).await
    }

    /// Whether somebody is one of these people, or in one of these groups.
    pub(super) fn is_among(&self, person: &UserId, to: &[Principal]) -> bool {
        let rosters = self.models.rosters.read();
        to.iter().any(|one| match one {
            Principal::Person(id) => id == person,
            Principal::Group(id) => rosters.get(id).is_some_and(|roster| roster.people.contains(person)),
        })
    }

    /// Who is on duty for a service now, by rotation. A rotation without anybody, or one that was not read yet, is left out.
    pub fn duty_of(&self, service: Option<&str>) -> Vec<Duty> {
        let now = self.now();
        let covering = self.policy.rotations.iter().filter(|rotation| rotation.covers(service));
        covering
            .filter_map(|rotation| {
                if let Some(one) = rotation.stand_in(now) {
                    let from = DutySource::StandIn { until: one.until };
                    let (rotation, role, people) = (rotation.name.clone(), rotation.role, one.people.clone());
                    return Some(Duty { rotation, role, people, from });
                }
                let (people, from) = match &rotation.source {
                    RotationSource::Turns { people, every, start, zone } => {
                        (vec![whose_turn(people, *every, *start, *zone, now)?.clone()], DutySource::Turns)
                    }
                    RotationSource::Group(id) | RotationSource::Schedule(id) => {
                        let roster = self.roster(id)?;
                        let read = Read { at: roster.at, strangers: roster.strangers };
                        let in_slack = matches!(rotation.source, RotationSource::Group(_));
                        (roster.people, if in_slack { DutySource::Slack(read) } else { DutySource::PagerDuty(read) })
                    }
                };
                let named = !people.is_empty();
                named.then(|| Duty { rotation: rotation.name.clone(), role: rotation.role, people, from })
            })
            .collect()
    }
}

/// Somebody claims an address as theirs.
struct Linking<'a> {
    person: &'a UserId,
    address: &'a str,
}

impl Change for Linking<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let (person, address) = (self.person.to_owned(), self.address.to_owned());
        let (of_address, of_person) = (Id::<OwnerOfAddress>::of(&address), Id::<AddressOf>::of(&person));
        let (owner, owned) = app.to_change(&of_address).await?;
        let (said, known) = app.to_change(&of_person).await?;
        // As Slack says, or as they said themselves, perhaps a moment ago.
        let owner = app.person_of(&address).or(owner.map(|owner| owner.person));
        if owner.is_some_and(|other| other != person) {
            return Err(Failure::Invalid(format!("{address} is somebody else's.")));
        }
        let mut batch = Batch::new();
        let before = said.map(|said| Id::<OwnerOfAddress>::of(&said.address));
        if let Some(before) = before.filter(|before| *before != of_address) {
            batch.del(&before, Expect::Any);
        }
        let owner = OwnerOfAddress { person: person.clone(), address: address.clone() };
        batch.put(&of_address, owned, &owner);
        batch.put(&of_person, known, &AddressOf { person, address });
        Ok((batch, ()))
    }
}
