//! A decision in the making, and its result. Every verb changes the state, the timeline and the effects through this.

use super::context::Context;
use super::permitted::permitted;
use crate::domain::event::{Actor, Entry, Event, Opened};
use crate::domain::incident::{Case, Incident};
use crate::domain::permission::Verb;
use crate::domain::{Alert, Effect, Principal, Refusal, Time, evolve};

/// The result of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub entries: Vec<Entry>,
    pub case: Case,
    pub effects: Vec<Effect>,
}

impl Decision {
    /// Combines two decisions of one commit, the second made after the first. Alerts that join one after another become one line of
    /// the timeline and one message. The present state is shown once.
    pub fn go_on_with(&mut self, next: Self) {
        let mut case = next.case;
        let in_one_line = match (self.entries.last_mut(), next.entries.as_slice()) {
            (Some(last), [only]) => last.actor == only.actor && last.event.absorb(&only.event),
            _ => false,
        };
        match self.entries.last() {
            Some(last) if in_one_line => case.incident.entries = last.seq,
            _ => self.entries.extend(next.entries),
        }
        self.case = case;
        for effect in next.effects {
            if effect.shows_present_state() && self.effects.contains(&effect) {
                continue;
            }
            let said_with_another = match &effect {
                Effect::Say { event, actor } => self.effects.iter_mut().any(|known| match known {
                    Effect::Say { event: before, actor: by } => by == actor && before.absorb(event),
                    _ => false,
                }),
                _ => false,
            };
            if !said_with_another {
                self.effects.push(effect);
            }
        }
    }
}

/// A decision in the making. What is added is applied at once, so that later steps see it.
pub(super) struct Draft<'a> {
    pub(super) case: Case,
    pub(super) entries: Vec<Entry>,
    effects: Vec<Effect>,
    pub(super) context: &'a Context<'a>,
}

impl<'a> Draft<'a> {
    /// For an existing incident.
    pub(super) fn going_on(case: &Case, context: &'a Context<'a>) -> Self {
        Self { case: case.clone(), entries: Vec::new(), effects: Vec::new(), context }
    }

    /// For a new incident.
    pub(super) fn of(opened: &Opened, context: &'a Context<'a>) -> Self {
        let entry =
            Entry { seq: 1, at: context.now, actor: context.actor.clone(), event: Event::Opened(opened.clone()) };
        let case = evolve::begin(opened, &entry);
        Self { case, entries: vec![entry], effects: Vec::new(), context }
    }

    pub(super) fn now(&self) -> Time {
        self.context.now
    }

    /// Whether the person who asks may also do this.
    pub(super) fn may(&self, verb: Verb) -> Result<(), Refusal> {
        let (context, incident) = (self.context, &self.case.incident);
        permitted(verb, context.standing, context.actor.person(), Some(incident), context.policy, context.people)
    }

    pub(super) fn incident(&self) -> &Incident {
        &self.case.incident
    }

    pub(super) fn add(&mut self, event: Event) {
        let actor = self.context.actor.clone();
        self.add_as(actor, event);
    }

    pub(super) fn add_as(&mut self, actor: Actor, event: Event) {
        let entry = Entry { seq: self.case.incident.entries + 1, at: self.context.now, actor, event };
        evolve::go_on(&mut self.case, &entry);
        self.entries.push(entry);
    }

    /// Adds an alert. The caller also adds the event that says so.
    pub(super) fn alert(&mut self, alert: Alert) {
        self.case.alerts.insert(alert.id.clone(), alert);
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    pub(super) fn invite(&mut self, people: impl IntoIterator<Item: Into<Principal>>) {
        let people: Vec<_> = people.into_iter().map(Into::into).collect();
        if !people.is_empty() {
            self.effect(Effect::Invite { people });
        }
    }

    /// Adds the event and says it in the channel.
    pub(super) fn add_and_say(&mut self, event: Event) {
        self.add(event);
        self.say();
    }

    /// Says the last event in the channel.
    pub(super) fn say(&mut self) {
        if let Some(Entry { actor, event, .. }) = self.entries.last().cloned() {
            self.effect(Effect::Say { event: Box::new(event), actor });
        }
    }

    /// Refuses what makes no sense in an incident that goes on elsewhere.
    pub(super) fn must_not_be_merged(&self) -> Result<(), Refusal> {
        match &self.incident().merged_into {
            Some((_, into)) => Err(Refusal::IsMerged { incident: self.incident().name(), into: into.clone() }),
            None => Ok(()),
        }
    }

    /// Refuses what only makes sense while the incident is open.
    pub(super) fn must_be_open(&self) -> Result<(), Refusal> {
        self.must_not_be_merged()?;
        if self.incident().status.is_open() {
            return Ok(());
        }
        Err(Refusal::IsResolved { incident: self.incident().name() })
    }

    /// Refuses what would wake or tell people for nothing: the incident is over, or it is a drill.
    pub(super) fn must_be_open_and_real(&self) -> Result<(), Refusal> {
        self.must_be_open()?;
        if self.incident().drill {
            return Err(Refusal::Drill { incident: self.incident().name() });
        }
        Ok(())
    }

    /// Updates everything that shows the present state.
    pub(super) fn show(&mut self) {
        self.effect(Effect::ShowCard);
        self.effect(Effect::ShowTopic);
        self.announce();
    }

    /// Updates the line in the announcement channel, if there is one and everybody may know about the incident.
    pub(super) fn announce(&mut self) {
        if self.context.policy.announces && !self.incident().private {
            self.effect(Effect::ShowAnnouncement);
        }
    }

    /// Asks the lineage again, if the incident has an asset that it may know.
    pub(super) fn assess(&mut self) {
        let incident = self.incident();
        if !incident.assets.is_empty() && incident.status.is_open() {
            self.effect(Effect::Assess);
        }
    }

    pub(super) fn finish(self) -> Decision {
        Decision { entries: self.entries, case: self.case, effects: self.effects }
    }
}
