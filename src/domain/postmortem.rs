//! The post-mortem draft as facts: which sentence stands under which heading. No sentence that the record does not
//! bear; how it is laid out is the template's business (`message-templates/postmortem.hbs`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::{Entry, Event};
use super::incident::{Incident, MessageRef, PageStatus, StepState};
use super::rca::Learnt;
use super::timeline::{self, clock, duration, stamp};
use super::{Alert, PersonId, Pillar, Role, Status, Task, Time};

/// A message of the channel, as it was last seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Captured {
    /// Where it stands.
    #[serde(flatten)]
    pub message: MessageRef,
    /// Who wrote it.
    pub author: PersonId,
    /// When.
    pub at: Time,
    /// What it says; empty once it was deleted.
    pub text: String,
    /// Whether its author took it back.
    pub deleted: bool,
    /// Which of its edits this is, by Slack's timestamp; empty as it was first said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub edited: String,
}

/// Everything the draft is made from.
pub struct Record<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its timeline, in order.
    pub entries: &'a [Entry],
    /// Its alerts.
    pub alerts: &'a [Alert],
    /// Its tasks.
    pub tasks: &'a [Task],
    /// What was said in its channel.
    pub messages: &'a [Captured],
    /// How a person is called.
    pub name: &'a dyn Fn(&PersonId) -> String,
    /// The web address of a message.
    pub link: &'a dyn Fn(&MessageRef) -> String,
    /// The affected part of the lineage, drawn as a Mermaid flowchart.
    pub lineage: Option<&'a str>,
}

/// One line of the draft's timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// `06:18`, or with the date where a new day begins.
    pub at: String,
    /// What happened.
    pub text: String,
    /// The message it was said in.
    pub link: Option<String>,
}

/// The draft. An empty list is printed as "not recorded".
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is the section of its heading")]
pub struct Postmortem {
    pub name: String,
    pub title: String,
    pub summary: Vec<String>,
    pub impact: Vec<String>,
    pub lineage: Option<String>,
    pub detection: Vec<String>,
    pub timeline: Vec<Line>,
    pub people: Vec<String>,
    pub response: Vec<String>,
    pub causes: Vec<String>,
    pub resolution: Vec<String>,
    pub well: Vec<String>,
    pub hard: Vec<String>,
    pub lucky: Vec<String>,
    pub actions: Vec<String>,
    pub sla: Vec<String>,
    pub questions: Vec<String>,
    pub sources: Vec<Line>,
}

/// Draws the draft up.
pub fn draft(record: &Record<'_>) -> Postmortem {
    let incident = record.incident;
    Postmortem {
        name: incident.name(),
        title: incident.title.clone(),
        summary: summary(record),
        impact: impact(record),
        lineage: record.lineage.map(str::to_owned),
        detection: detection(record),
        timeline: timeline(record),
        people: people(record),
        response: response(record),
        causes: causes(record),
        resolution: resolution(record),
        well: learnt(record, Learnt::Well),
        hard: learnt(record, Learnt::Hard),
        lucky: learnt(record, Learnt::Lucky),
        actions: actions(record),
        sla: Vec::new(),
        questions: questions(record),
        sources: sources(record),
    }
}

/// People by their role, outside People and Timeline.
fn by_role(incident: &Incident, person: &str) -> String {
    in_role(incident, person).unwrap_or_else(|| "a colleague".to_owned())
}

fn in_role(incident: &Incident, person: &str) -> Option<String> {
    let role = Role::ALL.into_iter().find(|role| incident.has_role(*role, person));
    role.map(|role| format!("the {role}"))
}

fn summary(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let mut lines = vec![format!("{}: {}.", incident.name(), incident.title)];
    let ended = match (incident.status, incident.resolved_at) {
        (Status::Resolved, Some(at)) => {
            format!("resolved {at} after {duration}", at = stamp(at), duration = duration(incident.opened_at, at))
        }
        (status, _) => format!("{status} when this draft was written"),
    };
    lines.push(format!(
        "{severity}, {pillar}; opened {opened_at}, {ended}.",
        severity = incident.severity,
        pillar = incident.pillar.as_str(),
        opened_at = stamp(incident.opened_at)
    ));
    if let Some(fix) = &incident.fix {
        lines.push(format!("Fix: {fix}"));
    }
    lines
}

fn impact(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let mut lines: Vec<String> = incident.assets.iter().map(|asset| format!("Affected: {asset}")).collect();
    match (incident.bad_from, incident.good_again) {
        (Some(bad), Some(good)) => lines.push(format!(
            "Data downtime: {duration}, from {bad} to {good}.",
            duration = duration(bad, good),
            bad = stamp(bad),
            good = stamp(good)
        )),
        (Some(bad), None) => lines
            .push(format!("The data is bad since {bad}; when it was good again is not recorded.", bad = stamp(bad))),
        (None, Some(good)) => lines.push(format!(
            "The data is good again since {good}; since when it was bad is not recorded.",
            good = stamp(good)
        )),
        (None, None) => {}
    }
    if let Some(radius) = &incident.radius {
        lines.push(format!("Blast radius downstream: {words}.", words = radius.words));
    }
    let told: BTreeSet<&str> = record
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Notified { recipient, .. } => Some(recipient.name.as_str()),
            _ => None,
        })
        .collect();
    if !told.is_empty() {
        lines.push(format!("Told outside: {told}.", told = told.into_iter().collect::<Vec<_>>().join(", ")));
    }
    if let Some(url) = incident.picture.as_ref().and_then(|picture| picture.url.as_ref()) {
        lines.push(format!("The lineage as a picture: {url} (and in the channel)."));
    }
    lines
}

/// What the lineage named and what people found when they looked. Nobody is named: the system is what is at fault.
fn causes(record: &Record<'_>) -> Vec<String> {
    let mut lines: Vec<String> = record
        .incident
        .roots
        .iter()
        .enumerate()
        .map(|(place, root)| {
            let (asset, reason) = (&root.asset, &root.reason);
            match place {
                0 => format!("Likeliest root by the lineage: {asset} ({reason})."),
                _ => format!("Also possible by the lineage: {asset} ({reason})."),
            }
        })
        .collect();
    let said = corrected(record);
    lines.extend(said.iter().filter_map(|entry| match &entry.event {
        Event::Looked { look, finding } => {
            Some(format!("A look at the {look} showed: {finding}", look = look.as_str()))
        }
        _ => None,
    }));
    lines.extend(said.iter().filter_map(|entry| match &entry.event {
        Event::Why { number, answers: None, text } => Some(format!("Why {number}: {text}")),
        Event::Why { number, answers: Some(of), text } => Some(format!("Why {number} (of {of}): {text}")),
        Event::CauseNamed { cause } => {
            Some(format!("Cause ({kind}): {text}", kind = cause.kind.as_str(), text = cause.text))
        }
        _ => None,
    }));
    lines
}

/// What happened, in the words that hold.
fn corrected(record: &Record<'_>) -> Vec<Entry> {
    timeline::corrected(record.entries).into_iter().map(|corrected| corrected.entry).collect()
}

/// What people said they learnt.
fn learnt(record: &Record<'_>, of: Learnt) -> Vec<String> {
    let said = corrected(record).into_iter().filter_map(|entry| match entry.event {
        Event::Learnt { what, text } if what == of => Some(text),
        _ => None,
    });
    said.collect()
}

fn detection(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let first = record.alerts.iter().min_by_key(|alert| (alert.first_seen, &alert.id));
    let on = |alert: Option<&Alert>| {
        let asset = alert.and_then(|alert| alert.signal.asset.as_ref());
        asset.map_or_else(String::new, |asset| format!(" on {asset}"))
    };
    let mut lines = vec![match &incident.source {
        Some(source) => format!(
            "Noticed by the monitor {source}{on} at {detected_at}.",
            on = on(first),
            detected_at = stamp(incident.detected_at)
        ),
        None => {
            format!("Noticed by a person, who declared it at {detected_at}.", detected_at = stamp(incident.detected_at))
        }
    }];
    lines.extend(monitoring_gap(incident, record.alerts, first));
    if let Some(bad) = incident.bad_from {
        lines.push(format!("Time to detect: {duration}.", duration = duration(bad, incident.detected_at)));
    }
    if incident.alerts > 0 {
        lines.push(format!(
            "{alerts} alerts joined; {firing} of them still fire.",
            alerts = incident.alerts,
            firing = incident.firing
        ));
    }
    lines
}

/// What a monitor should have noticed first and did not: where a person was faster, or where it was seen downstream of where it
/// started.
fn monitoring_gap(incident: &Incident, alerts: &[Alert], first: Option<&Alert>) -> Option<String> {
    let pillar = if incident.pillar == Pillar::Other {
        String::new()
    } else {
        format!(" for {pillar}", pillar = incident.pillar.as_str())
    };
    let root = incident.roots.first().map(|root| &root.asset);
    let later = |alert: &Alert| duration(incident.detected_at, alert.first_seen);
    if incident.source.is_none() {
        let about = root.or(incident.assets.first()).map_or_else(|| "what broke".to_owned(), ToString::to_string);
        return Some(match first {
            Some(alert) => {
                format!(
                    "Monitoring gap: a monitor reported it {later} later; check {about}{pillar} earlier.",
                    later = later(alert)
                )
            }
            None => {
                format!("Monitoring gap: no monitor reported it; check {about}{pillar}.")
            }
        });
    }
    let root = root.filter(|root| first.is_some_and(|first| first.signal.asset.as_ref() != Some(root)))?;
    let of_root =
        alerts.iter().filter(|alert| alert.signal.asset.as_ref() == Some(root)).min_by_key(|alert| alert.first_seen);
    Some(match of_root {
        Some(alert) => {
            format!(
                "It was seen downstream first: the likeliest root, {root}, was reported {later} later.",
                later = later(alert)
            )
        }
        None => format!(
            "Monitoring gap: it was seen downstream, and nothing reported the likeliest root, {root}; check it{pillar}."
        ),
    })
}

fn timeline(record: &Record<'_>) -> Vec<Line> {
    let mut day = None;
    timeline::lines(record.entries, record.name)
        .into_iter()
        .map(|line| {
            let new_day = day.replace(line.at.date_naive()) != Some(line.at.date_naive());
            let at = if new_day { stamp(line.at) } else { clock(line.at) };
            Line { at, text: line.text, link: line.message.as_ref().map(record.link) }
        })
        .collect()
}

fn people(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let mut lines: Vec<String> = Role::ALL
        .into_iter()
        .filter_map(|role| {
            let people = incident.roles.get(&role)?;
            let names: Vec<_> = people.iter().map(record.name).collect();
            let mut word = role.to_string();
            if let Some(first) = word.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Some(format!("{word}: {}", names.join(", ")))
        })
        .collect();
    let with_role = incident.people();
    let spoke: BTreeSet<_> = record
        .messages
        .iter()
        .filter(|message| !message.deleted && !with_role.contains(&message.author))
        .map(|message| (record.name)(&message.author))
        .collect();
    if !spoke.is_empty() {
        lines.push(format!("Also in the channel: {spoke}", spoke = spoke.into_iter().collect::<Vec<_>>().join(", ")));
    }
    lines
}

fn response(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let mut lines = Vec::new();
    for page in incident.pages.values() {
        let how = match page.status {
            PageStatus::Sending => "decided on, not yet accepted by PagerDuty".to_owned(),
            PageStatus::HandedOver => "handed to PagerDuty; whether anyone was notified is not recorded".to_owned(),
            PageStatus::Paged => "notified through PagerDuty".to_owned(),
            PageStatus::Acknowledged => "notified through PagerDuty and acknowledged there".to_owned(),
            PageStatus::Resolved => "notified through PagerDuty and closed".to_owned(),
            PageStatus::Failed => "refused by PagerDuty".to_owned(),
        };
        lines.push(format!("Page for {target}: {how}.", target = page.target));
    }
    if let Some(at) = incident.acknowledged_at {
        lines.push(format!(
            "Acknowledged {duration} after it was noticed.",
            duration = duration(incident.detected_at, at)
        ));
    }
    if let Some(at) = incident.mitigated_at {
        lines
            .push(format!("Mitigated {duration} after it was noticed.", duration = duration(incident.detected_at, at)));
    }
    if let Some(checklist) = &incident.checklist {
        let done = checklist.steps.iter().filter(|step| matches!(step.state, StepState::Done { .. })).count();
        let skipped = checklist.settled() - done;
        lines.push(format!(
            "Runbook “{title}”: {done} of {steps} steps done, {skipped} skipped.",
            title = checklist.title,
            steps = checklist.steps.len()
        ));
        for (index, step) in checklist.steps.iter().enumerate() {
            match &step.state {
                StepState::Open => {}
                StepState::Done { by, note, .. } => {
                    let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                    lines.push(format!(
                        "Step {value} done by {by_role}{note}",
                        value = index + 1,
                        by_role = by_role(incident, by)
                    ));
                }
                StepState::Skipped { by, reason, .. } => {
                    lines.push(format!(
                        "Step {value} skipped by {by_role}: {reason}",
                        value = index + 1,
                        by_role = by_role(incident, by)
                    ));
                }
            }
        }
    }
    for entry in &corrected(record) {
        match &entry.event {
            Event::UpdatePosted { text, .. } => {
                lines.push(format!("Update at {at}: {text}", at = clock(entry.at)));
            }
            Event::UpdateOverdue { promised } => {
                lines.push(format!("The update promised for {promised} did not come.", promised = clock(*promised)));
            }
            _ => {}
        }
    }
    lines
}

fn resolution(record: &Record<'_>) -> Vec<String> {
    let incident = record.incident;
    let mut lines = Vec::new();
    for entry in record.entries {
        match &entry.event {
            Event::Mitigated { text: Some(text) } => {
                lines.push(format!("Mitigated at {at}: {text}", at = clock(entry.at)));
            }
            Event::Resolved { text: Some(text), .. } => {
                lines.push(format!("Resolved at {at}: {text}", at = clock(entry.at)))
            }
            Event::Reopened { reason } => {
                lines.push(format!("Reopened at {at}: {reason}", at = clock(entry.at)));
            }
            _ => {}
        }
    }
    if let Some(fix) = &incident.fix {
        lines.push(format!("Fix: {fix}"));
    }
    if let (Some(good), detected) = (incident.good_again, incident.detected_at) {
        lines.push(format!("Time to recover: {duration}.", duration = duration(detected, good)));
    }
    lines
}

fn actions(record: &Record<'_>) -> Vec<String> {
    record
        .tasks
        .iter()
        .map(|task| {
            let who = match &task.assignee {
                None => "nobody yet".to_owned(),
                Some(person) => {
                    in_role(record.incident, person).unwrap_or_else(|| "a colleague named in the channel".to_owned())
                }
            };
            let due = task.due.map(|due| format!(", due {date}", date = due.format("%Y-%m-%d"))).unwrap_or_default();
            let done = task.done_at.map(|at| format!(", done {at}", at = stamp(at))).unwrap_or_default();
            format!("Task {number}: {text} ({who}{due}{done})", number = task.number, text = task.text)
        })
        .collect()
}

fn questions(record: &Record<'_>) -> Vec<String> {
    let gaps = record.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Resolved { gaps, .. } => Some(gaps.clone()),
        _ => None,
    });
    let mut lines: Vec<String> = match (gaps, record.incident.status) {
        (Some(gaps), Status::Resolved) => {
            // How it is recorded is for the channel; here it is asked.
            gaps.iter().map(|gap| format!("When it was resolved, {}.", gap.words())).collect()
        }
        _ => vec![format!("The incident is still {status}.", status = record.incident.status)],
    };
    let unknown: BTreeSet<&str> =
        record.incident.roots.iter().flat_map(|root| &root.not_monitored).map(String::as_str).collect();
    if !unknown.is_empty() {
        let names = unknown.into_iter().collect::<Vec<_>>().join(", ");
        lines.push(format!("Nobody checks {names}; was it there that it began, and should it be checked?"));
    }
    lines
}

fn sources(record: &Record<'_>) -> Vec<Line> {
    let incident = record.incident;
    let line = |at: String, text: String, link: Option<String>| Line { at, text, link };
    let mut lines: Vec<Line> = record
        .alerts
        .iter()
        .map(|alert| {
            line(
                stamp(alert.first_seen),
                format!("{}: {}", alert.signal.source, alert.signal.title),
                alert.signal.url.clone(),
            )
        })
        .collect();
    for page in incident.pages.values() {
        if let Some(url) = &page.url {
            lines.push(line(stamp(incident.opened_at), "PagerDuty".to_owned(), Some(url.clone())));
        }
    }
    if let Some(channel) = &incident.channel {
        let said = record.messages.iter().filter(|message| !message.deleted).count();
        lines.push(line(
            stamp(incident.opened_at),
            format!("#{name}; messages of people: {said}", name = channel.name),
            None,
        ));
    }
    lines.push(line(
        stamp(incident.opened_at),
        format!("Timeline; entries: {entries}", entries = incident.entries),
        None,
    ));
    lines
}
