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
use super::{AlertId, ChannelId, IncidentId, Role, Severity, Signal, Time, Undelivered, UserId};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    Declare(Box<Declaration>),
    /// A monitor's signal that belongs to no other incident.
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
    /// `known`: the alert with the same key in this incident, if there is one.
    /// `quiet`: it joins without making the incident worse, and with few words in the channel.
    Receive { signal: Signal, known: Option<AlertId>, because: super::reason::JoinReason, quiet: bool },
    /// It is part of another incident.
    Merge { into: IncidentId, name: String },
    /// Say whether its alerts were useful.
    Judge { verdict: super::incident::Verdict },
    /// An alert belongs elsewhere.
    /// `to`: the uid and name of the incident it belongs to. If there is none, a new incident.
    MoveAlert { alert: AlertId, to: Option<(IncidentId, String)> },
    Acknowledge,
    Take { role: Role },
    Assign { roles: BTreeMap<Role, Vec<UserId>>, #[serde(default)] without: BTreeMap<Role, Vec<UserId>> },
    /// Answer a request for the command.
    /// `accept`: hand it over; otherwise keep it.
    AnswerHandover { request: String, accept: bool },
    /// The two minutes for an answer are over.
    HandoverDue { request: String },
    /// Check whether there is a commander by now.
    CheckCommander { #[serde(default)] asked: u32 },
    /// Give a role back.
    /// `role`: which role. If there is none, all of them.
    Leave { role: Option<Role> },
    /// Remind people of updates later, or no longer.
    /// `minutes`: how many minutes from now. If there is none, never.
    Remind { minutes: Option<u32> },
    /// Write down something that was tried or ruled out.
    /// `ruled_out`: it is not the cause.
    Tried { text: String, ruled_out: bool },
    /// Correct a line of the timeline.
    /// `text`: its new words, if they change.
    /// `at`: its new time, if that changes.
    Amend { line: Box<super::Entry>, text: Option<String>, at: Option<Time> },
    /// A message on the timeline was changed or deleted in Slack.
    EditPin { message: MessageRef, text: Option<String> },
    AssignTask { task: u32, assignee: UserId },
    /// Also tell the people who were told of an incident that was merged into this one.
    Inherit { told: Vec<super::incident::Notification> },
    /// Check whether a promise was kept by now.
    CheckTask { task: u32 },
    /// Check whether anybody has acknowledged it by now.
    CheckAcknowledged { asked: u32 },
    SetSeverity { severity: Severity },
    /// Tell people how it stands.
    Update { text: String, next: Option<Time>, #[serde(default)] impact: Option<String> },
    /// Check whether the promised update came.
    CheckUpdate { promised: Time },
    Note { text: String },
    /// Put a message on the timeline.
    Pin { message: MessageRef, author: UserId, text: String },
    Unpin { message: MessageRef },
    /// `runbook`: the whole runbook, since decisions read no files.
    AttachRunbook { runbook: Runbook, because: super::reason::RunbookReason },
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
    Reopen { reason: String },
    DraftPostmortem,
    /// The post-mortem was reviewed with the people concerned.
    Review,
    /// Write down what somebody found when they looked at something.
    Look { look: Look, finding: String },
    /// `answers`: the number of the why that it answers. If there is none, the last one.
    Why { answers: Option<u32>, text: String },
    Cause { kind: CauseKind, text: String },
    Learn { what: Learnt, text: String },
    /// `text`: what to say. If there is none, the title.
    PagePerson { person: UserId, text: Option<String> },
    /// Page again, since nobody answers.
    /// `text`: what to say. If there is none, the title.
    Escalate { text: Option<String> },
    /// `whom`: as producers, or as consumers.
    /// `recipients`: the people to tell, according to the lineage now.
    Notify { whom: Whom, recipients: Vec<Recipient>, text: Option<String> },
    /// Stop telling somebody outside about this incident, or start again.
    /// `recipient`: a team's name, or a Slack id.
    /// `muted`: stop if true, start again if false.
    Mute { recipient: String, muted: bool },
    Subscribe,
    Unsubscribe,

    /// PagerDuty reports the status of a page.
    PagerSays { key: String, news: PagerNews, url: Option<String> },

    /// What the lineage says about it now.
    /// `tell`: the people who are told without being asked for, because of the configured tiers.
    /// `followers`: the people who asked to hear about the assets that it reaches.
    Assess { candidates: Vec<RootCandidate>, radius: Option<Radius>, tell: Vec<Recipient>, #[serde(default)] followers: Vec<Recipient> },
    /// The first message to somebody outside was sent.
    NoticeDelivered { recipient: String, message: MessageRef },
    /// The mail server took the first letter to somebody outside.
    NoticeMailed { recipient: String, address: String },
    /// A message to somebody outside will never be delivered in this way.
    /// `mailed`: whether it was a letter.
    NoticeRefused { recipient: Recipient, notice: super::notice::Notice, why: Undelivered, mailed: bool },
    /// The picture of the lineage is in the channel.
    PictureShown { picture: Picture },

    ChannelReady { channel: Channel },
    /// Work in an existing channel.
    Link { channel: ChannelId },
    /// The channel was archived or deleted, or Muster can no longer use it.
    ChannelGone { channel: ChannelId, why: ChannelLoss },
    /// Check whether it is time to archive the channel.
    /// `reviewed`: when it was reviewed, if the archiving waits for a review.
    CheckArchive { resolved: Time, reviewed: Option<Time> },
    /// Slack archived the channel, as Muster asked.
    ChannelArchived { channel: ChannelId },
    /// Check whether the opening is complete.
    CheckOpening,
    /// A message that Muster keeps up to date was posted.
    MessagePosted { slot: Slot, message: MessageRef },
    PageAccepted { key: String },
    /// PagerDuty refuses a page for good.
    PageRefused { key: String, why: Undelivered },
    /// Something will never be delivered.
    /// `say`: whether to say it in the channel. False if the channel's own messages are what fails.
    GiveUp { what: String, why: Undelivered, say: bool },
    /// The draft is in the channel.
    /// `canvas`: the canvas with the same draft, if there is one.
    PostmortemPosted { canvas: Option<String> },
}

/// An incident that a person opens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    pub title: String,
    /// The severity, if the person chose one.
    pub severity: Option<Severity>,
    /// The pillar, if the person chose one.
    pub pillar: Option<super::Pillar>,
    /// The asset, if the person named one.
    pub asset: Option<super::AssetName>,
    pub text: Option<String>,
    /// A drill: it pages nobody, tells nobody outside, and is not counted anywhere.
    #[serde(default)]
    pub drill: bool,
    #[serde(default)]
    pub private: bool,
    /// The message that led them to open it, with its author and its words.
    pub from: Option<(MessageRef, UserId, String)>,
}

/// What PagerDuty's webhook says about a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagerNews {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Command {
    /// The people to whom it gives something to do.
    pub fn gives_to(&self) -> Vec<&UserId> {
        match self {
            Self::Assign { roles, .. } => roles.values().flatten().collect(),
            Self::AddTask { assignee: Some(person), .. }
            | Self::AssignTask { assignee: person, .. }
            | Self::PagePerson { person, .. } => vec![person],
            _ => Vec::new(),
        }
    }

    /// The moment that the person gave, as Muster understood it.
    pub fn moment(&self, now: Time) -> Option<Time> {
        match self {
            Self::Since { at } | Self::GoodAgain { at } => Some(*at),
            Self::Update { next: at, .. } | Self::AddTask { due: at, .. } | Self::Amend { at, .. } => *at,
            Self::Remind { minutes } => now.checked_add_signed(chrono::Duration::minutes(i64::from((*minutes)?))),
            _ => None,
        }
    }

    /// The person's own words in it.
    pub fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Tried { text, .. }
            | Self::Note { text }
            | Self::Pin { text, .. }
            | Self::Fix { text }
            | Self::AddTask { text, .. }
            | Self::Why { text, .. }
            | Self::Cause { text, .. }
            | Self::Learn { text, .. }
            | Self::StepSkip { reason: text, .. }
            | Self::Reopen { reason: text }
            | Self::Look { finding: text, .. } => vec![text],
            Self::Update { text, impact, .. } => [text].into_iter().chain(impact).collect(),
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
            | Self::NoticeMailed { .. } | Self::NoticeRefused { .. }
            | Self::PictureShown { .. } | Self::CheckUpdate { .. } | Self::ChannelReady { .. } | Self::MessagePosted { .. }
            | Self::PageAccepted { .. } | Self::PageRefused { .. } | Self::GiveUp { .. }
            | Self::PostmortemPosted { .. } => Verb::Deliver,
        }
    }
}
