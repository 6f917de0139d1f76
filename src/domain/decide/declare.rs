//! Opening an incident, by a person or by an alert.

use std::collections::BTreeMap;

use super::{Draft, MAX_TEXT, MAX_TITLE, words};
use crate::domain::lineage::Whom;
use crate::domain::policy::Team;
use crate::domain::{Actor, AssetName, Command, Effect, Event, Pillar, Refusal, Severity, Signal};

/// How long nobody may hold the command of a SEV1 or SEV2 before people are reminded, in minutes.
const COMMANDER_WITHIN_MINUTES: i64 = 5;

pub(super) fn declare(
    draft: &mut Draft<'_>,
    title: &str,
    severity: Option<Severity>,
    asset: Option<&AssetName>,
    text: Option<&str>,
) -> Result<(), Refusal> {
    let title = words("A title", "For example `/incident declare orders are late`.", MAX_TITLE, title)?;
    let text = text.map(|text| words("The description", "", MAX_TEXT, text)).transpose()?;
    let service = draft.context.policy.service_of(asset);
    let (severity, severity_because) = match severity {
        Some(severity) => (severity, "the one who declared it chose it".to_owned()),
        None => (Severity::Sev3, "people who declare without choosing get SEV3".to_owned()),
    };
    let now = draft.now();
    let opened = Event::Opened {
        uid: draft.context.fresh.clone(),
        number: draft.context.next_number,
        title,
        severity,
        severity_because,
        pillar: Pillar::Other,
        service: service.map(|service| service.name.clone()),
        source: None,
        labels: BTreeMap::new(),
        detected_at: now,
    };
    open(draft, opened, asset);
    if let Some(text) = text {
        draft.add_and_say(Event::Noted { text });
    }
    draft.assess();
    Ok(())
}

pub(super) fn open_for(draft: &mut Draft<'_>, signal: &Signal) {
    let service = draft.context.policy.service_for(signal);
    let (severity, severity_because) = draft.context.policy.severity_for(signal, draft.context.tier);
    let opened = Event::Opened {
        uid: draft.context.fresh.clone(),
        number: draft.context.next_number,
        title: signal.title.chars().take(MAX_TITLE).collect(),
        severity,
        severity_because,
        pillar: signal.pillar,
        service: service.map(|service| service.name.clone()),
        source: Some(signal.source.clone()),
        labels: signal.labels.clone(),
        detected_at: signal.at.min(draft.now()),
    };
    open(draft, opened, signal.asset.as_ref());
    let policy = draft.context.policy;
    let teams: Vec<_> = policy.route_of(signal).into_iter().flat_map(|route| &route.teams).collect();
    let teams: Vec<_> = policy.teams.iter().filter(|team| teams.contains(&&team.name)).collect();
    let members: Vec<_> = teams.iter().flat_map(|team| team.members.clone()).collect();
    if !members.is_empty() {
        draft.effect(Effect::Invite { people: members });
    }
    let contacts: Vec<_> = teams.into_iter().map(Team::recipient).collect();
    super::notify::automatically(draft, Whom::Subscribed, &contacts);
}

fn open(draft: &mut Draft<'_>, opened: Event, asset: Option<&AssetName>) {
    draft.add(opened);
    if let Some(asset) = asset {
        draft.add(Event::AssetNamed { asset: asset.clone() });
    }
    draft.page_if_severe();
    draft.effect(Effect::OpenChannel);
    if draft.context.policy.announces {
        draft.effect(Effect::ShowAnnouncement);
    }
    draft.effect(Effect::ShowCard);
    draft.effect(Effect::ShowTopic);
    draft.attach_best_runbook();
    let mut people = draft.context.policy.members_for(draft.incident().service.as_deref());
    if let Actor::Person { id } = &draft.context.actor {
        people.push(id.clone());
    }
    if !people.is_empty() {
        draft.effect(Effect::Invite { people });
    }
    super::status::remind_to_acknowledge(draft, 0);
    if draft.incident().severity <= Severity::Sev2 {
        let at = draft.now() + chrono::Duration::minutes(COMMANDER_WITHIN_MINUTES);
        draft.effect(Effect::Remind { command: Box::new(Command::CheckCommander), at });
    }
}
