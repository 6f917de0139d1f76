//! An incident is opened by a person or by an alert.

use std::collections::BTreeMap;

use super::context::Context;
use super::draft::Draft;
use super::record;
use super::words::{MAX_TITLE, at_most, words};
use crate::domain::command::Declaration;
use crate::domain::event::Opened;
use crate::domain::lineage::Whom;
use crate::domain::policy::Team;
use crate::domain::reason::SeverityReason;
use crate::domain::{Actor, AssetName, Command, Effect, Event, Pillar, Principal, Refusal, Severity, Signal};

/// After how many minutes the person who declared it is told which part of the opening is not done yet.
const OPENED_WITHIN_MINUTES: i64 = 1;

pub(super) fn declare<'a>(context: &'a Context<'a>, what: &Declaration) -> Result<Draft<'a>, Refusal> {
    let title = at_most(MAX_TITLE, "A title", "For example `/incident declare orders are late`.", &what.title)?;
    let text = what.text.as_ref().map(|text| words("The description", "", text)).transpose()?;
    let asset = what.asset.as_ref();
    let service = context.policy.service_of(asset);
    let (severity, severity_because) = match what.severity {
        Some(severity) => (severity, SeverityReason::Chosen),
        None => (Severity::Sev3, SeverityReason::Default),
    };
    let now = context.now;
    let opened = Opened {
        uid: context.fresh.clone().into(),
        number: context.next_number,
        title,
        severity,
        severity_because,
        pillar: what.pillar.unwrap_or(Pillar::Other),
        service: service.map(|service| service.name.clone()),
        source: None,
        labels: BTreeMap::new(),
        detected_at: now,
        drill: what.drill,
        private: what.private,
    };
    let mut draft = open(context, &opened, asset);
    // The message that led to the incident is the first line of its timeline.
    if let Some((message, author, said)) = &what.from {
        record::pin(&mut draft, message, author, said);
    }
    if let Some(text) = text {
        draft.add_and_say(Event::Noted { text });
    }
    draft.assess();
    Ok(draft)
}

pub(super) fn open_for<'a>(context: &'a Context<'a>, signal: &Signal) -> Draft<'a> {
    let service = context.policy.service_for(signal);
    let (severity, severity_because) = context.policy.severity_for(signal, context.tier);
    let opened = Opened {
        uid: context.fresh.clone().into(),
        number: context.next_number,
        title: signal.title.chars().take(MAX_TITLE).collect(),
        severity,
        severity_because,
        pillar: signal.pillar,
        service: service.map(|service| service.name.clone()),
        source: Some(signal.source.clone()),
        labels: signal.labels.clone(),
        detected_at: signal.at.min(context.now),
        drill: false,
        private: false,
    };
    let mut draft = open(context, &opened, signal.asset.as_ref());
    let policy = context.policy;
    let teams: Vec<_> = policy.route_of(signal).into_iter().flat_map(|route| &route.teams).collect();
    let teams: Vec<_> = policy.teams.iter().filter(|team| teams.contains(&&team.name)).collect();
    draft.invite(teams.iter().flat_map(|team| team.members.clone()));
    let contacts: Vec<_> = teams.into_iter().map(Team::recipient).collect();
    super::notify::automatically(&mut draft, Whom::Subscribed, &contacts);
    draft
}

fn open<'a>(context: &'a Context<'a>, opened: &Opened, asset: Option<&AssetName>) -> Draft<'a> {
    let mut new = Draft::of(opened, context);
    let draft = &mut new;
    if let Some(asset) = asset {
        draft.add(Event::AssetNamed { asset: asset.clone() });
    }
    draft.page_if_severe();
    draft.effect(Effect::OpenChannel);
    draft.announce();
    draft.effect(Effect::ShowCard);
    draft.effect(Effect::ShowTopic);
    super::runbook::attach_best(draft);
    // Only people whom somebody chooses are invited to a private incident.
    let private = draft.incident().private;
    let service = draft.incident().service.clone();
    let mut people = if private { Vec::new() } else { draft.context.policy.members_for(service.as_deref()) };
    let duty = if private { Vec::new() } else { draft.context.people.on_duty(service.as_deref()) };
    people.extend(duty.iter().flat_map(|duty| duty.people.clone()).map(Principal::from));
    if !duty.is_empty() {
        draft.add(Event::DutyNamed { duty });
    }
    if let Actor::Person { id } = &draft.context.actor {
        people.push(id.clone().into());
    }
    draft.invite(people);
    let at = draft.now() + chrono::Duration::minutes(OPENED_WITHIN_MINUTES);
    draft.effect(Effect::Remind { command: Box::new(Command::CheckOpening), at });
    super::status::remind_to_acknowledge(draft, 0);
    super::reminders::remind_by_cadence(draft);
    if draft.incident().severity <= Severity::Sev2 {
        super::roles::ask_for_commander_later(draft, 0);
    }
    new
}
