//! The timeline as people read it: one plain sentence an event, the same in the channel's answers and the post-mortem.

use crate::tr;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::event::{Actor, Entry, Event};
use super::incident::{Ending, MessageRef};
use super::{PersonId, Time};

/// Of alerts that came together, so many are named.
const JOINED_NAMED: usize = 5;

/// `2026-11-23 06:18 UTC`.
pub fn stamp(at: Time) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `06:18`.
pub fn clock(at: Time) -> String {
    at.format("%H:%M").to_string()
}

/// `4 h 41 min`, `12 min`, `2 d 3 h`; under a minute is `0 min`, and what would be negative too.
pub fn duration(from: Time, to: Time) -> String {
    let minutes = (to - from).num_minutes().max(0);
    match (minutes / 1440, minutes % 1440 / 60, minutes % 60) {
        (0, 0, min) => tr!("{min} min", min = min),
        (0, h, min) => tr!("{value} h {min} min", value = h, min = min),
        (d, h, _) => tr!("{d} d {h} h", d = d, h = h),
    }
}

/// Who did it, for a sentence; people by the name that `name` gives.
pub fn actor(actor: &Actor, name: &dyn Fn(&PersonId) -> String) -> String {
    match actor {
        Actor::Person { id } => name(id),
        Actor::Monitor { source } => source.clone(),
        Actor::PagerDuty { name } => pager_name(name),
        Actor::Muster => "Muster".to_owned(),
    }
}

/// Somebody in PagerDuty, or PagerDuty itself.
pub fn pager_name(name: &str) -> String {
    if name == "PagerDuty" { name.to_owned() } else { tr!("{name} (PagerDuty)", name = name) }
}

/// What happened, or `None` for what only Muster's own book-keeping needs.
pub fn sentence(entry: &Entry, name: &dyn Fn(&PersonId) -> String) -> Option<String> {
    let who = actor(&entry.actor, name);
    Some(match &entry.event {
        Event::Opened { title, severity, source: Some(source), .. } => {
            tr!(
                "{source} opened the incident: {title} ({severity})",
                source = source,
                title = title,
                severity = severity
            )
        }
        Event::Opened { title, severity, source: None, .. } => {
            tr!("{who} declared the incident: {title} ({severity})", who = who, title = title, severity = severity)
        }
        Event::AlertsJoined { joined } => match joined.as_slice() {
            [one] => tr!(
                "Alert from {source}: {title} ({because})",
                source = one.source,
                title = one.title,
                because = one.because
            ),
            several => {
                let said = several.iter().take(JOINED_NAMED).map(|one| format!("{} ({})", one.title, one.because));
                let more = several.len().saturating_sub(JOINED_NAMED);
                let more = if more > 0 { tr!("; and {more} more", more = more) } else { String::new() };
                tr!(
                    "{count} alerts: {alerts}{more}",
                    count = several.len(),
                    alerts = said.collect::<Vec<_>>().join("; "),
                    more = more
                )
            }
        },
        Event::AlertJoined { signal, because, .. } => {
            tr!(
                "Alert from {source}: {title} ({because})",
                source = signal.source,
                title = signal.title,
                because = because
            )
        }
        Event::Merged { name, .. } => tr!("{who} merged this into {name}", who = who, name = name),
        Event::Judged { verdict } => {
            tr!("{who} called the alerts {verdict}", who = who, verdict = crate::words::label(verdict.as_str()))
        }
        Event::AlertMoved { title, to, .. } => {
            tr!("{who} moved the alert “{title}” to {to}", who = who, title = title, to = to)
        }
        Event::AlertFiredAgain { title, .. } => tr!("Alert fires again: {title}", title = title),
        Event::AlertWorsened { title, level, .. } => {
            tr!("Alert is worse: {title} ({level})", title = title, level = crate::words::label(level.as_str()))
        }
        Event::AlertResolved { title, .. } => tr!("Alert is over: {title}", title = title),
        Event::AllGreen => tr!("All alerts are green"),
        Event::Acknowledged => tr!("{who} acknowledged", who = who),
        Event::RoleGranted { role, person, from, .. } => {
            let person_name = name(person);
            let from = from.as_ref().map(|from| tr!(" from {name}", name = name(from))).unwrap_or_default();
            if entry.actor.person() == Some(person) || entry.actor == Actor::Muster {
                tr!("{person_name} took the role of {role}{from}", person_name = person_name, role = role, from = from)
            } else {
                tr!(
                    "{who} made {person_name} {role}{from}",
                    who = who,
                    person_name = person_name,
                    role = role,
                    from = from
                )
            }
        }
        Event::HandoverRequested { by, holder, .. } => {
            tr!("{by} asked {holder} for the command", by = name(by), holder = name(holder))
        }
        Event::HandoverDeclined { by } => {
            tr!("{who} kept the command that {by} asked for", who = who, by = name(by))
        }
        Event::DutyNamed { duty } => {
            let named = duty.iter().map(|duty| {
                let people: Vec<_> = duty.people.iter().map(name).collect();
                tr!("{people} ({role}, by {from})", people = people.join(", "), role = duty.role, from = duty.from)
            });
            tr!("On duty: {named}", named = named.collect::<Vec<_>>().join("; "))
        }
        Event::RoleLeft { role, person } if entry.actor.person().is_some_and(|by| by != person) => {
            tr!("{who} took {person} out of the role of {role}", who = who, person = name(person), role = role)
        }
        Event::RoleLeft { role, person } => {
            tr!("{person} gave back the role of {role}", person = name(person), role = role)
        }
        Event::UpdateDue { since } => tr!("Nobody was told anything since {since}", since = clock(*since)),
        Event::Tried { text, ruled_out: false } => tr!("{who} tried: {text}", who = who, text = text),
        Event::Tried { text, ruled_out: true } => tr!("{who} ruled out: {text}", who = who, text = text),
        Event::Amended { line, text, at, .. } => {
            let text = text.as_ref().map(|text| tr!(" to “{text}”", text = text)).unwrap_or_default();
            let at = at.map(|at| tr!(", at {at}", at = stamp(at))).unwrap_or_default();
            tr!("{who} corrected line {line}{text}{at}", who = who, line = line, text = text, at = at)
        }
        Event::TaskAssigned { task, assignee, .. } => {
            tr!("{who} gave task {task} to {assignee}", who = who, task = task, assignee = name(assignee))
        }
        Event::TaskDue { task, text, .. } => tr!("Task {task} is due: {text}", task = task, text = text),
        Event::CommanderMissing { minutes, .. } => tr!("No commander after {minutes} min", minutes = minutes),
        Event::StillPending { minutes } => tr!("Nobody acknowledged after {minutes} min", minutes = minutes),
        Event::SeverityChanged { from, to } => {
            tr!("{who} changed the severity from {from} to {to}", who = who, from = from, to = to)
        }
        Event::UpdatePosted { text, .. } => tr!("{who} posted an update: {text}", who = who, text = text),
        Event::UpdateOverdue { promised } => {
            tr!("The update promised for {promised} did not come", promised = clock(*promised))
        }
        Event::Noted { text } => tr!("{who} noted: {text}", who = who, text = text),
        Event::MessagePinned { author, text, .. } => tr!("{who} said: {text}", who = name(author), text = text),
        Event::RunbookAttached { title, because, .. } => {
            tr!("Runbook “{title}” brought ({because})", title = title, because = because)
        }
        Event::StepDone { step, text, note } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            tr!(
                "{who} did step {step} ({unmarked}){note}",
                who = who,
                step = step,
                unmarked = unmarked(text),
                note = note
            )
        }
        Event::StepSkipped { step, text, reason } => {
            tr!(
                "{who} skipped step {step} ({unmarked}): {reason}",
                who = who,
                step = step,
                unmarked = unmarked(text),
                reason = reason
            )
        }
        Event::BadSince { at } => {
            tr!("{who} recorded that the data is bad since {at}", who = who, at = stamp(*at))
        }
        Event::GoodAgain { at } => {
            tr!("{who} recorded that the data is good again since {at}", who = who, at = stamp(*at))
        }
        Event::FixRecorded { text } => tr!("{who} recorded the fix: {text}", who = who, text = text),
        Event::TaskAdded { task, text, assignee, .. } => {
            let assignee = assignee.as_ref().map(|person| tr!(" for {name}", name = name(person))).unwrap_or_default();
            tr!("{who} added task {task}{assignee}: {text}", who = who, task = task, assignee = assignee, text = text)
        }
        Event::TaskDone { task, text } => {
            tr!("{who} finished task {task}: {text}", who = who, task = task, text = text)
        }
        Event::PageRequested { target, .. } => tr!("Page for {target} decided on", target = target),
        Event::PageHandedOver { target, .. } => tr!("Page for {target} handed to PagerDuty", target = target),
        Event::PageFailed { target, why, .. } => {
            tr!("Page for {target} refused by PagerDuty: {why}", target = target, why = why)
        }
        Event::Paged { target, .. } => tr!("PagerDuty paged for {target}", target = target),
        Event::PageAcknowledged { .. } => tr!("{who} acknowledged the page", who = who),
        Event::PageResolved { .. } => tr!("{who} closed the page", who = who),
        Event::Mitigated { text } => tr!("{who} mitigated{text}", who = who, text = said(text.as_deref())),
        Event::Resolved { text, ending: Ending::Fixed, .. } => {
            tr!("{who} resolved{text}", who = who, text = said(text.as_deref()))
        }
        Event::Resolved { text, ending, .. } => {
            tr!("{who} resolved ({ending}){said}", who = who, ending = ending.as_str(), said = said(text.as_deref()))
        }
        Event::Reopened { reason } => tr!("{who} reopened: {reason}", who = who, reason = reason),
        Event::ChannelOpened { channel } => tr!("Channel #{name} opened", name = channel.name),
        Event::MovedTo { name } => tr!("It goes on in #{name}", name = name),
        Event::ChannelLost { name, why } => tr!("The channel #{name} was lost: {why}", name = name, why = why),
        Event::ChannelArchived { name } => tr!("The channel #{name} was archived", name = name),
        Event::PostmortemReviewed => tr!("{who} marked the post-mortem reviewed", who = who),
        Event::DrillScored { points } => {
            let done = points.iter().filter(|point| point.done).count();
            tr!("The drill is over: {done} of {total}", done = done, total = points.len())
        }
        Event::OpeningPending { missing } => tr!("Still to come: {missing}", missing = missing.join(", ")),
        Event::DeliveryFailed { what, why } => {
            tr!("Could not deliver {what}: {why}", what = crate::words::label(what), why = why)
        }
        Event::RootNamed { candidates } => match candidates.first() {
            Some(first) => tr!("Likeliest root: {asset} ({reason})", asset = first.asset, reason = first.reason),
            None => tr!("No root is likely any more"),
        },
        Event::RadiusMeasured { radius } => tr!("Blast radius: {words}", words = radius.words),
        Event::Why { number, answers, text } => {
            let of = answers.map(|of| tr!(" (of {of})", of = of)).unwrap_or_default();
            tr!("{who} answered why {number}{of}: {text}", who = who, number = number, of = of, text = text)
        }
        Event::CauseNamed { cause } => {
            tr!("{who} named the cause ({kind}): {text}", who = who, kind = cause.kind.as_str(), text = cause.text)
        }
        Event::Learnt { what, text } => {
            let what = crate::words::label(what.meaning());
            tr!("{what}, by {who}: {text}", what = what, who = who, text = text)
        }
        Event::Looked { look, finding } => {
            tr!(
                "{who} looked at the {look}: {finding}",
                who = who,
                look = crate::words::label(look.as_str()),
                finding = finding
            )
        }
        Event::NoticesSent { whom, names, text } => {
            let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            tr!(
                "{who} told {names} ({whom}){text}",
                who = who,
                names = names.join(", "),
                whom = crate::words::label(whom.as_str()),
                text = text
            )
        }
        Event::NoticeMuted { name, muted: true, .. } => tr!("{name} hears no more of it", name = name),
        Event::NoticeMuted { name, muted: false, .. } => tr!("{name} hears of it again", name = name),
        Event::AssetNamed { .. }
        | Event::Notified { .. }
        | Event::NoticePosted { .. }
        | Event::PictureShown { .. }
        | Event::MessageUnpinned { .. }
        | Event::PinEdited { .. }
        | Event::ReminderSet { .. }
        | Event::Posted { .. }
        | Event::PostmortemRequested
        | Event::PostmortemDrafted { .. }
        | Event::Unknown => return None,
    })
}

/// Whether the words of an event are somebody's own, which may be corrected.
pub fn is_in_own_words(event: &Event) -> bool {
    with_words(event, "").is_some()
}

/// The same event in other words; `None` where the words are Muster's.
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

/// One line of the timeline, as it reads after all that was corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of its entry.
    pub number: u64,
    /// When it happened.
    pub at: Time,
    /// What.
    pub text: String,
    /// The message it was said in.
    pub message: Option<MessageRef>,
}

/// An entry in the words that hold.
pub struct Corrected {
    /// The entry.
    pub entry: Entry,
    /// When it happened, if that was corrected.
    pub at: Option<Time>,
    /// Whether anything was corrected.
    pub marked: bool,
}

/// The entries with what was corrected in its place, and without what was taken off.
pub fn corrected(entries: &[Entry]) -> Vec<Corrected> {
    let mut corrected: BTreeMap<u64, (Option<String>, Option<Time>)> = BTreeMap::new();
    let mut pins: HashMap<&MessageRef, u64> = HashMap::new();
    let mut gone = BTreeSet::new();
    for entry in entries {
        match &entry.event {
            Event::MessagePinned { message, .. } => {
                pins.insert(message, entry.seq);
            }
            Event::MessageUnpinned { message } => gone.extend(pins.remove(message)),
            Event::PinEdited { message, text } => {
                if let Some(pin) = pins.get(message) {
                    let text = text.clone().unwrap_or_else(|| tr!("(deleted in Slack)"));
                    corrected.entry(*pin).or_default().0 = Some(text);
                }
            }
            Event::Amended { line, text, at, .. } => {
                let now = corrected.entry(*line).or_default();
                now.0 = text.clone().or(now.0.take());
                now.1 = at.or(now.1);
            }
            _ => {}
        }
    }
    entries
        .iter()
        // The correction stands in the line itself.
        .filter(|entry| !gone.contains(&entry.seq) && !matches!(entry.event, Event::Amended { .. }))
        .map(|entry| {
            let (words, at) = corrected.get(&entry.seq).cloned().unwrap_or_default();
            let marked = words.is_some() || at.is_some();
            let event = words.and_then(|words| with_words(&entry.event, &words));
            let event = event.unwrap_or_else(|| entry.event.clone());
            Corrected { entry: Entry { event, ..entry.clone() }, at, marked }
        })
        .collect()
}

/// The timeline as people read it: pinned messages where they were said, corrections in their place and marked. In the order of time.
pub fn lines(entries: &[Entry], name: &dyn Fn(&PersonId) -> String) -> Vec<Line> {
    let mut lines: Vec<Line> = corrected(entries)
        .into_iter()
        .filter_map(|Corrected { entry, at, marked }| {
            let message = match &entry.event {
                Event::MessagePinned { message, .. } => Some(message.clone()),
                _ => None,
            };
            // A pinned message belongs where it was said, not where it was pinned.
            let said = message.as_ref().and_then(super::postmortem::said_at);
            let text = sentence(&entry, name)?;
            Some(Line {
                number: entry.seq,
                at: at.or(said).unwrap_or(entry.at),
                text: if marked { tr!("{text} (corrected)", text = text) } else { text },
                message,
            })
        })
        .collect();
    lines.sort_by_key(|line| (line.at, line.number));
    lines
}

/// A runbook's step is Markdown; in a sentence its marks are in the way.
fn unmarked(step: &str) -> String {
    step.replace(['`', '*'], "")
}

fn said(text: Option<&str>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let at = |h, m| chrono::Utc.with_ymd_and_hms(2026, 11, 23, h, m, 0).single().expect("a time");
        assert_eq!(duration(at(1, 37), at(6, 18)), "4 h 41 min");
        assert_eq!(duration(at(6, 0), at(6, 12)), "12 min");
        assert_eq!(duration(at(6, 12), at(6, 0)), "0 min");
        assert_eq!(duration(at(0, 0), at(3, 5) + chrono::Duration::days(2)), "2 d 3 h");
    }
}
