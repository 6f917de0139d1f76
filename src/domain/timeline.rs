//! The timeline as people read it: one plain sentence an event, the same in the channel's answers and the post-mortem.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::event::{Actor, Entry, Event, Opened};
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
        (0, 0, min) => format!("{min} min"),
        (0, h, min) => format!("{h} h {min} min"),
        (d, h, _) => format!("{d} d {h} h"),
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
    if name == "PagerDuty" { name.to_owned() } else { format!("{name} (PagerDuty)") }
}

/// What happened, or `None` for what only Muster's own book-keeping needs.
pub fn sentence(entry: &Entry, name: &dyn Fn(&PersonId) -> String) -> Option<String> {
    let who = actor(&entry.actor, name);
    Some(match &entry.event {
        Event::Opened(Opened { title, severity, source: Some(source), .. }) => {
            format!("{source} opened the incident: {title} ({severity})")
        }
        Event::Opened(Opened { title, severity, source: None, .. }) => {
            format!("{who} declared the incident: {title} ({severity})")
        }
        Event::AlertsJoined { joined } => match joined.as_slice() {
            [one] => format!(
                "Alert from {source}: {title} ({because})",
                source = one.source,
                title = one.title,
                because = one.because.words(name)
            ),
            several => {
                let said =
                    several.iter().take(JOINED_NAMED).map(|one| format!("{} ({})", one.title, one.because.words(name)));
                let more = several.len().saturating_sub(JOINED_NAMED);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                format!(
                    "{count} alerts: {alerts}{more}",
                    count = several.len(),
                    alerts = said.collect::<Vec<_>>().join("; ")
                )
            }
        },
        Event::AlertJoined { signal, because, .. } => {
            format!(
                "Alert from {source}: {title} ({because})",
                source = signal.source,
                title = signal.title,
                because = because.words(name)
            )
        }
        Event::Merged { name, .. } => format!("{who} merged this into {name}"),
        Event::Judged { verdict } => {
            format!("{who} called the alerts {verdict}", verdict = verdict.as_str())
        }
        Event::AlertMoved { title, to, .. } => {
            format!("{who} moved the alert “{title}” to {to}")
        }
        Event::AlertFiredAgain { title, .. } => format!("Alert fires again: {title}"),
        Event::AlertWorsened { title, level, .. } => {
            format!("Alert is worse: {title} ({level})", level = level.as_str())
        }
        Event::AlertResolved { title, .. } => format!("Alert is over: {title}"),
        Event::AllGreen => "All alerts are green".to_owned(),
        Event::Acknowledged => format!("{who} acknowledged"),
        Event::RoleGranted { role, person, from, .. } => {
            let person_name = name(person);
            let from = from.as_ref().map(|from| format!(" from {name}", name = name(from))).unwrap_or_default();
            if entry.actor.person() == Some(person) || entry.actor == Actor::Muster {
                format!("{person_name} took the role of {role}{from}")
            } else {
                format!("{who} made {person_name} {role}{from}")
            }
        }
        Event::HandoverRequested { by, holder, .. } => {
            format!("{by} asked {holder} for the command", by = name(by), holder = name(holder))
        }
        Event::HandoverDeclined { by } => {
            format!("{who} kept the command that {by} asked for", by = name(by))
        }
        Event::DutyNamed { duty } => {
            let named = duty.iter().map(|duty| {
                let people: Vec<_> = duty.people.iter().map(name).collect();
                format!("{people} ({role}, by {from})", people = people.join(", "), role = duty.role, from = duty.from)
            });
            format!("On duty: {named}", named = named.collect::<Vec<_>>().join("; "))
        }
        Event::RoleLeft { role, person } if entry.actor.person().is_some_and(|by| by != person) => {
            format!("{who} took {person} out of the role of {role}", person = name(person))
        }
        Event::RoleLeft { role, person } => {
            format!("{person} gave back the role of {role}", person = name(person))
        }
        Event::UpdateDue { since } => format!("Nobody was told anything since {since}", since = clock(*since)),
        Event::Tried { text, ruled_out: false } => format!("{who} tried: {text}"),
        Event::Tried { text, ruled_out: true } => format!("{who} ruled out: {text}"),
        Event::Amended { line, text, at, .. } => {
            let text = text.as_ref().map(|text| format!(" to “{text}”")).unwrap_or_default();
            let at = at.map(|at| format!(", at {at}", at = stamp(at))).unwrap_or_default();
            format!("{who} corrected line {line}{text}{at}")
        }
        Event::TaskAssigned { task, assignee, .. } => {
            format!("{who} gave task {task} to {assignee}", assignee = name(assignee))
        }
        Event::TaskDue { task, text, .. } => format!("Task {task} is due: {text}"),
        Event::CommanderMissing { minutes, .. } => format!("No commander after {minutes} min"),
        Event::StillPending { minutes } => format!("Nobody acknowledged after {minutes} min"),
        Event::SeverityChanged { from, to } => {
            format!("{who} changed the severity from {from} to {to}")
        }
        Event::UpdatePosted { text, .. } => format!("{who} posted an update: {text}"),
        Event::UpdateOverdue { promised } => {
            format!("The update promised for {promised} did not come", promised = clock(*promised))
        }
        Event::Noted { text } => format!("{who} noted: {text}"),
        Event::MessagePinned { author, text, .. } => format!("{who} said: {text}", who = name(author)),
        Event::RunbookAttached { title, because, .. } => {
            format!("Runbook “{title}” brought ({because})", because = because.words(name))
        }
        Event::StepDone { step, text, note } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("{who} did step {step} ({unmarked}){note}", unmarked = unmarked(text))
        }
        Event::StepSkipped { step, text, reason } => {
            format!("{who} skipped step {step} ({unmarked}): {reason}", unmarked = unmarked(text))
        }
        Event::BadSince { at } => {
            format!("{who} recorded that the data is bad since {at}", at = stamp(*at))
        }
        Event::GoodAgain { at } => {
            format!("{who} recorded that the data is good again since {at}", at = stamp(*at))
        }
        Event::FixRecorded { text } => format!("{who} recorded the fix: {text}"),
        Event::TaskAdded { task, text, assignee, .. } => {
            let assignee =
                assignee.as_ref().map(|person| format!(" for {name}", name = name(person))).unwrap_or_default();
            format!("{who} added task {task}{assignee}: {text}")
        }
        Event::TaskDone { task, text } => {
            format!("{who} finished task {task}: {text}")
        }
        Event::PageRequested { target, .. } => format!("Page for {target} decided on"),
        Event::PageHandedOver { target, .. } => format!("Page for {target} handed to PagerDuty"),
        Event::PageFailed { target, why, .. } => {
            format!("Page for {target} refused by PagerDuty: {why}")
        }
        Event::Paged { target, .. } => format!("PagerDuty paged for {target}"),
        Event::PageAcknowledged { .. } => format!("{who} acknowledged the page"),
        Event::PageResolved { .. } => format!("{who} closed the page"),
        Event::Mitigated { text } => format!("{who} mitigated{text}", text = said(text.as_deref())),
        Event::Resolved { text, ending: Ending::Fixed, .. } => {
            format!("{who} resolved{text}", text = said(text.as_deref()))
        }
        Event::Resolved { text, ending, .. } => {
            format!("{who} resolved ({ending}){said}", ending = ending.as_str(), said = said(text.as_deref()))
        }
        Event::Reopened { reason } => format!("{who} reopened: {reason}"),
        Event::ChannelOpened { channel } => format!("Channel #{name} opened", name = channel.name),
        Event::MovedTo { name } => format!("It goes on in #{name}"),
        Event::ChannelLost { name, why } => format!("The channel #{name} was lost: {why}"),
        Event::ChannelArchived { name } => format!("The channel #{name} was archived"),
        Event::PostmortemReviewed => format!("{who} marked the post-mortem reviewed"),
        Event::DrillScored { points } => {
            let done = points.iter().filter(|point| point.done).count();
            format!("The drill is over: {done} of {total}", total = points.len())
        }
        Event::OpeningPending { missing } => format!("Still to come: {missing}", missing = missing.join(", ")),
        Event::DeliveryFailed { what, why } => {
            format!("Could not deliver {what}: {why}")
        }
        Event::RootNamed { candidates } => match candidates.first() {
            Some(first) => format!("Likeliest root: {asset} ({reason})", asset = first.asset, reason = first.reason),
            None => "No root is likely any more".to_owned(),
        },
        Event::RadiusMeasured { radius } => format!("Blast radius: {words}", words = radius.words),
        Event::Why { number, answers, text } => {
            let of = answers.map(|of| format!(" (of {of})")).unwrap_or_default();
            format!("{who} answered why {number}{of}: {text}")
        }
        Event::CauseNamed { cause } => {
            format!("{who} named the cause ({kind}): {text}", kind = cause.kind.as_str(), text = cause.text)
        }
        Event::Learnt { what, text } => {
            let what = what.meaning();
            format!("{what}, by {who}: {text}")
        }
        Event::Looked { look, finding } => {
            format!("{who} looked at the {look}: {finding}", look = look.as_str())
        }
        Event::NoticesSent { whom, names, text } => {
            let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("{who} told {names} ({whom}){text}", names = names.join(", "), whom = whom.as_str())
        }
        Event::NoticeMuted { name, muted: true, .. } => format!("{name} hears no more of it"),
        Event::NoticeMuted { name, muted: false, .. } => format!("{name} hears of it again"),
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
                    let text = text.clone().unwrap_or_else(|| "(deleted in Slack)".to_owned());
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
            let said = message.as_ref().and_then(super::incident::said_at);
            let text = sentence(&entry, name)?;
            Some(Line {
                number: entry.seq,
                at: at.or(said).unwrap_or(entry.at),
                text: if marked { format!("{text} (corrected)") } else { text },
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
