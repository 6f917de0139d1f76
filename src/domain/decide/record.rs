//! Writing down: notes, pins, times, the fix, tasks, and the wish for a draft.

use super::status::moment;
use super::{Draft, MAX_TEXT, words};
use crate::domain::incident::MessageRef;
use crate::domain::{Effect, Event, PersonId, Refusal, Time};

pub(super) fn note(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    let text = words("A note", "For example `/incident note the 05:00 run never started`.", MAX_TEXT, text)?;
    draft.add_and_say(Event::Noted { text });
    Ok(())
}

/// Whether a message is pinned already is a record of its own, guarded by the commit.
pub(super) fn pin(draft: &mut Draft<'_>, message: &MessageRef, author: &PersonId, text: &str) {
    let text = text.chars().take(MAX_TEXT).collect();
    draft.add(Event::MessagePinned { message: message.clone(), author: author.clone(), text });
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
    draft.add_and_say(Event::GoodAgain { at });
    draft.show();
    Ok(())
}

pub(super) fn fix(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    let text =
        words("A fix", "For example `/incident fix restarted the loader and reloaded 22 November`.", MAX_TEXT, text)?;
    draft.add_and_say(Event::FixRecorded { text });
    draft.show();
    Ok(())
}

pub(super) fn add_task(
    draft: &mut Draft<'_>,
    text: &str,
    assignee: Option<&PersonId>,
    due: Option<Time>,
) -> Result<(), Refusal> {
    let text = words("A task", "For example `/incident task add a freshness check @ana friday`.", MAX_TEXT, text)?;
    let task = draft.incident().tasks + 1;
    draft.add_and_say(Event::TaskAdded { task, text, assignee: assignee.cloned(), due });
    if let Some(person) = assignee {
        draft.effect(Effect::Invite { people: vec![person.clone()] });
    }
    draft.effect(Effect::ShowCard);
    Ok(())
}

pub(super) fn finish_task(draft: &mut Draft<'_>, task: u32) -> Result<(), Refusal> {
    let Some(known) = draft.case().tasks.get(&task) else {
        return Err(Refusal::NoSuchTask { incident: draft.incident().name(), task });
    };
    if known.done_at.is_some() {
        return Err(Refusal::TaskDone { task });
    }
    let text = known.text.clone();
    draft.add_and_say(Event::TaskDone { task, text });
    draft.effect(Effect::ShowCard);
    Ok(())
}

pub(super) fn draft_postmortem(draft: &mut Draft<'_>) {
    draft.add(Event::PostmortemRequested);
    draft.effect(Effect::PostPostmortem);
}
