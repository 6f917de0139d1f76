//! Root cause and learning: the 5 Whys, the cause, and the lessons of a look back.

use super::draft::Draft;
use super::words::words;
use crate::domain::rca::{Cause, CauseKind, Learnt};
use crate::domain::{Event, Refusal};

/// The most whys of an incident. Five are usual, and each may branch.
const MAX_WHYS: u32 = 50;

/// Answers a why: the named one, or the last one. The first answer of all says why the incident happened.
pub(super) fn why(draft: &mut Draft<'_>, answers: Option<u32>, text: &str) -> Result<(), Refusal> {
    let example = "For example `/incident why the loader had no retry`, or `/incident why 1 the disk was full`.";
    let text = words("A why", example, text)?;
    let whys = draft.incident().whys;
    if let Some(of) = answers.filter(|of| *of == 0 || *of > whys) {
        return Err(Refusal::NoSuchWhy { why: of, whys });
    }
    if whys == MAX_WHYS {
        return Err(Refusal::TooManyWhys { max: MAX_WHYS });
    }
    let answers = answers.or((whys > 0).then_some(whys));
    draft.add_and_say(Event::Why { number: whys + 1, answers, text });
    Ok(())
}

/// Names the cause. If it is named several times, the last one counts, and the others stay on the timeline.
pub(super) fn cause(draft: &mut Draft<'_>, kind: CauseKind, text: &str) -> Result<(), Refusal> {
    let example = "For example `/incident cause operations the loader's disk was full and nothing watched it`.";
    let text = words("A cause", example, text)?;
    draft.add_and_say(Event::CauseNamed { cause: Cause { kind, text } });
    draft.show();
    Ok(())
}

pub(super) fn learnt(draft: &mut Draft<'_>, what: Learnt, text: &str) -> Result<(), Refusal> {
    let text = words("What was learnt", "For example `/incident retro hard nobody knew the loader`.", text)?;
    draft.add_and_say(Event::Learnt { what, text });
    Ok(())
}
