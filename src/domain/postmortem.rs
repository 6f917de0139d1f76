//! The post-mortem draft as facts: which fact stands under which heading. Every fact comes from the record. The template
//! (`message-templates/postmortem.hbs`) has the words.

use std::collections::BTreeSet;

use serde::Serialize;

use super::captured::Captured;
use super::event::{Actor, Entry, Event, Look};
use super::incident::{Incident, Notification, PageStatus, Radius, StepState};
use super::lineage::RootReason;
use super::rca::{CauseKind, Learnt};
use super::reason::Gap;
use super::sla::SlaStatement;
use super::timeline::{self, Line};
use super::times::{clock, duration, stamp};
use super::told::{Told, WhoWasTold};
use super::{Alert, AssetName, Pillar, Role, Severity, Status, Task};

/// Everything that the draft is made from.
pub struct Record<'a> {
    pub incident: &'a Incident,
    /// Its timeline, in order.
    pub entries: &'a [Entry],
    pub alerts: &'a [Alert],
    pub tasks: &'a [Task],
    pub messages: &'a [Captured],
    /// Who outside is told of it, and what became of it.
    pub notified: &'a [Notification],
    /// What was promised of its assets, and for how long this incident alone broke each.
    pub sla: &'a [SlaStatement],
    pub name: &'a (dyn Fn(&str) -> String + Sync),
}

/// The draft without the timeline. An empty list is printed as "not recorded".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Postmortem {
    pub name: String,
    pub title: String,
    pub severity: Severity,
    pub pillar: Pillar,
    pub status: Status,
    pub opened: String,
    pub resolved: Option<Resolved>,
    pub fix: Option<String>,
    pub impact: Vec<Fact>,
    pub detection: Vec<Fact>,
    pub people: Vec<Fact>,
    pub response: Vec<Fact>,
    pub causes: Vec<Fact>,
    /// What people tried, and what they found not to be the cause.
    pub tried: Vec<Fact>,
    pub ruled_out: Vec<Fact>,
    pub resolution: Vec<Fact>,
    pub well: Vec<String>,
    pub hard: Vec<String>,
    pub lucky: Vec<String>,
    pub actions: Vec<Fact>,
    pub sla: Vec<SlaStatement>,
    pub questions: Vec<Fact>,
    pub sources: Vec<Fact>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    pub at: String,
    pub after: String,
}

/// A fact, with times and durations in words. What is a value of its own, as in the record, stands beside its words. `by` is a person's role, `None` for others. `pillar` is `None` if it says nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Fact {
    Affected { asset: AssetName },
    Downtime { duration: String, from: String, to: String },
    BadSince { at: String },
    GoodSince { at: String },
    Radius { radius: Radius, words: String },
    Told { told: Vec<Told> },
    BeingTold { names: Vec<String> },
    NotTold { name: String, why: Vec<String> },
    /// An earlier Muster did not record whether they were told.
    ToldNotRecorded { names: Vec<String> },
    Picture { url: String },

    Root { asset: AssetName, clues: RootReason, reason: String, first: bool },
    Looked { look: Look, finding: String },
    Why { number: u32, answers: Option<u32>, text: String },
    /// `holds`: nobody named another one since.
    Cause { kind: CauseKind, text: String, holds: bool },
    Tried { at: String, text: String },
    RuledOut { at: String, text: String },

    Noticed { source: Option<String>, asset: Option<AssetName>, at: String },
    ReportedLater { later: String, about: Option<AssetName>, pillar: Option<Pillar> },
    NeverReported { about: Option<AssetName>, pillar: Option<Pillar> },
    RootReportedLater { root: AssetName, later: String },
    RootNeverReported { root: AssetName, pillar: Option<Pillar> },
    TimeToDetect { duration: String },
    Alerts { alerts: u32, firing: u32 },

    HasRole { role: Role, names: Vec<String> },
    Spoke { names: Vec<String> },

    Page { target: String, status: PageStatus },
    Acknowledged { after: String },
    Mitigated { after: String },
    Runbook { title: String, done: usize, of: usize, skipped: usize },
    StepDone { step: usize, by: Option<Role>, note: Option<String> },
    StepSkipped { step: usize, by: Option<Role>, reason: String },
    Update { at: String, text: String, impact: Option<String> },
    UpdateMissed { promised: String },

    MitigatedAt { at: String, text: String },
    ResolvedAt { at: String, text: String },
    /// All alerts were green, and that resolved it.
    GreenAt { at: String },
    ReopenedAt { at: String, text: String },
    Fix { at: String, text: String },
    TimeToRecover { duration: String },

    /// `owner`: a name, since nobody does what nobody owns. This blames no one.
    Task { number: u32, text: String, owner: Option<String>, due: Option<String>, done: Option<String> },

    Gap { gap: Gap, words: String },
    Unfinished { status: Status },
    NotChecked { names: Vec<String> },

    Alert { at: String, source: String, title: String, url: Option<String> },
    PagerDuty { at: String, url: String },
    Channel { at: String, name: String, messages: usize },
    Timeline { at: String, entries: u64 },
}

pub fn draft(record: &Record<'_>) -> Postmortem {
    let incident = record.incident;
    let said = timeline::corrected(record.entries);
    let resolved = incident.resolved_at.filter(|_| incident.status == Status::Resolved);
    let (ruled_out, causes) = causes(incident, &said);
    Postmortem {
        name: incident.name(),
        title: incident.title.clone(),
        severity: incident.severity,
        pillar: incident.pillar,
        status: incident.status,
        opened: stamp(incident.opened_at),
        resolved: resolved.map(|at| Resolved { at: stamp(at), after: duration(incident.opened_at, at) }),
        fix: incident.fix.clone(),
        impact: impact(record),
        detection: detection(record),
        people: people(record),
        response: response(incident, &said),
        causes,
        tried: tried(&said, false),
        ruled_out: tried(&said, true).into_iter().chain(ruled_out).collect(),
        resolution: resolution(record, &said),
        well: learnt(&said, Learnt::Well),
        hard: learnt(&said, Learnt::Hard),
        lucky: learnt(&said, Learnt::Lucky),
        actions: actions(record),
        sla: record.sla.to_vec(),
        questions: questions(record),
        sources: sources(record),
    }
}

/// Names people by their role. Only the sections People, Timeline and Action items have their names.
fn in_role(incident: &Incident, person: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| incident.has_role(*role, person))
}

fn impact(record: &Record<'_>) -> Vec<Fact> {
    let incident = record.incident;
    let mut facts: Vec<Fact> = incident.assets.iter().map(|asset| Fact::Affected { asset: asset.clone() }).collect();
    match (incident.bad_from, incident.good_again) {
        (Some(bad), Some(good)) => {
            facts.push(Fact::Downtime { duration: duration(bad, good), from: stamp(bad), to: stamp(good) });
        }
        (Some(bad), None) => facts.push(Fact::BadSince { at: stamp(bad) }),
        (None, Some(good)) => facts.push(Fact::GoodSince { at: stamp(good) }),
        (None, None) => {}
    }
    facts.extend(incident.radius.iter().map(|radius| Fact::Radius { radius: radius.clone(), words: radius.words() }));
    let WhoWasTold { told, pending, unreached, not_recorded } = WhoWasTold::of(record.notified);
    if !told.is_empty() {
        facts.push(Fact::Told { told });
    }
    facts.extend(unreached.into_iter().map(|one| Fact::NotTold { name: one.name, why: one.why }));
    if !pending.is_empty() {
        facts.push(Fact::BeingTold { names: pending });
    }
    if !not_recorded.is_empty() {
        facts.push(Fact::ToldNotRecorded { names: not_recorded });
    }
    let picture = incident.picture.as_ref().and_then(|picture| picture.url.clone());
    facts.extend(picture.map(|url| Fact::Picture { url }));
    facts
}

/// In alphabetical order.
fn each_once(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What the lineage named and what people found when they looked. It names nobody: the system is at fault.
/// What people ruled out afterwards comes first, apart from the others.
fn causes(incident: &Incident, said: &[Line]) -> (Vec<Fact>, Vec<Fact>) {
    let roots = incident.roots.iter().enumerate().map(|(place, root)| {
        let fact = Fact::Root {
            asset: root.asset.clone(),
            clues: root.reason.clone(),
            reason: root.reason.words(),
            first: place == 0,
        };
        (is_asset_ruled_out(root.asset.as_str(), said), fact)
    });
    let looks = said.iter().enumerate().filter_map(|(place, line)| match &line.entry.event {
        Event::Looked { look, finding } => {
            let out = says_ruled_out(finding) || is_ruled_out(finding, &said[place..]);
            Some((out, Fact::Looked { look: *look, finding: finding.clone() }))
        }
        _ => None,
    });
    let last = said.iter().rposition(|line| matches!(line.entry.event, Event::CauseNamed { .. }));
    let causes = said.iter().enumerate().filter_map(|(place, line)| match &line.entry.event {
        Event::Why { number, answers, text } => {
            Some((false, Fact::Why { number: *number, answers: *answers, text: text.clone() }))
        }
        Event::CauseNamed { cause } => {
            let (kind, text, holds) = (cause.kind, cause.text.clone(), last == Some(place));
            Some((is_ruled_out(&cause.text, &said[place..]), Fact::Cause { kind, text, holds }))
        }
        _ => None,
    });
    let (out, causes): (Vec<_>, Vec<_>) = roots.chain(looks).chain(causes).partition(|(out, _)| *out);
    let facts = |of: Vec<(bool, Fact)>| of.into_iter().map(|(_, fact)| fact).collect();
    (facts(out), facts(causes))
}

/// What people ruled out, in lower case.
fn all_ruled_out(said: &[Line]) -> impl Iterator<Item = String> {
    said.iter().filter_map(|line| match &line.entry.event {
        Event::Tried { text, ruled_out: true } => Some(text.trim().trim_end_matches('.').to_lowercase()),
        _ => None,
    })
}

/// Whether people ruled an asset out: they named it.
fn is_asset_ruled_out(asset: &str, said: &[Line]) -> bool {
    let asset = asset.to_lowercase();
    let last = asset.rsplit(['.', '/']).next().unwrap_or_default();
    all_ruled_out(said).any(|text| {
        let between = |c: char| c.is_whitespace() || matches!(c, ':' | ',' | ';' | '`' | '(' | ')');
        text.split(between).any(|word| word == asset) || text.split(between).next() == Some(last)
    })
}

/// Whether people ruled a finding out afterwards: in the same words, or in the first of them.
fn is_ruled_out(finding: &str, later: &[Line]) -> bool {
    let finding = finding.trim().trim_end_matches('.').to_lowercase();
    let begins = |text: &str, with: &str| {
        let rest = text.strip_prefix(with);
        with.contains(' ') && rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    all_ruled_out(later).any(|text| text == finding || begins(&text, &finding) || begins(&finding, &text))
}

fn says_ruled_out(finding: &str) -> bool {
    finding.trim_start().to_lowercase().starts_with("ruled out")
}

fn tried(said: &[Line], out: bool) -> Vec<Fact> {
    let tried = said.iter().filter_map(|line| match &line.entry.event {
        Event::Tried { text, ruled_out } if *ruled_out == out => {
            let (at, text) = (clock(line.at), text.clone());
            Some(if out { Fact::RuledOut { at, text } } else { Fact::Tried { at, text } })
        }
        _ => None,
    });
    tried.collect()
}

/// What people said they learnt.
fn learnt(said: &[Line], of: Learnt) -> Vec<String> {
    let learnt = said.iter().filter_map(|line| match &line.entry.event {
        Event::Learnt { what, text } if *what == of => Some(text.clone()),
        _ => None,
    });
    learnt.collect()
}

fn detection(record: &Record<'_>) -> Vec<Fact> {
    let incident = record.incident;
    let first = record.alerts.iter().min_by_key(|alert| (alert.first_seen, &alert.id));
    let mut facts = vec![Fact::Noticed {
        source: incident.source.clone(),
        asset: first.and_then(|alert| alert.signal.asset.clone()),
        at: stamp(incident.detected_at),
    }];
    facts.extend(monitoring_gap(incident, record.alerts, first));
    if let Some(bad) = incident.bad_from {
        facts.push(Fact::TimeToDetect { duration: duration(bad, incident.detected_at) });
    }
    if incident.alerts > 0 {
        facts.push(Fact::Alerts { alerts: incident.alerts, firing: incident.firing });
    }
    facts
}

/// What a monitor should have noticed first and did not: a person was faster, or it was seen downstream of where it started.
fn monitoring_gap(incident: &Incident, alerts: &[Alert], first: Option<&Alert>) -> Option<Fact> {
    let pillar = (incident.pillar != Pillar::Other).then_some(incident.pillar);
    let root = incident.roots.first().map(|root| &root.asset);
    let later = |alert: &Alert| duration(incident.detected_at, alert.first_seen);
    if incident.source.is_none() {
        let about = root.or(incident.assets.first()).cloned();
        return Some(match first {
            Some(alert) => Fact::ReportedLater { later: later(alert), about, pillar },
            None => Fact::NeverReported { about, pillar },
        });
    }
    let root = root.filter(|root| first.is_some_and(|first| first.signal.asset.as_ref() != Some(root)))?;
    let of_root =
        alerts.iter().filter(|alert| alert.signal.asset.as_ref() == Some(root)).min_by_key(|alert| alert.first_seen);
    let root = root.clone();
    Some(match of_root {
        Some(alert) => Fact::RootReportedLater { root, later: later(alert) },
        None => Fact::RootNeverReported { root, pillar },
    })
}

fn people(record: &Record<'_>) -> Vec<Fact> {
    let incident = record.incident;
    let mut facts: Vec<Fact> = Role::ALL
        .into_iter()
        .filter_map(|role| {
            let names = incident.roles.get(&role)?.iter().map(|id| (record.name)(id)).collect();
            Some(Fact::HasRole { role, names })
        })
        .collect();
    let with_role = incident.people();
    let spoke = record.messages.iter().filter(|message| !message.deleted && !with_role.contains(&message.author));
    let names = each_once(spoke.map(|message| (record.name)(&message.author)));
    if !names.is_empty() {
        facts.push(Fact::Spoke { names });
    }
    facts
}

fn response(incident: &Incident, said: &[Line]) -> Vec<Fact> {
    let pages = incident.pages.values();
    let mut facts: Vec<Fact> =
        pages.map(|page| Fact::Page { target: page.target.clone(), status: page.status }).collect();
    let after = |at| duration(incident.detected_at, at);
    facts.extend(incident.acknowledged_at.map(|at| Fact::Acknowledged { after: after(at) }));
    facts.extend(incident.mitigated_at.map(|at| Fact::Mitigated { after: after(at) }));
    if let Some(checklist) = &incident.checklist {
        let done = checklist.steps.iter().filter(|step| matches!(step.state, StepState::Done { .. })).count();
        facts.push(Fact::Runbook {
            title: checklist.title.clone(),
            done,
            of: checklist.steps.len(),
            skipped: checklist.settled() - done,
        });
        let role = |by: &str| in_role(incident, by);
        facts.extend(checklist.steps.iter().zip(1..).filter_map(|(step, number)| match &step.state {
            StepState::Open => None,
            StepState::Done { by, note, .. } => Some(Fact::StepDone { step: number, by: role(by), note: note.clone() }),
            StepState::Skipped { by, reason, .. } => {
                Some(Fact::StepSkipped { step: number, by: role(by), reason: reason.clone() })
            }
        }));
    }
    facts.extend(said.iter().filter_map(|Line { entry, .. }| match &entry.event {
        Event::UpdatePosted { text, impact, .. } => {
            Some(Fact::Update { at: clock(entry.at), text: text.clone(), impact: impact.clone() })
        }
        Event::UpdateOverdue { promised } => Some(Fact::UpdateMissed { promised: clock(*promised) }),
        _ => None,
    }));
    facts
}

fn resolution(record: &Record<'_>, said: &[Line]) -> Vec<Fact> {
    let incident = record.incident;
    let turns = record.entries.iter().filter_map(|entry| {
        let at = clock(entry.at);
        match &entry.event {
            Event::Mitigated { text: Some(text) } => Some(Fact::MitigatedAt { at, text: text.clone() }),
            Event::Resolved { text: Some(text), .. } => Some(Fact::ResolvedAt { at, text: text.clone() }),
            Event::Resolved { text: None, .. } if matches!(entry.actor, Actor::Monitor { .. }) => {
                Some(Fact::GreenAt { at })
            }
            Event::Reopened { reason } => Some(Fact::ReopenedAt { at, text: reason.clone() }),
            _ => None,
        }
    });
    let fixes = said.iter().filter_map(|line| match &line.entry.event {
        Event::FixRecorded { text } => Some(Fact::Fix { at: clock(line.at), text: text.clone() }),
        _ => None,
    });
    let recovered = incident.good_again;
    let recovered = recovered.map(|good| Fact::TimeToRecover { duration: duration(incident.detected_at, good) });
    turns.chain(fixes).chain(recovered).collect()
}

fn actions(record: &Record<'_>) -> Vec<Fact> {
    let task = |task: &Task| Fact::Task {
        number: task.number,
        text: task.text.clone(),
        owner: task.assignee.as_ref().map(|person| (record.name)(person)),
        due: task.due.map(|due| due.format("%Y-%m-%d").to_string()),
        done: task.done_at.map(stamp),
    };
    record.tasks.iter().map(task).collect()
}

fn questions(record: &Record<'_>) -> Vec<Fact> {
    let incident = record.incident;
    let gaps = record.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Resolved { gaps, .. } => Some(gaps),
        _ => None,
    });
    let mut facts: Vec<Fact> = match (gaps, incident.status) {
        // The channel says how to record it. Here it is a question.
        (Some(gaps), Status::Resolved) => {
            gaps.iter().map(|gap| Fact::Gap { gap: gap.clone(), words: gap.words() }).collect()
        }
        (_, status) => vec![Fact::Unfinished { status }],
    };
    let names = each_once(incident.roots.iter().flat_map(|root| root.not_monitored.iter().cloned()));
    if !names.is_empty() {
        facts.push(Fact::NotChecked { names });
    }
    facts
}

fn sources(record: &Record<'_>) -> Vec<Fact> {
    let incident = record.incident;
    let opened = || stamp(incident.opened_at);
    let alerts = record.alerts.iter().map(|alert| Fact::Alert {
        at: stamp(alert.first_seen),
        source: alert.signal.source.clone(),
        title: alert.signal.title.clone(),
        url: alert.signal.url.clone(),
    });
    let pages = incident.pages.values().filter_map(|page| page.url.clone());
    let pages = pages.map(|url| Fact::PagerDuty { at: opened(), url });
    let channel = incident.channel.iter().map(|channel| Fact::Channel {
        at: opened(),
        name: channel.name.clone(),
        messages: record.messages.iter().filter(|message| !message.deleted).count(),
    });
    alerts.chain(pages).chain(channel).chain([Fact::Timeline { at: opened(), entries: incident.entries }]).collect()
}
