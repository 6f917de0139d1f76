//! The incident: its present state and counts. The timeline has what happened. Alerts, tasks and captured messages are
//! separate records, so this one never grows with history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::MessageRef;
use super::lineage::{AssetKind, RootReason, impact};
use super::reason::DutySource;
pub use super::told::{Notification, Recipient};
use super::{Alert, AlertId, AssetName, ChannelId, IncidentId, Pillar, Role, Severity, Time, UserId};
use crate::domain::worded;

worded! {
    /// How far the work has come.
    #[derive(Default)]
    pub enum Status {
        #[default]
        Pending = "pending",
        Investigating = "investigating",
        /// Consumers are protected, but the cause may still be there.
        Mitigated = "mitigated",
        /// The cause is mended, the data is good again downstream, and people were told.
        Resolved = "resolved",
        /// It was merged into another incident.
        Merged = "merged",
    }
}

impl Status {
    /// Whether new alerts may still join it.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Merged)
    }
}

worded! {
    /// What people say afterwards about the alerts of an incident, so that monitors can be improved.
    pub enum Verdict {
        /// Something was wrong, and the alert was useful.
        Useful = "useful" | "true" | "confirmed",
        /// It was known or intended.
        Expected = "expected" | "known",
        False = "false" | "false-positive" | "false-alarm",
    }
}

/// The number in an incident's name: `INC-12`, `inc-12`.
pub fn number(word: &str) -> Option<u64> {
    let (prefix, digits) = word.split_at_checked(4)?;
    prefix.eq_ignore_ascii_case("inc-").then(|| digits.parse().ok())?
}

worded! {
    /// How an incident ended.
    #[derive(Default)]
    pub enum Ending {
        #[default]
        Fixed = "fixed",
        Duplicate = "duplicate",
        FalseAlarm = "false alarm",
        /// It was known or intended.
        Expected = "expected",
    }
}

impl Ending {
    /// Splits a text into the ending that it begins with and the rest: `false alarm: the check was wrong`.
    pub fn begins(text: &str) -> Option<(Self, &str)> {
        let text = text.trim();
        Self::ALL.into_iter().find_map(|ending| {
            let words = ending.as_str();
            let start = text.get(..words.len())?;
            let rest = text.get(words.len()..)?;
            let same = start.replace(['-', '_'], " ").eq_ignore_ascii_case(words);
            let ends = rest.is_empty()
                || rest.starts_with([':', ',', '.', ';'])
                || (rest.starts_with(" (") || rest.starts_with(" -"));
            (same && ends).then(|| (ending, rest.trim_start_matches([':', ',', '.', ';', '-', ' '])))
        })
    }
}

/// The channel where people work on the incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Slack's id. Use it instead of the name, since names change.
    pub id: ChannelId,
    /// The name without `#`.
    pub name: String,
    /// The thread in it, if the workspace does not allow new channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// It existed before, and Muster does not set its topic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
}

impl Channel {
    /// A channel that Muster made.
    pub fn own(id: ChannelId, name: String) -> Self {
        Self { id, name, thread: None, linked: false }
    }

    /// Whether the whole channel belongs to the incident: its topic, pins, bookmarks and members.
    pub fn is_whole(&self) -> bool {
        self.thread.is_none()
    }
}

/// The messages that Muster keeps up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The pinned card in the incident's channel.
    Card,
    /// The line in the announcement channel.
    Announcement,
    Checklist,
}

/// How far a page has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageStatus {
    /// Stored, not yet accepted by PagerDuty.
    Sending,
    /// PagerDuty accepted it (202). Perhaps nobody was notified yet.
    HandedOver,
    /// PagerDuty's webhook says that an incident was triggered for it.
    Paged,
    Acknowledged,
    Resolved,
    /// PagerDuty refuses it for good. People were told in the channel.
    Failed,
}

impl PageStatus {
    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Resolved | Self::Failed)
    }
}

/// One page. Its key is stored before sending, so that sending it again is the same page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The target: a service's name, or a person.
    pub target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<UserId>,
    pub status: PageStatus,
    /// PagerDuty's web page about it, once its webhook gave it.
    pub url: Option<String>,
    /// When the event of the last webhook happened. A late webhook changes nothing.
    pub changed_at: Time,
}

/// The state of a step of the runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Nobody did or skipped it yet.
    Open,
    /// Done: by whom, when, and what they saw.
    Done { by: String, at: Time, note: Option<String> },
    /// Skipped: by whom, when, and why.
    Skipped { by: String, at: Time, reason: String },
}

/// One step of the checklist, as the file had it when the runbook was attached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Markdown.
    pub text: String,
    #[serde(flatten)]
    pub state: StepState,
}

/// The runbook that people work through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    pub runbook: String,
    pub title: String,
    /// Its steps, counted from 1 by people.
    pub steps: Vec<Step>,
}

impl Checklist {
    /// How many steps are done or skipped.
    pub fn settled(&self) -> usize {
        self.steps.iter().filter(|step| step.state != StepState::Open).count()
    }
}

/// A request to take the command from a commander who is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverRequest {
    /// The id of this request, so that an old button or timer does nothing.
    pub id: String,
    pub by: UserId,
    pub due: Time,
}

#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The internal id, a ULID.
    pub uid: IncidentId,
    /// The number that people use: `INC-42`.
    pub number: u64,
    pub title: String,
    pub status: Status,
    pub severity: Severity,
    pub pillar: Pillar,
    /// The assets it is about, in the order in which they were seen. At most [`Incident::MAX_ASSETS`].
    pub assets: Vec<AssetName>,
    /// The source that opened it. `None` if a person did.
    pub source: Option<String>,
    /// The first alert's labels, for choosing a runbook.
    pub labels: BTreeMap<String, String>,
    /// The configured service that is responsible for it.
    pub service: Option<String>,
    pub roles: BTreeMap<Role, Vec<UserId>>,
    /// A request for the command that waits for an answer.
    pub handover: Option<HandoverRequest>,
    /// The channel, once Slack made it.
    pub channel: Option<Channel>,
    pub slots: BTreeMap<Slot, MessageRef>,
    /// Pages by key. Of those that are over, only the latest are kept, so that there are at most [`Incident::MAX_PAGES`].
    pub pages: BTreeMap<String, Page>,
    /// How many pages there were in total. 0 in incidents from before this was counted.
    #[serde(default)]
    pub paged: usize,
    pub checklist: Option<Checklist>,
    pub fix: Option<String>,
    pub cause: Option<super::rca::Cause>,
    /// How many whys were answered. It is also the number of the last one.
    #[serde(default)]
    pub whys: u32,
    pub last_update: Option<String>,
    /// What the last update said of the impact.
    #[serde(default)]
    pub last_impact: Option<String>,
    /// The line of the timeline that has the last update.
    #[serde(default)]
    pub update_line: Option<u64>,
    pub updated_at: Option<Time>,
    pub first_update_at: Option<Time>,
    pub commanded_at: Option<Time>,
    pub next_update: Option<Time>,
    pub alerts: u32,
    pub firing: u32,
    /// How many alerts are over without a recovery.
    #[serde(default)]
    pub unrecovered: u32,
    /// What a monitor did not send, as it was last said.
    #[serde(default)]
    pub left_out: Option<String>,
    /// How many tasks were added in total. It is also the number of the last one.
    pub tasks: u32,
    pub open_tasks: u32,
    /// How many entries the timeline has. It is also the number of the last one.
    pub entries: u64,
    pub opened_at: Time,
    /// When a monitor or person first saw it.
    pub detected_at: Time,
    pub acknowledged_at: Option<Time>,
    pub acknowledged_by: Option<String>,
    pub mitigated_at: Option<Time>,
    pub resolved_at: Option<Time>,
    /// How it ended. `None` if it is open, or if an earlier Muster ended it.
    pub ending: Option<Ending>,
    /// When it was last opened again.
    pub reopened_at: Option<Time>,
    pub verdict: Option<Verdict>,
    /// The incident it was merged into: uid and name.
    pub merged_into: Option<(IncidentId, String)>,
    pub bad_from: Option<Time>,
    /// When the data was good again downstream.
    pub good_again: Option<Time>,
    /// When the last post-mortem draft was posted.
    pub drafted_at: Option<Time>,
    pub reviewed_at: Option<Time>,
    /// The canvas with the post-mortem, if there is one.
    pub canvas: Option<String>,
    /// The root-cause candidates, the likeliest first. At most [`Incident::MAX_ROOTS`].
    #[serde(default)]
    pub roots: Vec<RootCandidate>,
    pub radius: Option<Radius>,
    /// How many teams and people outside are to be told about it.
    #[serde(default, rename = "told")]
    pub to_tell: u32,
    /// How many of them were told. `None` if an earlier Muster began, which did not record it.
    #[serde(default, rename = "reached")]
    pub told: Option<u32>,
    /// How many of them can never be told.
    #[serde(default)]
    pub unreached: u32,
    /// The picture of the lineage in the channel.
    pub picture: Option<Picture>,
    /// A drill: nobody is paged, nobody outside is told, and it is not counted in any figure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// It has a private channel, is not announced, and only its members see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    pub declared_by: Option<UserId>,
    /// Who was on duty when it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duty: Vec<Duty>,
    /// When the commander is reminded that an update is due.
    pub remind_at: Option<Time>,
    /// How many reminders had no answer.
    #[serde(default)]
    pub reminded: u32,
}

/// Somebody who is on duty according to a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Duty {
    pub rotation: String,
    /// The role they are asked to take.
    pub role: Role,
    pub people: Vec<UserId>,
    pub from: DutySource,
}

/// Where an incident may have started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RootCandidate {
    pub asset: AssetName,
    pub reason: RootReason,
    /// Assets of which no check is known, so they cannot be ruled out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_monitored: Vec<String>,
}

/// The size of a blast radius.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Radius {
    #[serde(rename = "words", default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    #[serde(default)]
    pub counts: BTreeMap<AssetKind, usize>,
    pub assets: usize,
    pub teams: usize,
}

impl Radius {
    /// `14 tables, 3 dashboards, 5 teams`.
    pub fn words(&self) -> String {
        self.said.clone().unwrap_or_else(|| impact::words(&self.counts, self.teams))
    }
}

/// A picture in the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Picture {
    pub file: String,
    pub url: Option<String>,
    pub digest: String,
}

impl Incident {
    /// At most this many assets are listed on the incident. The timeline counts the others.
    pub const MAX_ASSETS: usize = 50;
    /// At most this many pages are open at once.
    pub const MAX_PAGES: usize = 100;
    /// At most this many root-cause candidates are kept.
    pub const MAX_ROOTS: usize = 3;

    /// `INC-42`.
    pub fn name(&self) -> String {
        format!("INC-{}", self.number)
    }

    /// The holder of a role that has one holder, or the first of several.
    pub fn holder(&self, role: Role) -> Option<&UserId> {
        self.roles.get(&role).and_then(|people| people.first())
    }

    /// Whether this person has this role.
    pub fn has_role(&self, role: Role, person: &str) -> bool {
        self.roles.get(&role).is_some_and(|people| people.iter().any(|holder| holder == person))
    }

    /// When people were last told how it stands.
    pub fn last_told(&self) -> Time {
        self.updated_at.unwrap_or(self.opened_at)
    }

    /// Whether it says nothing about the data to others, because it is a drill or private.
    pub fn is_apart(&self) -> bool {
        self.drill || self.private
    }

    /// Everyone with a role, each once.
    pub fn people(&self) -> Vec<UserId> {
        let mut people: Vec<_> = self.roles.values().flatten().cloned().collect();
        people.sort();
        people.dedup();
        people
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The number people say, from 1.
    pub number: u32,
    pub text: String,
    pub assignee: Option<UserId>,
    pub due: Option<Time>,
    pub added_at: Time,
    pub done_at: Option<Time>,
}

/// An incident with the alerts and tasks that a decision needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub incident: Incident,
    pub alerts: BTreeMap<AlertId, Alert>,
    pub tasks: BTreeMap<u32, Task>,
    pub notified: BTreeMap<String, Notification>,
}

impl From<Incident> for Case {
    fn from(incident: Incident) -> Self {
        Self { incident, alerts: BTreeMap::new(), tasks: BTreeMap::new(), notified: BTreeMap::new() }
    }
}
