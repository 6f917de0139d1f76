//! What is asked of an incident. People, monitors, PagerDuty, timers and outcomes of deliveries all ask with one of these
//! commands, and all commands take the same path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Look;
use super::incident::{Channel, MessageRef, Picture, Radius, Recipient, RootCandidate, Slot};
use super::lineage::Whom;
use super::permission::Verb;
use super::rca::{CauseKind, Learnt};
use super::reason::ChannelLoss;
use super::runbook::Runbook;
use super::{IncidentId, Role, Severity, Signal, Time, UserId};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    Declare(Box<Declaration>),
    /// A monitor's signal that belongs to no other.
    Receive {
        signal: Box<Signal>,
        because: super::reason::JoinReason,
    },
}

impl Opening {
    /// The verb that the permission table knows.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Declare(_) => Verb::Declare,
            Self::Receive { .. } => Verb::Receive,
        }
    }
}

/// A request about an incident, not yet decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Command {
    /// A monitor's signal for this incident.
    /// `known`: the alert of this incident with the same key, if there is one.
    /// `quiet`: whether it joins without making the incident worse, and without many words.
    Receive { signal: Signal, known: Option<String>, because: super::reason::JoinReason, quiet: bool },
    /// It is part of another incident.
    Merge { into: IncidentId, name: String },
    /// Say of its alerts whether they were worth it.
    Judge { verdict: super::incident::Verdict },
    /// An alert belongs elsewhere.
    /// `to`: the uid and name of the incident it belongs to; a new one without.
    MoveAlert { alert: String, to: Option<(IncidentId, String)> },
    Acknowledge,
    Take { role: Role },
    Assign { roles: BTreeMap<Role, Vec<UserId>>, #[serde(default)] without: BTreeMap<Role, Vec<UserId>> },
    /// Answer a request for the command.
    /// `accept`: hand over, or keep it.
    AnswerHandover { request: String, accept: bool },
    /// Two minutes are over.
    HandoverDue { request: String },
    /// Is there a commander by now?
    CheckCommander { #[serde(default)] asked: u32 },
    /// Give a role back.
    /// `role`: which; all of them without.
    Leave { role: Option<Role> },
    /// Remind of updates later, or no more.
    /// `minutes`: in so many minutes; never without.
    Remind { minutes: Option<u32> },
    /// Write down what was tried, or ruled out.
    /// `ruled_out`: it is not the cause.
    Tried { text: String, ruled_out: bool },
    /// Correct a line of the timeline.
    /// `text`: its words, if they change.
    /// `at`: its time, if that changes.
    Amend { line: Box<super::Entry>, text: Option<String>, at: Option<Time> },
    /// A message on the timeline was changed or deleted in Slack.
    EditPin { message: MessageRef, text: Option<String> },
    /// Give a task to somebody.
    AssignTask { task: u32, assignee: UserId },
    /// Tell those, too, who were told of an incident that was merged into this one.
    Inherit { told: Vec<super::incident::Notification> },
    /// Was a promise kept by now?
    CheckTask { task: u32 },
    /// Has anybody acknowledged it by now?
    CheckAcknowledged { asked: u32 },
    /// Decide how bad it is.
    SetSeverity { severity: Severity },
    /// Tell people how it stands.
    Update { text: String, next: Option<Time> },
    /// Did the promised update come?
    CheckUpdate { promised: Time },
    Note { text: String },
    /// Put a message on the timeline.
    Pin { message: MessageRef, author: UserId, text: String },
    Unpin { message: MessageRef },
    /// `runbook`: the whole of it, since decisions read no files.
    AttachRunbook { runbook: Runbook, because: super::reason::RunbookReason },
    /// A step was done.
    /// `step`: from 1.
    StepDone { step: usize, note: Option<String> },
    /// A step is left out.
    /// `step`: from 1.
    StepSkip { step: usize, reason: String },
    /// When the data went bad.
    Since { at: Time },
    /// When the data was good again.
    GoodAgain { at: Time },
    Fix { text: String },
    AddTask { text: String, assignee: Option<UserId>, due: Option<Time> },
    FinishTask { task: u32 },
    /// `target`: a service's name, or a person.
    Page { target: String, text: Option<String> },
    Mitigate { text: Option<String> },
    Resolve { text: Option<String>, #[serde(default)] ending: super::incident::Ending },
    /// It is not over.
    Reopen { reason: String },
    DraftPostmortem,
    /// The post-mortem was read with those concerned.
    Review,
    /// Write down what a look at something showed.
    Look { look: Look, finding: String },
    /// `answers`: which; the last one without.
    Why { answers: Option<u32>, text: String },
    Cause { kind: CauseKind, text: String },
    Learn { what: Learnt, text: String },
    /// `text`: what to say; the title without.
    PagePerson { person: UserId, text: Option<String> },
    /// Page again, since nobody answers.
    /// `text`: what to say; the title without.
    Escalate { text: Option<String> },
    /// `whom`: as producers, or as consumers.
    /// `recipients`: who is to be told, as the lineage has it now.
    Notify { whom: Whom, recipients: Vec<Recipient>, text: Option<String> },
    /// Tell somebody outside no more of this incident, or again.
    /// `recipient`: who: a team's name, or a Slack id.
    /// `muted`: no more, or again.
    Mute { recipient: String, muted: bool },
    Subscribe,
    Unsubscribe,

    /// PagerDuty says how a page stands.
    PagerSays { key: String, news: PagerNews, url: Option<String> },

    /// How the lineage judges it now.
    /// `tell`: who is told without being asked, by the configured tiers.
    /// `followers`: who asked to be told of what it reaches.
    Assess { candidates: Vec<RootCandidate>, radius: Option<Radius>, tell: Vec<Recipient>, #[serde(default)] followers: Vec<Recipient> },
    /// The first message to somebody outside stands.
    NoticeDelivered { recipient: String, message: MessageRef },
    /// The picture of the lineage is in the channel.
    PictureShown { picture: Picture },

    ChannelReady { channel: Channel },
    /// Work in a channel that is there already.
    Link { channel: String },
    /// The channel is archived, deleted, or closed to Muster.
    ChannelGone { channel: String, why: ChannelLoss },
    /// Is it time to archive the channel?
    /// `reviewed`: when it was reviewed, if that is what it waits for.
    CheckArchive { resolved: Time, #[serde(default)] reviewed: Option<Time> },
    /// Slack archived the channel, as was asked.
    ChannelArchived { channel: String },
    /// Did the opening come about?
    CheckOpening,
    /// A message that is kept true was posted.
    MessagePosted { slot: Slot, message: MessageRef },
    PageAccepted { key: String },
    /// PagerDuty refuses a page for good.
    PageRefused { key: String, why: String },
    /// Something will never be delivered.
    /// `say`: whether to say it in the channel; not when saying things is what fails.
    GiveUp { what: String, why: String, say: bool },
    /// The draft is in the channel.
    /// `canvas`: the canvas it also is, if it is one.
    PostmortemPosted { #[serde(default)] canvas: Option<String> },
}

/// An incident that a person opens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    pub title: String,
    /// How bad, if the person said so.
    pub severity: Option<Severity>,
    /// What is wrong with the data, if the person said so.
    #[serde(default)]
    pub pillar: Option<super::Pillar>,
    /// What it is about, if the person said so.
    pub asset: Option<super::AssetName>,
    pub text: Option<String>,
    /// Practice: pages nobody, tells nobody outside, counts nowhere.
    #[serde(default)]
    pub drill: bool,
    #[serde(default)]
    pub private: bool,
    /// The message that made them do it, with who wrote it and its words.
    #[serde(default)]
    pub from: Option<(MessageRef, UserId, String)>,
}

/// What PagerDuty's webhook says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagerNews {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Command {
    /// Whom it gives something to do.
    pub fn gives_to(&self) -> Vec<&UserId> {
        match self {
            Self::Assign { roles, .. } => roles.values().flatten().collect(),
            Self::AddTask { assignee: Some(person), .. }
            | Self::AssignTask { assignee: person, .. }
            | Self::PagePerson { person, .. } => vec![person],
            _ => Vec::new(),
        }
    }

    /// What a person says in it, in their own words.
    pub fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Tried { text, .. }
            | Self::Note { text }
            | Self::Pin { text, .. }
            | Self::Fix { text }
            | Self::AddTask { text, .. }
            | Self::Update { text, .. }
            | Self::Why { text, .. }
            | Self::Cause { text, .. }
            | Self::Learn { text, .. }
            | Self::StepSkip { reason: text, .. }
            | Self::Reopen { reason: text }
            | Self::Look { finding: text, .. } => vec![text],
            Self::Amend { text, .. }
            | Self::StepDone { note: text, .. }
            | Self::Page { text, .. }
            | Self::PagePerson { text, .. }
            | Self::Escalate { text }
            | Self::Mitigate { text }
            | Self::Resolve { text, .. }
            | Self::Notify { text, .. } => text.iter_mut().collect(),
            _ => Vec::new(),
        }
    }

    /// The verb that the permission table knows.
    #[rustfmt::skip]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Receive { .. } => Verb::Receive,
            Self::Acknowledge => Verb::Acknowledge,
            Self::Take { .. } | Self::Leave { .. } => Verb::Take,
            Self::Assign { .. } => Verb::Assign,
            Self::Link { .. } => Verb::Status,
            Self::AnswerHandover { .. } => Verb::AnswerHandover,
            Self::SetSeverity { .. } => Verb::Severity,
            Self::Update { .. } | Self::Remind { .. } => Verb::Update,
            Self::Tried { .. } | Self::Amend { .. } => Verb::Note,
            Self::Note { .. } | Self::Pin { .. } | Self::Unpin { .. } => Verb::Note,
            Self::AttachRunbook { .. } | Self::StepDone { .. } | Self::StepSkip { .. } => Verb::Runbook,
            Self::Since { .. } | Self::GoodAgain { .. } | Self::Fix { .. } => Verb::Stamp,
            Self::AddTask { .. } | Self::AssignTask { .. } | Self::FinishTask { .. } => Verb::Task,
            Self::Page { .. } | Self::PagePerson { .. } | Self::Escalate { .. } => Verb::Page,
            Self::Mitigate { .. } | Self::Resolve { .. } | Self::Reopen { .. } => Verb::Status,
            Self::Merge { .. } | Self::MoveAlert { .. } | Self::Judge { .. } => Verb::Triage,
            Self::DraftPostmortem | Self::Review => Verb::Postmortem,
            Self::Look { .. } | Self::Why { .. } | Self::Cause { .. } | Self::Learn { .. } => Verb::Note,
            Self::Notify { .. } | Self::Mute { .. } => Verb::Notify,
            Self::Subscribe | Self::Unsubscribe => Verb::Read,
            Self::PagerSays { .. } => Verb::PagerSays,
            Self::HandoverDue { .. } | Self::CheckCommander { .. } | Self::CheckTask { .. } | Self::Inherit { .. }
            | Self::ChannelGone { .. } | Self::CheckArchive { .. } | Self::ChannelArchived { .. } | Self::CheckOpening
            | Self::EditPin { .. } | Self::CheckAcknowledged { .. } | Self::Assess { .. } | Self::NoticeDelivered { .. }
            | Self::PictureShown { .. } | Self::CheckUpdate { .. } | Self::ChannelReady { .. } | Self::MessagePosted { .. }
            | Self::PageAccepted { .. } | Self::PageRefused { .. } | Self::GiveUp { .. }
            | Self::PostmortemPosted { .. } => Verb::Outcome,
        }
    }
}
