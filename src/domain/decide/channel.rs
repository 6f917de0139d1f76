//! The incident's channel: made, linked, lost, archived. Also what became of other deliveries to Slack.

use super::draft::Draft;
use crate::domain::incident::{Channel, MessageRef, PageStatus, Slot};
use crate::domain::reason::{ChannelLoss, Missing};
use crate::domain::{ChannelId, Command, Effect, Event, Principal, Refusal, Role, Time, Undelivered, UserId};

pub(super) fn channel_ready(draft: &mut Draft<'_>, channel: &Channel) {
    if draft.incident().channel.as_ref() != Some(channel) {
        let before = draft.incident().channel.clone();
        let is_known = before.as_ref().is_some_and(|before| before.id == channel.id);
        draft.add(Event::ChannelOpened { channel: channel.clone() });
        if !is_known && (before.is_some() || channel.linked) {
            // It goes on in another channel, so the messages of the old channel are posted here.
            draft.add(Event::MovedTo { name: channel.name.clone() });
            move_in(draft);
        }
        // The announcement was sent before there was a channel to name.
        draft.announce();
    }
}

/// Somebody wants to work in an existing channel. Whether that is possible shows when it is done.
pub(super) fn link(draft: &mut Draft<'_>, channel: &ChannelId) -> Result<(), Refusal> {
    draft.must_be_open()?;
    let incident = draft.incident();
    if incident.channel.as_ref().is_some_and(|known| known.id == *channel) {
        return Err(Refusal::AlreadyHere { incident: incident.name() });
    }
    if let Some(by) = draft.context.actor.person().cloned() {
        draft.effect(Effect::LinkChannel { channel: channel.to_owned(), by });
    }
    Ok(())
}

/// Sets up a new channel with everything that an incident needs.
fn move_in(draft: &mut Draft<'_>) {
    draft.invite(draft.incident().people());
    draft.show();
    if draft.incident().checklist.is_some() {
        draft.effect(Effect::ShowChecklist);
    }
}

/// An open incident goes on in another channel. Its commander is told.
pub(super) fn channel_gone(draft: &mut Draft<'_>, channel: &ChannelId, why: &ChannelLoss) {
    let incident = draft.incident();
    let Some(lost) = incident.channel.clone().filter(|known| known.id == *channel) else { return };
    if !incident.status.is_open() {
        return;
    }
    let event = Event::ChannelLost { name: lost.name, why: why.clone() };
    draft.add(event.clone());
    draft.effect(Effect::OpenChannel);
    move_in(draft);
    let lead = draft.incident().holder(Role::Commander).cloned();
    let lead = lead.or_else(|| draft.incident().people().into_iter().next());
    if let Some(person) = lead.or_else(|| draft.incident().declared_by.clone()) {
        draft.effect(Effect::Direct { person, event: Box::new(event) });
    }
}

/// Says it in the channel. Without a channel, the commander or else those whom it concerns hear it directly.
pub(super) fn hear(draft: &mut Draft<'_>, event: Event) {
    if draft.incident().channel.is_some() {
        draft.add_and_say(event);
        return;
    }
    draft.add(event.clone());
    match draft.incident().holder(Role::Commander).cloned() {
        Some(person) => draft.effect(Effect::Direct { person, event: Box::new(event) }),
        None => tell_whom_it_concerns(draft, &event),
    }
}

/// The most people who are told directly when there is no channel to say something in.
const TOLD_AT_MOST: usize = 3;

/// Schedules the archiving for some days after the review. If there is nothing to review, after the end.
pub(super) fn archive_later(draft: &mut Draft<'_>) {
    let incident = draft.incident();
    if let (Some(days), Some(resolved)) = (draft.context.policy.archive_after_days, incident.resolved_at) {
        let (at, reviewed) = (draft.now() + chrono::Duration::days(days.into()), incident.reviewed_at);
        draft.effect(Effect::Remind { command: Box::new(Command::CheckArchive { resolved, reviewed }), at });
    }
}

/// Archives the channel, unless the incident was reopened.
pub(super) fn check_archive(draft: &mut Draft<'_>, resolved: Time, reviewed: Option<Time>) {
    let incident = draft.incident();
    if incident.resolved_at != Some(resolved) || incident.reviewed_at != reviewed {
        return;
    }
    // A thread goes with its channel, and an existing channel belongs to somebody else.
    if let Some(channel) = incident.channel.clone().filter(|channel| channel.is_whole() && !channel.linked) {
        draft.effect(Effect::ArchiveChannel { channel: channel.id });
    }
}

pub(super) fn channel_archived(draft: &mut Draft<'_>, channel: &ChannelId) {
    if let Some(known) = draft.incident().channel.clone().filter(|known| known.id == *channel) {
        draft.add(Event::ChannelArchived { name: known.name });
    }
}

/// The person who declared it is told which part is not done yet.
pub(super) fn check_opening(draft: &mut Draft<'_>) {
    let incident = draft.incident();
    let announced = draft.context.policy.announces && !incident.private;
    let steps = [
        (incident.channel.is_none(), Missing::Channel),
        (incident.channel.is_some() && !incident.slots.contains_key(&Slot::Card), Missing::Card),
        (announced && !incident.slots.contains_key(&Slot::Announcement), Missing::Announcement),
        (incident.pages.values().any(|page| page.status == PageStatus::Sending), Missing::Page),
    ];
    let missing: Vec<_> = steps.into_iter().filter(|(pending, _)| *pending).map(|(_, what)| what).collect();
    if missing.is_empty() || !incident.status.is_open() {
        return;
    }
    let event = Event::OpeningPending { missing };
    draft.add(event.clone());
    tell_whom_it_concerns(draft, &event);
}

/// If there is no channel to say something in, it goes to the person who declared it, or else the people on duty, or else administrators.
fn tell_whom_it_concerns(draft: &mut Draft<'_>, event: &Event) {
    let incident = draft.incident();
    let admins = draft.context.policy.permissions.admins.iter().filter_map(Principal::person).cloned();
    let people: Vec<UserId> = match &incident.declared_by {
        Some(person) => vec![person.clone()],
        None => incident.duty.iter().flat_map(|duty| duty.people.clone()).chain(admins).take(TOLD_AT_MOST).collect(),
    };
    for person in people {
        draft.effect(Effect::Direct { person, event: Box::new(event.clone()) });
    }
}

pub(super) fn message_posted(draft: &mut Draft<'_>, slot: Slot, message: &MessageRef) {
    if draft.incident().slots.get(&slot) != Some(message) {
        draft.add(Event::Posted { slot, message: message.clone() });
        // In a thread, everybody begins to read at the card.
        if slot != Slot::Announcement && draft.incident().channel.as_ref().is_some_and(Channel::is_whole) {
            draft.effect(Effect::Pin { slot });
        }
    }
}

pub(super) fn give_up(draft: &mut Draft<'_>, what: &str, why: &Undelivered, say: bool) {
    let event = Event::DeliveryFailed { what: what.to_owned(), why: why.clone() };
    if say {
        draft.add_and_say(event);
        draft.effect(Effect::ShowCard);
    } else {
        draft.add(event.clone());
        if draft.incident().channel.is_none() {
            tell_whom_it_concerns(draft, &event);
        }
    }
}
