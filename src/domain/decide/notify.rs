//! Telling producers and consumers. Nobody gets the first message twice. Everybody hears how it ends, unless they asked to hear no more.

use super::draft::Draft;
use super::words::optional;
use crate::domain::effect::Notice;
use crate::domain::incident::{Notification, Recipient};
use crate::domain::lineage::Whom;
use crate::domain::told::Reached;
use crate::domain::{Effect, Event, Refusal, Undelivered};

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
    if !tell(draft, whom, recipients, text, true) {
        return Err(Refusal::NobodyLeftToTell { whom: whom.as_str() });
    }
    draft.show();
    Ok(())
}

/// Tells people because of the configured tiers, without being asked.
pub(super) fn automatically(draft: &mut Draft<'_>, whom: Whom, recipients: &[Recipient]) {
    let incident = draft.incident();
    if incident.status.is_open() && !incident.is_apart() && tell(draft, whom, recipients, None, false) {
        draft.show();
    }
}

/// Tells people who were not told yet. `again`: also those whom no message has reached. Returns whether there were any.
fn tell(draft: &mut Draft<'_>, whom: Whom, recipients: &[Recipient], text: Option<String>, again: bool) -> bool {
    let mut names = Vec::new();
    for recipient in recipients {
        let of_them = draft.case.notified.values().filter(|told| told.recipient.is_same(recipient));
        let told = of_them.into_iter().any(|told| !(again && told.is_unreached()));
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

/// The first message to somebody arrived. The card counts them.
pub(super) fn delivered(draft: &mut Draft<'_>, event: Event) {
    draft.add(event);
    draft.effect(Effect::ShowCard);
}

/// A message to somebody will never be delivered in this way. If it was for Slack, and an address is known, it goes there.
/// If nothing is left, people are told, so that they can tell them.
pub(super) fn refused(draft: &mut Draft<'_>, to: &Recipient, notice: &Notice, why: &Undelivered, mailed: bool) {
    let Some(told) = draft.case.notified.get(&to.key).cloned() else { return };
    let (recipient, name) = (to.key.clone(), to.name.clone());
    let by_mail = Recipient { slack: None, ..told.recipient.clone() };
    if told.gets_mail_instead() && !mailed {
        draft.effect(Effect::Mail { recipient: by_mail, notice: notice.clone() });
        return;
    }
    let over = *why == Undelivered::Over;
    let instead = told.recipient.email.clone().filter(|_| !mailed && !over);
    if instead.is_some() {
        draft.effect(Effect::Mail { recipient: by_mail, notice: notice.clone() });
    }
    let event = Event::NoticeRefused { recipient, name, why: why.clone(), instead };
    match over {
        true => draft.add(event),
        false => super::channel::hear(draft, event),
    }
    draft.effect(Effect::ShowCard);
}

/// People who were told of a merged incident also hear how this one ends, in the same place. If it is over already, at once. Those whom
/// no message has reached yet are told of this one.
pub(super) fn inherit(draft: &mut Draft<'_>, told: &[Notification]) {
    for one in told.iter().filter(|one| !one.muted && !one.is_unreached()) {
        let incident = draft.incident();
        if incident.is_apart() || draft.case.notified.values().any(|told| told.recipient.is_same(&one.recipient)) {
            continue;
        }
        let is_open = incident.status.is_open();
        let recipient = one.recipient.clone();
        // Perhaps they know nothing yet.
        let in_slack = one.message.is_some();
        if one.reached == Reached::Pending || (one.reached == Reached::NotRecorded && !in_slack) {
            if is_open {
                draft.add(Event::Notified { recipient: recipient.clone(), whom: one.whom });
                send(draft, &recipient, Notice::First { whom: one.whom, text: None });
            }
            continue;
        }
        draft.add(Event::Notified { recipient: recipient.clone(), whom: one.whom });
        let (key, name) = (recipient.key.clone(), recipient.name.clone());
        match (&one.message, &recipient.email) {
            (Some(message), _) => draft.add(Event::NoticePosted { recipient: key, message: message.clone() }),
            (None, Some(address)) => {
                draft.add(Event::NoticeMailed { recipient: key, name, address: address.clone() });
            }
            (None, None) => {}
        }
        if !is_open {
            send(draft, &recipient, Notice::AllClear { text: None, green: false, by: None });
        }
    }
}

/// Tells this to everybody who was told before, or is being told.
pub(super) fn everybody(draft: &mut Draft<'_>, notice: &Notice) {
    let listening = draft.case.notified.values().filter(|told| !told.muted && !told.is_unreached());
    let told: Vec<_> = listening.map(|told| told.recipient.clone()).collect();
    for recipient in told {
        send(draft, &recipient, notice.clone());
    }
}

/// Tells everybody what is known now of the data of an incident that is over.
pub(super) fn known_now(draft: &mut Draft<'_>, green: bool) {
    everybody(draft, &Notice::AllClear { text: None, green, by: None });
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
            "Nobody outside hears of it.".to_owned()
        } else {
            format!("These do: {names}.", names = names.join(", "))
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
