//! The checklist: attaching a runbook, doing its steps and skipping them.

use super::draft::Draft;
use super::words::{optional, words};
use crate::domain::incident::StepState;
use crate::domain::reason::RunbookReason;
use crate::domain::runbook::Runbook;
use crate::domain::times::stamp;
use crate::domain::{Effect, Event, Refusal};

/// Attaches the runbook that fits best, if one fits and none is attached.
pub(super) fn attach_best(draft: &mut Draft<'_>) {
    let incident = draft.incident();
    if incident.checklist.is_none()
        && let Some((book, because)) = draft.context.library.best(incident)
    {
        add(draft, book, &because);
    }
}

pub(super) fn attach(draft: &mut Draft<'_>, book: &Runbook, because: &RunbookReason) -> Result<(), Refusal> {
    let incident = draft.incident();
    if let Some(checklist) = &incident.checklist
        && checklist.runbook == book.head.id
    {
        return Err(Refusal::RunbookAttached { incident: incident.name(), title: checklist.title.clone() });
    }
    add(draft, book, because);
    draft.effect(Effect::ShowCard);
    Ok(())
}

pub(super) fn add(draft: &mut Draft<'_>, book: &Runbook, because: &RunbookReason) {
    draft.add(Event::RunbookAttached {
        runbook: book.head.id.clone(),
        title: book.head.title.clone(),
        steps: book.steps.clone(),
        because: because.clone(),
    });
    draft.effect(Effect::ShowChecklist);
    for link in &book.head.links {
        draft.effect(Effect::Bookmark { title: link.title.clone(), url: link.url.clone() });
    }
}

pub(super) fn done(draft: &mut Draft<'_>, step: usize, note: Option<&str>) -> Result<(), Refusal> {
    let note = optional("The note", note)?;
    let text = open_step(draft, step)?;
    draft.add(Event::StepDone { step, text, note });
    show(draft);
    Ok(())
}

pub(super) fn skip(draft: &mut Draft<'_>, step: usize, reason: &str) -> Result<(), Refusal> {
    let reason = words("A reason", "For example `/incident runbook skip 3 there is no staging copy`.", reason)?;
    let text = open_step(draft, step)?;
    draft.add(Event::StepSkipped { step, text, reason });
    show(draft);
    Ok(())
}

fn show(draft: &mut Draft<'_>) {
    draft.effect(Effect::ShowChecklist);
    draft.effect(Effect::ShowCard);
}

fn open_step(draft: &Draft<'_>, step: usize) -> Result<String, Refusal> {
    let incident = draft.incident();
    let Some(checklist) = &incident.checklist else {
        return Err(Refusal::NoRunbook { incident: incident.name() });
    };
    let Some(found) = step.checked_sub(1).and_then(|index| checklist.steps.get(index)) else {
        return Err(Refusal::NoSuchStep { step, steps: checklist.steps.len() });
    };
    let (what, by, at) = match &found.state {
        StepState::Open => return Ok(found.text.clone()),
        StepState::Done { by, at, .. } => ("done", by, at),
        StepState::Skipped { by, at, .. } => ("skipped", by, at),
    };
    Err(Refusal::StepSettled { step, what, by: draft.context.people.name(by), at: stamp(*at) })
}
