//! Writing down: notes, pins, times, the fix, tasks, and the request for a post-mortem draft.

use super::draft::Draft;
use super::words::{MAX_TEXT, moment, words};
use crate::domain::incident::MessageRef;
use crate::domain::{Command, Effect, Entry, Event, Refusal, Time, UserId, timeline};

pub(super) fn note(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    let text = words("A note", "For example `/incident note the 05:00 run never started`.", text)?;
    draft.add_and_say(Event::Noted { text });
    Ok(())
}

/// A separate record, checked by the commit, says whether a message is already pinned.
pub(super) fn pin(draft: &mut Draft<'_>, message: &MessageRef, author: &UserId, text: &str) {
    let text = text.chars().take(MAX_TEXT).collect();
    draft.add(Event::MessagePinned { message: message.clone(), author: author.clone(), text });
    draft.effect(Effect::Mark { message: message.clone(), on: true });
}

pub(super) fn unpin(draft: &mut Draft<'_>, message: &MessageRef) {
    draft.add(Event::MessageUnpinned { message: message.clone() });
    draft.effect(Effect::Mark { message: message.clone(), on: false });
}

/// An edit in Slack changes the timeline too, and the timeline shows that it was edited.
pub(super) fn edit_pin(draft: &mut Draft<'_>, message: &MessageRef, text: Option<&str>) {
    let text = text.map(|text| text.chars().take(MAX_TEXT).collect());
    draft.add(Event::PinEdited { message: message.clone(), text });
}

pub(super) fn tried(draft: &mut Draft<'_>, text: &str, ruled_out: bool) -> Result<(), Refusal> {
    let example =
        "For example `/incident tried restarting the loader: no change`, or `/incident ruled-out the network`.";
    let text = words("What was tried", example, text)?;
    draft.add_and_say(Event::Tried { text, ruled_out });
    Ok(())
}

/// Corrects a line: its words, if people wrote them, or its time. The old words stay in their own record.
pub(super) fn amend(draft: &mut Draft<'_>, line: &Entry, text: Option<&str>, at: Option<Time>) -> Result<(), Refusal> {
    let text = text.map(|text| words("A line", "", text)).transpose()?;
    if text.is_some() && !timeline::is_in_own_words(&line.event) {
        return Err(Refusal::NotEditable { line: line.seq });
    }
    if let Some(at) = at.filter(|at| *at > draft.now()) {
        return Err(Refusal::InTheFuture { at: moment(at) });
    }
    draft.add_and_say(Event::Amended { line: line.seq, text, at });
    if draft.incident().update_line == Some(line.seq) {
        draft.show();
    }
    Ok(())
}

pub(super) fn since(draft: &mut Draft<'_>, at: Time) -> Result<(), Refusal> {
    if at > draft.now() {
        return Err(Refusal::InTheFuture { at: moment(at) });
    }
    if let Some(good) = draft.incident().good_again
        && at > good
    {
        return Err(Refusal::BadAfterGood { bad: moment(at), good: moment(good) });
    }
    draft.add_and_say(Event::BadSince { at });
    draft.show();
    Ok(())
}

pub(super) fn good_again(draft: &mut Draft<'_>, at: Time) -> Result<(), Refusal> {
    if at > draft.now() {
        return Err(Refusal::InTheFuture { at: moment(at) });
    }
    if let Some(bad) = draft.incident().bad_from
        && at < bad
    {
        return Err(Refusal::GoodBeforeBad { good: moment(at), bad: moment(bad) });
    }
    let awaited = draft.incident().awaits_all_clear();
    draft.add_and_say(Event::GoodAgain { at });
    if awaited {
        super::notify::known_now(draft, false);
    }
    draft.show();
    Ok(())
}

pub(super) fn fix(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    let text = words("A fix", "For example `/incident fix restarted the loader and reloaded 22 November`.", text)?;
    draft.add_and_say(Event::FixRecorded { text });
    draft.show();
    Ok(())
}

pub(super) fn add_task(
    draft: &mut Draft<'_>,
    text: &str,
    assignee: Option<&UserId>,
    due: Option<Time>,
) -> Result<(), Refusal> {
    let text = words("A task", "For example `/incident task add a freshness check @ana friday`.", text)?;
    let task = draft.incident().tasks + 1;
    draft.add_and_say(Event::TaskAdded { task, text, assignee: assignee.cloned(), due });
    if let Some(at) = due {
        draft.effect(Effect::Remind { command: Box::new(Command::CheckTask { task }), at });
    }
    if let Some(person) = assignee {
        draft.invite([person.clone()]);
    }
    draft.effect(Effect::ShowCard);
    Ok(())
}

/// The words of a task that is not done yet.
fn open_task(draft: &Draft<'_>, task: u32) -> Result<String, Refusal> {
    match draft.case.tasks.get(&task) {
        None => Err(Refusal::NoSuchTask { incident: draft.incident().name(), task }),
        Some(known) if known.done_at.is_some() => Err(Refusal::TaskDone { task }),
        Some(known) => Ok(known.text.clone()),
    }
}

pub(super) fn assign_task(draft: &mut Draft<'_>, task: u32, assignee: &UserId) -> Result<(), Refusal> {
    let text = open_task(draft, task)?;
    draft.add_and_say(Event::TaskAssigned { task, text, assignee: assignee.clone() });
    draft.invite([assignee.clone()]);
    draft.effect(Effect::ShowCard);
    Ok(())
}

/// Reminds a person of a task that is due now.
pub(super) fn check_task(draft: &mut Draft<'_>, task: u32) {
    if let Some(known) = draft.case.tasks.get(&task).filter(|task| task.done_at.is_none()).cloned() {
        let event = Event::TaskDue { task, text: known.text, assignee: known.assignee.clone() };
        match (draft.incident().channel.is_some(), known.assignee) {
            // By then the channel is usually archived.
            (false, Some(person)) => {
                draft.add(event.clone());
                draft.effect(Effect::Direct { person, event: Box::new(event) });
            }
            _ => draft.add_and_say(event),
        }
    }
}

pub(super) fn finish_task(draft: &mut Draft<'_>, task: u32) -> Result<(), Refusal> {
    let text = open_task(draft, task)?;
    draft.add_and_say(Event::TaskDone { task, text });
    draft.effect(Effect::ShowCard);
    Ok(())
}

pub(super) fn draft_postmortem(draft: &mut Draft<'_>) {
    draft.add(Event::PostmortemRequested);
    draft.effect(Effect::PostPostmortem);
}

/// The post-mortem was reviewed with the people concerned. Some days later the channel is not needed any more.
pub(super) fn review(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let incident = draft.incident();
    if incident.status.is_open() {
        return Err(Refusal::NotOver { incident: incident.name() });
    }
    if incident.reviewed_at.is_some() {
        return Err(Refusal::ReviewedAlready { incident: incident.name() });
    }
    draft.add_and_say(Event::PostmortemReviewed);
    super::channel::archive_later(draft);
    draft.show();
    Ok(())
}
