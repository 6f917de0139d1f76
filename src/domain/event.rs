//! What happened, in the past tense. An incident's timeline is the list of these, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::incident::{Channel, Duty, Ending, MessageRef, Picture, Radius, Recipient, RootCandidate, Slot};
use super::lineage::Whom;
use super::rca::{Cause, Learnt};
use super::reason::{Asked, ChannelLoss, Gap, JoinReason, Missing, PageText, RunbookReason, SeverityReason};
use super::{AssetName, IncidentId, Pillar, Role, Severity, Signal, Time, UserId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Actor {
    Person { id: UserId },
    Monitor { source: String },
    /// Somebody in PagerDuty, or PagerDuty itself.
    PagerDuty { name: String },
    /// Muster itself: timers and outcomes of deliveries.
    Muster,
}

impl Actor {
    /// The person, if it is one.
    pub fn person(&self) -> Option<&UserId> {
        match self {
            Self::Person { id } => Some(id),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub uid: IncidentId,
    pub number: u64,
    pub title: String,
    pub severity: Severity,
    pub severity_because: SeverityReason,
    pub pillar: Pillar,
    /// The configured service that answers for it.
    pub service: Option<String>,
    /// The source that opened it; `None` when a person did.
    pub source: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// When it was first seen, by the monitor's or person's clock.
    pub detected_at: Time,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A fact about an incident. Each says enough to rebuild the state and to be read later without the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all = "snake_case")]
#[rustfmt::skip]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The incident began, by an alert or by a person.
    Opened(Opened),
    /// Who was on duty when it began.
    DutyNamed { duty: Vec<Duty> },
    /// An asset was named as broken.
    AssetNamed { asset: AssetName },
    /// Alerts became part of it, in one commit. What their monitors said stands in the alerts' own records.
    /// `joined`: at most [`MAX_JOINED`].
    AlertsJoined { joined: Vec<Joined> },
    /// An alert became part of it: as it was written before [`Event::AlertsJoined`].
    /// `inhibited`: whether it is only here because what it is made of is broken.
    AlertJoined { alert: String, signal: Signal, because: JoinReason, #[serde(default, skip_serializing_if = "std::ops::Not::not")] inhibited: bool },
    /// It is part of another incident, and goes on there.
    Merged { into: IncidentId, name: String },
    /// What somebody says of its alerts, afterwards.
    Judged { verdict: super::incident::Verdict },
    /// An alert belongs elsewhere, somebody says.
    /// `to`: the name of the incident where it goes; one of its own without.
    AlertMoved { alert: String, source: String, key: String, title: String, to: Option<String> },
    /// An alert that was over fires again.
    AlertFiredAgain { alert: String, title: String },
    /// An alert that fires is worse than it was.
    AlertWorsened { alert: String, title: String, level: super::Level },
    /// A monitor says that an alert is over.
    AlertResolved { alert: String, title: String },
    /// No alert fires any more.
    AllGreen,
    Acknowledged,
    /// A person got a role.
    /// `from`: who had it before, if it changed hands.
    /// `also`: the other roles of this person, when that is worth saying aloud.
    RoleGranted { role: Role, person: UserId, from: Option<UserId>, also: Vec<Role> },
    /// A person gave a role back.
    RoleLeft { role: Role, person: UserId },
    /// Somebody asks for the command of somebody who is present.
    HandoverRequested { id: String, by: UserId, holder: UserId, due: Time },
    /// The commander keeps the command.
    HandoverDeclined { by: UserId },
    /// Nobody has taken the command in time.
    /// `minutes`: for how many minutes.
    CommanderMissing { minutes: i64, #[serde(default)] people: Vec<UserId> },
    /// Nobody has acknowledged it for a while.
    /// `minutes`: for how many minutes.
    StillPending { minutes: i64 },
    /// How bad it is was decided anew.
    SeverityChanged { from: Severity, to: Severity },
    /// People were told how it stands.
    UpdatePosted { text: String, next: Option<Time> },
    /// A promised update did not come.
    UpdateOverdue { promised: Time },
    /// Nobody was told anything for a while.
    UpdateDue { since: Time },
    /// When people are reminded of an update; never without.
    ReminderSet { at: Option<Time> },
    /// Something was tried, or ruled out.
    /// `ruled_out`: it is not the cause.
    Tried { text: String, ruled_out: bool },
    /// A line of the timeline was corrected.
    Amended { line: u64, text: Option<String>, at: Option<Time> },
    /// A message on the timeline was changed in Slack.
    /// `text`: its words now; none once it was deleted.
    PinEdited { message: MessageRef, text: Option<String> },
    Noted { text: String },
    /// Somebody put a message of the channel on the timeline.
    MessagePinned { message: MessageRef, author: UserId, text: String },
    /// The pin was taken off again.
    MessageUnpinned { message: MessageRef },
    RunbookAttached { runbook: String, title: String, steps: Vec<String>, because: RunbookReason },
    /// A step was done.
    /// `step`: from 1.
    StepDone { step: usize, text: String, note: Option<String> },
    /// A step was left out.
    /// `step`: from 1.
    StepSkipped { step: usize, text: String, reason: String },
    /// Since when the data is bad.
    BadSince { at: Time },
    /// Since when the data is good again downstream.
    GoodAgain { at: Time },
    FixRecorded { text: String },
    /// `task`: from 1.
    TaskAdded { task: u32, text: String, assignee: Option<UserId>, due: Option<Time> },
    TaskDone { task: u32, text: String },
    /// A promise goes to somebody.
    TaskAssigned { task: u32, text: String, assignee: UserId },
    /// A promise is due and not kept.
    TaskDue { task: u32, text: String, assignee: Option<UserId> },
    /// A page was decided on; its key is stored before anything is sent.
    /// `person`: who, where it is one person; by PagerDuty's REST API then.
    /// `key`: the key that makes a repeat the same page.
    PageRequested {
        #[serde(default, skip_serializing_if = "Option::is_none")] person: Option<UserId>, key: String, target: String, text: PageText,
    },
    /// PagerDuty accepted the page. Nobody need have been notified yet.
    PageHandedOver { key: String, target: String },
    /// PagerDuty refuses the page for good.
    PageFailed { key: String, target: String, why: String },
    /// PagerDuty says that it notified somebody.
    Paged { key: String, target: String, url: Option<String> },
    /// Somebody took it in PagerDuty.
    PageAcknowledged { key: String },
    /// It was closed in PagerDuty.
    PageResolved { key: String },
    Mitigated { text: Option<String> },
    /// `gaps`: what a thorough close would have had and this one has not.
    Resolved { text: Option<String>, #[serde(default)] ending: Ending, gaps: Vec<Gap> },
    /// It is not over.
    Reopened { reason: String },
    ChannelOpened { channel: Channel },
    /// It goes on in another channel.
    MovedTo { name: String },
    /// The channel was lost: archived, deleted, or Muster was put out of it.
    ChannelLost { name: String, why: ChannelLoss },
    /// Muster archived the channel, as the configuration says.
    ChannelArchived { name: String },
    /// How a drill went.
    /// `points`: what was asked of people, and what of it was done.
    DrillScored { points: Vec<Point> },
    /// The incident is saved, and something of its opening has not come about yet.
    OpeningPending { missing: Vec<Missing> },
    /// A message that is kept true was posted.
    Posted { slot: Slot, message: MessageRef },
    /// Something could not be delivered and never will be.
    /// `what`: which kind of effect, by [`super::Effect::name`]; in words where an earlier Muster said it.
    /// `why`: why, and what to do, as whoever refused it says.
    DeliveryFailed { what: String, why: String },
    /// Where it may have started was judged anew.
    RootNamed { candidates: Vec<RootCandidate> },
    /// What it reaches was counted anew.
    RadiusMeasured { radius: Radius },
    /// Somebody looked at something and found, or ruled out, something.
    Looked { look: Look, finding: String },
    /// A why was answered.
    /// `number`: its number, from 1.
    /// `answers`: the number of the why that it answers; none for the first.
    Why { number: u32, answers: Option<u32>, text: String },
    /// People agreed on a cause.
    CauseNamed { cause: Cause },
    Learnt { what: Learnt, text: String },
    /// Somebody outside is being told.
    /// `whom`: as producer, or as consumer.
    Notified { recipient: Recipient, whom: Whom },
    /// A round of telling was decided on.
    /// `whom`: as producers, or as consumers.
    NoticesSent { whom: Whom, names: Vec<String>, #[serde(default)] more: usize, text: Option<String> },
    /// The first message to somebody outside stands.
    NoticePosted { recipient: String, message: MessageRef },
    /// Somebody outside wants to hear no more of it, or wants to hear again.
    /// `muted`: no more, or again.
    NoticeMuted { recipient: String, name: String, muted: bool },
    /// The picture of the lineage is in the channel.
    PictureShown { picture: Picture },
    /// Somebody asked for a post-mortem draft.
    PostmortemRequested,
    /// The draft was posted in the channel.
    PostmortemDrafted { #[serde(default)] canvas: Option<String> },
    /// Somebody read the draft with those concerned: it is what is to be learned from it.
    PostmortemReviewed,
    /// Written by a newer Muster; kept, not understood.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The event's name, as it stands in the stored record; also the name of its message template.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

impl Event {
    /// Whether it is only of passing interest: the card says what it comes to.
    pub fn is_chatter(&self) -> bool {
        matches!(
            self,
            Self::AlertsJoined { .. }
                | Self::AlertJoined { .. }
                | Self::AlertFiredAgain { .. }
                | Self::AlertResolved { .. }
                | Self::AlertMoved { .. }
                | Self::PageHandedOver { .. }
                | Self::PageResolved { .. }
        )
    }
}

/// So many alerts one line of the timeline tells of.
pub const MAX_JOINED: usize = 50;

/// An alert that became part of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    pub alert: String,
    pub source: String,
    pub title: String,
    #[serde(default)]
    pub asset: Option<AssetName>,
    #[serde(default)]
    pub url: Option<String>,
    pub because: JoinReason,
    /// Whether it is only here because what it is made of is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inhibited: bool,
}

impl Event {
    /// Takes in the alerts of an event that follows in the same commit; whether it did.
    pub fn absorb(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::AlertsJoined { joined }, Self::AlertsJoined { joined: more })
                if joined.len() + more.len() <= MAX_JOINED =>
            {
                joined.extend(more.iter().cloned());
                true
            }
            _ => false,
        }
    }
}

/// A thing that a real incident asks for, in a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub what: Asked,
    pub done: bool,
    /// How many minutes after the start, where that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
}

/// What one looks at to find the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Look {
    /// What the data comes from and goes to.
    Lineage,
    Code,
    Data,
    Operations,
}

impl Look {
    pub const ALL: [Self; 4] = [Self::Lineage, Self::Code, Self::Data, Self::Operations];

    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The look of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|look| look.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    pub at: Time,
    pub actor: Actor,
    pub event: Event,
}
