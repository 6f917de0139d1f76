//! Which entries are lines of the timeline, in which order, and with which corrections. The words of a line are a template
//! (`message-templates/timeline_lines.hbs`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Time;
use super::captured::said_at;
use super::event::{Entry, Event};
use super::incident::MessageRef;

/// Whether people see an event. The others are only Muster's book-keeping.
pub fn is_line(event: &Event) -> bool {
    !matches!(
        event,
        Event::AssetNamed { .. }
            | Event::Notified { .. }
            | Event::NoticePosted { .. }
            | Event::NoticeMailed { .. }
            | Event::PictureShown { .. }
            | Event::MessageUnpinned { .. }
            | Event::PinEdited { .. }
            | Event::ReminderSet { .. }
            | Event::Posted { .. }
            | Event::PostmortemRequested
            | Event::PostmortemDrafted { .. }
            | Event::Unknown
    )
}

/// Whether a person wrote the words of an event, so that they can be corrected.
pub fn is_in_own_words(event: &Event) -> bool {
    with_words(event, "").is_some()
}

/// The same event with other words. `None` if the words are Muster's.
fn with_words(event: &Event, words: &str) -> Option<Event> {
    let mut changed = event.clone();
    match &mut changed {
        Event::Noted { text }
        | Event::Tried { text, .. }
        | Event::MessagePinned { text, .. }
        | Event::UpdatePosted { text, .. }
        | Event::FixRecorded { text }
        | Event::Why { text, .. }
        | Event::CauseNamed { cause: super::rca::Cause { text, .. } }
        | Event::Learnt { text, .. }
        | Event::Looked { finding: text, .. } => words.clone_into(text),
        _ => return None,
    }
    Some(changed)
}

/// An entry with its latest words.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub entry: Entry,
    /// When it happened. For a pinned message, when it was written.
    pub at: Time,
    pub corrected: bool,
    /// It is a pinned message, and its author deleted it in Slack.
    pub deleted: bool,
}

impl Line {
    /// The message with these words.
    pub fn message(&self) -> Option<&MessageRef> {
        match &self.entry.event {
            Event::MessagePinned { message, .. } => Some(message),
            _ => None,
        }
    }
}

/// The entries with their corrections applied, without unpinned messages.
pub fn corrected(entries: &[Entry]) -> Vec<Line> {
    let mut corrected: BTreeMap<u64, (Option<&str>, Option<Time>)> = BTreeMap::new();
    let mut pins: HashMap<&MessageRef, u64> = HashMap::new();
    let (mut gone, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        match &entry.event {
            Event::MessagePinned { message, .. } => {
                pins.insert(message, entry.seq);
            }
            Event::MessageUnpinned { message } => gone.extend(pins.remove(message)),
            Event::PinEdited { message, text } => {
                if let Some(pin) = pins.get(message) {
                    if text.is_none() {
                        deleted.insert(*pin);
                    } else {
                        deleted.remove(pin);
                    }
                    corrected.entry(*pin).or_default().0 = Some(text.as_deref().unwrap_or_default());
                }
            }
            Event::Amended { line, text, at } => {
                let now = corrected.entry(*line).or_default();
                now.0 = text.as_deref().or(now.0);
                now.1 = at.or(now.1);
            }
            _ => {}
        }
    }
    entries
        .iter()
        // The correction is shown in the line that it corrects.
        .filter(|entry| !gone.contains(&entry.seq) && !matches!(entry.event, Event::Amended { .. }))
        .map(|entry| {
            let (words, at) = corrected.get(&entry.seq).copied().unwrap_or_default();
            let event = words.and_then(|words| with_words(&entry.event, words));
            let event = event.unwrap_or_else(|| entry.event.clone());
            let entry = Entry { event, actor: entry.actor.clone(), ..*entry };
            let (corrected, deleted) = (words.is_some() || at.is_some(), deleted.contains(&entry.seq));
            let mut line = Line { at: entry.at, entry, corrected, deleted };
            // A pinned message belongs at the time when it was written, not when it was pinned.
            line.at = at.or_else(|| line.message().and_then(said_at)).unwrap_or(line.at);
            line
        })
        .collect()
}

/// The timeline as people read it, in order of time. Pinned messages are where they were written, and corrections are applied.
pub fn lines(entries: &[Entry]) -> Vec<Line> {
    let mut lines = corrected(entries);
    lines.retain(|line| is_line(&line.entry.event));
    lines.sort_by_key(|line| (line.at, line.entry.seq));
    lines
}
