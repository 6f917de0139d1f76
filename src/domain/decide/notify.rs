//! Telling producers and consumers. Nobody gets the first message twice. Everybody hears how it ends, unless they asked to hear no more.

use super::draft::Draft;
use super::words::optional;
use crate::domain::effect::Notice;
use crate::domain::incident::{Notification, Recipient};
use crate::domain::lineage::Whom;
use crate::domain::{Effect, Event, Refusal};

/// How many names a message in the channel lists.
const NAMED: usize = 30;

pub(super) fn notify(
    draft: &mut Draft<'_>,
    whom: Whom,
    recipients: &[Recipient],
    text: Option<&str>,
) -> Result<(), Refusal> {
    let text = optional("The text", text)?;
    draft.must_be_open_and_real()?;
    if recipients.is_empty() {
        return Err(Refusal::NobodyToTell { whom: whom.as_str(), incident: draft.incident().name() });
    }
    if !tell(draft, whom, recipients, text) {
        return Err(Refusal::NobodyLeftToTell { whom: whom.as_str() });
    }
    draft.show();
    Ok(())
}

/// Tells people because of the configured tiers, without being asked.
pub(super) fn automatically(draft: &mut Draft<'_>, whom: Whom, recipients: &[Recipient]) {
    let incident = draft.incident();
    if incident.status.is_open() && !incident.is_apart() && tell(draft, whom, recipients, None) {
        draft.show();
    }
}

/// Tells people who were not told yet. Returns whether there were any.
fn tell(draft: &mut Draft<'_>, whom: Whom, recipients: &[Recipient], text: Option<String>) -> bool {
    let mut names = Vec::new();
    for recipient in recipients {
        let told = draft.case.notified.values().any(|told| told.recipient.is_same(recipient));
        if told || (recipient.slack.is_none() && recipient.email.is_none()) {
            continue;
        }
        names.push(recipient.name.clone());
        draft.add(Event::Notified { recipient: recipient.clone(), whom });
        send(draft, recipient, Notice::First { whom, text: text.clone() });
    }
    if names.is_empty() {
        return false;
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    draft.add_and_say(Event::NoticesSent { whom, names, more, text });
    true
}

fn send(draft: &mut Draft<'_>, recipient: &Recipient, notice: Notice) {
    let recipient = recipient.clone();
    draft.effect(match recipient.slack {
        Some(_) => Effect::Tell { recipient, notice },
        None => Effect::Mail { recipient, notice },
    });
}

/// People who were told of a merged incident also hear how this one ends, in the same place. If it is over already, at once.
pub(super) fn inherit(draft: &mut Draft<'_>, told: &[Notification]) {
    for one in told.iter().filter(|one| !one.muted) {
        let incident = draft.incident();
        if incident.is_apart() || draft.case.notified.values().any(|told| told.recipient.is_same(&one.recipient)) {
            continue;
        }
        let is_open = incident.status.is_open();
        let recipient = one.recipient.clone();
        draft.add(Event::Notified { recipient: recipient.clone(), whom: one.whom });
        if let Some(message) = &one.message {
            draft.add(Event::NoticePosted { recipient: recipient.key.clone(), message: message.clone() });
        }
        if !is_open {
            send(draft, &recipient, Notice::AllClear { text: None, green: false });
        }
    }
}

/// Tells this to everybody who was told before.
pub(super) fn everybody(draft: &mut Draft<'_>, notice: &Notice) {
    let told: Vec<_> =
        draft.case.notified.values().filter(|told| !told.muted).map(|told| told.recipient.clone()).collect();
    for recipient in told {
        send(draft, &recipient, notice.clone());
    }
}

pub(super) fn mute(draft: &mut Draft<'_>, recipient: &str, muted: bool) -> Result<(), Refusal> {
    let wanted = recipient.trim().trim_start_matches(['@', '#']).to_lowercase();
    let found = draft.case.notified.values().find(|told| {
        let of = &told.recipient;
        of.key.to_lowercase() == wanted
            || of.name.to_lowercase() == wanted
            || of.slack.as_ref().is_some_and(|slack| slack.trim_start_matches('#').to_lowercase() == wanted)
    });
    let Some(told) = found else {
        let names: Vec<_> = draft.case.notified.values().map(|told| format!("`{}`", told.recipient.name)).collect();
        let hint = if names.is_empty() {
            "Nobody was told.".to_owned()
        } else {
            format!("These were told: {names}.", names = names.join(", "))
        };
        return Err(Refusal::NotTold { name: recipient.to_owned(), incident: draft.incident().name(), hint });
    };
    if told.muted != muted {
        let (recipient, name) = (told.recipient.key.clone(), told.recipient.name.clone());
        draft.add(Event::NoticeMuted { recipient, name, muted });
    }
    Ok(())
}

pub(super) fn unsubscribe(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match draft.context.actor.person().cloned() {
        Some(person) => mute(draft, &person, true),
        None => Ok(()),
    }
}

pub(super) fn subscribe(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let Some(person) = draft.context.actor.person().cloned() else { return Ok(()) };
    match draft.case.notified.get(&person.to_lowercase()) {
        Some(told) if !told.muted => {
            return Err(Refusal::AlreadySubscribed { incident: draft.incident().name() });
        }
        Some(_) => return mute(draft, &person, false),
        None => {}
    }
    let recipient = Recipient::person(&person, draft.context.people.name(&person));
    draft.add(Event::Notified { recipient: recipient.clone(), whom: Whom::Subscribed });
    send(draft, &recipient, Notice::First { whom: Whom::Subscribed, text: None });
    Ok(())
}
