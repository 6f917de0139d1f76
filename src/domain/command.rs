//! What is asked of an incident. Whoever asks (a person, a monitor, PagerDuty, a timer, the outcome of a delivery), it
//! comes as one of these and takes the same path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Look;
use super::incident::{Channel, MessageRef, Picture, Radius, Recipient, RootCandidate, Slot};
use super::lineage::Whom;
use super::permission::Verb;
use super::rca::{CauseKind, Learnt};
use super::runbook::Runbook;
use super::{PersonId, Role, Severity, Signal, Time};

/// What opens an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// Somebody declares it.
    Declare(Box<Declaration>),
    /// A monitor's signal that belongs to no other.
    Receive {
        /// What the monitor said.
        signal: Box<Signal>,
        /// Why it opens one.
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
pub enum Command {
    /// A monitor's signal for this incident.
    Receive {
        /// What the monitor said.
        signal: Signal,
        /// The alert of this incident with the same key, if there is one.
        known: Option<String>,
        /// Why it belongs here.
        because: super::reason::JoinReason,
        /// Whether it joins without making the incident worse, and without many words.
        quiet: bool,
    },
    /// It is part of another incident.
    Merge {
        /// The other's uid.
        into: String,
        /// The other's name.
        name: String,
    },
    /// Say of its alerts whether they were worth it.
    Judge {
        /// Useful, expected, false.
        verdict: super::incident::Verdict,
    },
    /// An alert belongs elsewhere.
    MoveAlert {
        /// Its id.
        alert: String,
        /// The uid and name of the incident it belongs to; a new one without.
        to: Option<(String, String)>,
    },
    /// Somebody has it.
    Acknowledge,
    /// Take a role oneself.
    Take {
        /// Which.
        role: Role,
    },
    /// Give roles to people.
    Assign {
        /// Who gets what.
        roles: BTreeMap<Role, Vec<PersonId>>,
        /// Who gives back what.
        #[serde(default)]
        without: BTreeMap<Role, Vec<PersonId>>,
    },
    /// Answer a request for the command.
    AnswerHandover {
        /// Which request.
        request: String,
        /// Hand over, or keep it.
        accept: bool,
    },
    /// Two minutes are over.
    HandoverDue {
        /// Which request.
        request: String,
    },
    /// Is there a commander by now?
    CheckCommander {
        /// How often that was asked before.
        #[serde(default)]
        asked: u32,
    },
    /// Give a role back.
    Leave {
        /// Which; all of them without.
        role: Option<Role>,
    },
    /// Remind of updates later, or no more.
    Remind {
        /// In so many minutes; never without.
        minutes: Option<u32>,
    },
    /// Write down what was tried, or ruled out.
    Tried {
        /// What, and what came of it.
        text: String,
        /// It is not the cause.
        ruled_out: bool,
    },
    /// Correct a line of the timeline.
    Amend {
        /// The line as it is.
        line: Box<super::Entry>,
        /// Its words, if they change.
        text: Option<String>,
        /// Its time, if that changes.
        at: Option<Time>,
    },
    /// A message on the timeline was changed or deleted in Slack.
    EditPin {
        /// Which.
        message: MessageRef,
        /// Its words now.
        text: Option<String>,
    },
    /// Give a task to somebody.
    AssignTask {
        /// Which.
        task: u32,
        /// Who.
        assignee: PersonId,
    },
    /// Tell those, too, who were told of an incident that was merged into this one.
    Inherit {
        /// Who.
        told: Vec<super::incident::Notification>,
    },
    /// Was a promise kept by now?
    CheckTask {
        /// Which.
        task: u32,
    },
    /// Has anybody acknowledged it by now?
    CheckAcknowledged {
        /// How often that was asked before.
        asked: u32,
    },
    /// Decide how bad it is.
    SetSeverity {
        /// Now.
        severity: Severity,
    },
    /// Tell people how it stands.
    Update {
        /// What they are told.
        text: String,
        /// When they hear again.
        next: Option<Time>,
    },
    /// Did the promised update come?
    CheckUpdate {
        /// What was promised.
        promised: Time,
    },
    /// Write something down.
    Note {
        /// What.
        text: String,
    },
    /// Put a message on the timeline.
    Pin {
        /// Where it is.
        message: MessageRef,
        /// Who wrote it.
        author: PersonId,
        /// What it says.
        text: String,
    },
    /// Take it off again.
    Unpin {
        /// Where it is.
        message: MessageRef,
    },
    /// Bring a runbook.
    AttachRunbook {
        /// The whole of it, since decisions read no files.
        runbook: Runbook,
        /// Why this one.
        because: super::reason::RunbookReason,
    },
    /// A step was done.
    StepDone {
        /// From 1.
        step: usize,
        /// What was seen.
        note: Option<String>,
    },
    /// A step is left out.
    StepSkip {
        /// From 1.
        step: usize,
        /// Why.
        reason: String,
    },
    /// When the data went bad.
    Since {
        /// That moment.
        at: Time,
    },
    /// When the data was good again.
    GoodAgain {
        /// That moment.
        at: Time,
    },
    /// What mended it.
    Fix {
        /// In words.
        text: String,
    },
    /// Promise something.
    AddTask {
        /// What.
        text: String,
        /// Who.
        assignee: Option<PersonId>,
        /// By when.
        due: Option<Time>,
    },
    /// Keep a promise.
    FinishTask {
        /// Which.
        task: u32,
    },
    /// Page somebody now.
    Page {
        /// A service's name, or a person.
        target: String,
        /// What it says.
        text: Option<String>,
    },
    /// Consumers are protected.
    Mitigate {
        /// How.
        text: Option<String>,
    },
    /// It is over.
    Resolve {
        /// In words.
        text: Option<String>,
        /// Why it ends.
        #[serde(default)]
        ending: super::incident::Ending,
    },
    /// It is not over.
    Reopen {
        /// Why.
        reason: String,
    },
    /// Draft the post-mortem.
    DraftPostmortem,
    /// The post-mortem was read with those concerned.
    Review,
    /// Write down what a look at something showed.
    Look {
        /// At what.
        look: Look,
        /// What it showed.
        finding: String,
    },
    /// Answer a why.
    Why {
        /// Which; the last one without.
        answers: Option<u32>,
        /// The answer.
        text: String,
    },
    /// Name the cause.
    Cause {
        /// Where it lies.
        kind: CauseKind,
        /// In words.
        text: String,
    },
    /// Say what was learnt.
    Learn {
        /// What a look back sees.
        what: Learnt,
        /// In words.
        text: String,
    },
    /// Page one person.
    PagePerson {
        /// Who.
        person: PersonId,
        /// What to say; the title without.
        text: Option<String>,
    },
    /// Page again, since nobody answers.
    Escalate {
        /// What to say; the title without.
        text: Option<String>,
    },
    /// Tell people outside.
    Notify {
        /// As producers, or as consumers.
        whom: Whom,
        /// Who is to be told, as the lineage has it now.
        recipients: Vec<Recipient>,
        /// What to add in own words.
        text: Option<String>,
    },
    /// Tell somebody outside no more of this incident, or again.
    Mute {
        /// Who: a team's name, or a Slack id.
        recipient: String,
        /// No more, or again.
        muted: bool,
    },
    /// Tell me too.
    Subscribe,
    /// Tell me no more.
    Unsubscribe,

    /// PagerDuty says how a page stands.
    PagerSays {
        /// Which.
        key: String,
        /// What it says.
        news: PagerNews,
        /// PagerDuty's own page about it.
        url: Option<String>,
    },

    /// How the lineage judges it now.
    Assess {
        /// Where it may have started.
        candidates: Vec<RootCandidate>,
        /// What it reaches.
        radius: Option<Radius>,
        /// Who is told without being asked, by the configured tiers.
        tell: Vec<Recipient>,
        /// Who asked to be told of what it reaches.
        #[serde(default)]
        followers: Vec<Recipient>,
    },
    /// The first message to somebody outside stands.
    NoticeDelivered {
        /// To whom, by key.
        recipient: String,
        /// Where.
        message: MessageRef,
    },
    /// The picture of the lineage is in the channel.
    PictureShown {
        /// The picture.
        picture: Picture,
    },

    /// Slack made the channel.
    ChannelReady {
        /// The channel.
        channel: Channel,
    },
    /// Work in a channel that is there already.
    Link {
        /// Its id.
        channel: String,
    },
    /// The channel is archived, deleted, or closed to Muster.
    ChannelGone {
        /// Which.
        channel: String,
        /// Why, in words.
        why: String,
    },
    /// Is it time to archive the channel?
    CheckArchive {
        /// When it was resolved.
        resolved: Time,
        /// When it was reviewed, if that is what it waits for.
        #[serde(default)]
        reviewed: Option<Time>,
    },
    /// Slack archived the channel, as was asked.
    ChannelArchived {
        /// Which.
        channel: String,
    },
    /// Did the opening come about?
    CheckOpening,
    /// A message that is kept true was posted.
    MessagePosted {
        /// Which.
        slot: Slot,
        /// Where.
        message: MessageRef,
    },
    /// PagerDuty accepted a page.
    PageAccepted {
        /// Which.
        key: String,
    },
    /// PagerDuty refuses a page for good.
    PageRefused {
        /// Which.
        key: String,
        /// Its reason.
        why: String,
    },
    /// Something will never be delivered.
    GiveUp {
        /// What.
        what: String,
        /// Why.
        why: String,
        /// Whether to say it in the channel; not when saying things is what fails.
        say: bool,
    },
    /// The draft is in the channel.
    PostmortemPosted {
        /// The canvas it also is, if it is one.
        #[serde(default)]
        canvas: Option<String>,
    },
}

/// An incident that a person opens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// One line.
    pub title: String,
    /// How bad, if the person said so.
    pub severity: Option<Severity>,
    /// What is wrong with the data, if the person said so.
    #[serde(default)]
    pub pillar: Option<super::Pillar>,
    /// What it is about, if the person said so.
    pub asset: Option<super::AssetName>,
    /// More words.
    pub text: Option<String>,
    /// Practice: pages nobody, tells nobody outside, counts nowhere.
    #[serde(default)]
    pub drill: bool,
    /// In a private channel, announced nowhere.
    #[serde(default)]
    pub private: bool,
    /// The message that made them do it, with who wrote it and its words.
    #[serde(default)]
    pub from: Option<(MessageRef, PersonId, String)>,
}

/// What PagerDuty's webhook says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagerNews {
    /// Somebody was notified.
    Triggered,
    /// Somebody took it.
    Acknowledged,
    /// It was closed.
    Resolved,
}

impl Command {
    /// Whom it gives something to do.
    pub fn gives_to(&self) -> Vec<&PersonId> {
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
            Self::HandoverDue { .. }
            | Self::CheckCommander { .. }
            | Self::CheckTask { .. }
            | Self::Inherit { .. }
            | Self::ChannelGone { .. }
            | Self::CheckArchive { .. }
            | Self::ChannelArchived { .. }
            | Self::CheckOpening
            | Self::EditPin { .. }
            | Self::CheckAcknowledged { .. }
            | Self::Assess { .. }
            | Self::NoticeDelivered { .. }
            | Self::PictureShown { .. }
            | Self::CheckUpdate { .. }
            | Self::ChannelReady { .. }
            | Self::MessagePosted { .. }
            | Self::PageAccepted { .. }
            | Self::PageRefused { .. }
            | Self::GiveUp { .. }
            | Self::PostmortemPosted { .. } => Verb::Outcome,
        }
    }
}
