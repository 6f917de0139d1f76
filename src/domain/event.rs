//! What happened, in the past tense. An incident's timeline is the list of these, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::{Channel, Duty, Ending, MessageRef, Picture, Radius, Recipient, RootCandidate, Slot};
use super::lineage::Whom;
use super::rca::{Cause, Learnt};
use super::reason::{ChannelLoss, DrillGoal, Gap, JoinReason, Missing, PageText, RunbookReason, SeverityReason};
use super::{AlertId, AssetName, IncidentId, Pillar, Role, Severity, Signal, Time, Undelivered, UserId};
use crate::domain::worded;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Opened {
    pub uid: IncidentId,
    pub number: u64,
    pub title: String,
    pub severity: Severity,
    pub severity_because: SeverityReason,
    pub pillar: Pillar,
    /// The configured service that is responsible for it.
    pub service: Option<String>,
    /// The source that opened it. `None` if a person did.
    pub source: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// When it was first seen, by the monitor's or person's clock.
    #[schema(value_type = DateTime)]
    pub detected_at: Time,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A fact about an incident. It has enough to rebuild the state, and can be read later without the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all = "snake_case")]
#[rustfmt::skip]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The incident was opened, by an alert or by a person.
    Opened(Opened),
    /// Who was on duty when it began.
    DutyNamed { duty: Vec<Duty> },
    /// An asset was named as broken.
    AssetNamed { asset: AssetName },
    /// Alerts joined it in one commit. Their own records have what the monitors said.
    /// `joined`: at most [`MAX_JOINED`].
    AlertsJoined { joined: Vec<Joined> },
    /// An alert joined it. Earlier Musters wrote this, before [`Event::AlertsJoined`].
    /// `inhibited`: it is only here because an asset upstream is broken.
    AlertJoined { alert: AlertId, signal: Signal, because: JoinReason, #[serde(default, skip_serializing_if = "std::ops::Not::not")] inhibited: bool },
    /// It was merged into another incident, and goes on there.
    Merged { into: IncidentId, name: String },
    /// Somebody judged its alerts afterwards.
    Judged { verdict: super::incident::Verdict },
    /// Somebody said that an alert belongs elsewhere.
    /// `to`: the name of the incident that it belongs to. If there is none, it gets a new incident.
    AlertMoved { alert: AlertId, source: String, key: String, title: String, to: Option<String> },
    /// A resolved alert fires again.
    AlertFiredAgain { alert: AlertId, title: String },
    /// A firing alert got worse.
    AlertWorsened { alert: AlertId, title: String, level: super::Level },
    /// A monitor says that an alert is over.
    /// `lapsed`: it is only taken to be over, because nobody repeated it.
    /// `unrecovered`: why this is no recovery.
    /// `ended`: when it ended, by the monitor's clock.
    /// `again`: it was over before, without a recovery.
    AlertResolved { alert: AlertId, title: String, #[serde(default, skip_serializing_if = "std::ops::Not::not")] lapsed: bool, #[serde(default, skip_serializing_if = "Option::is_none")] unrecovered: Option<String>, #[serde(default, skip_serializing_if = "Option::is_none")] #[schema(value_type = Option<DateTime>)] ended: Option<Time>, #[serde(default, skip_serializing_if = "std::ops::Not::not")] again: bool },
    /// No alert fires any more.
    /// `unrecovered`: how many of them ended without a recovery.
    AllGreen { #[serde(default)] unrecovered: u32 },
    Acknowledged,
    /// A person got a role.
    /// `from`: who had it before, if it changed hands.
    /// `also`: the other roles of this person, if people should be told of them.
    RoleGranted { role: Role, person: UserId, from: Option<UserId>, also: Vec<Role> },
    /// A person gave a role back.
    RoleLeft { role: Role, person: UserId },
    /// Somebody asks the present commander for the command.
    HandoverRequested { id: String, by: UserId, holder: UserId, #[schema(value_type = DateTime)] due: Time },
    /// The commander keeps the command.
    HandoverDeclined { by: UserId },
    /// Nobody took the command in time.
    /// `minutes`: for how many minutes.
    CommanderMissing { minutes: i64, #[serde(default)] people: Vec<UserId> },
    /// Nobody acknowledged it for a while.
    /// `minutes`: for how many minutes.
    StillPending { minutes: i64 },
    /// The severity was changed.
    SeverityChanged { from: Severity, to: Severity },
    /// People were told how it stands.
    /// `impact`: what it means for those who use the data. Earlier Musters stored it as a line of the text.
    UpdatePosted { text: String, #[schema(value_type = Option<DateTime>)] next: Option<Time>, impact: Option<String> },
    /// A promised update did not come.
    UpdateOverdue { #[schema(value_type = DateTime)] promised: Time },
    /// Nobody was told anything for a while.
    UpdateDue { #[schema(value_type = DateTime)] since: Time },
    /// When people are reminded of an update. If there is no time, never.
    ReminderSet { #[schema(value_type = Option<DateTime>)] at: Option<Time> },
    /// Something was tried, or ruled out.
    /// `ruled_out`: it is not the cause.
    Tried { text: String, ruled_out: bool },
    /// A line of the timeline was corrected.
    Amended { line: u64, text: Option<String>, #[schema(value_type = Option<DateTime>)] at: Option<Time> },
    /// A message on the timeline was changed in Slack.
    /// `text`: its words now. `None` after it was deleted.
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
    BadSince { #[schema(value_type = DateTime)] at: Time },
    /// Since when the data is good again downstream.
    GoodAgain { #[schema(value_type = DateTime)] at: Time },
    FixRecorded { text: String },
    /// `task`: from 1.
    TaskAdded { task: u32, text: String, assignee: Option<UserId>, #[schema(value_type = Option<DateTime>)] due: Option<Time> },
    TaskDone { task: u32, text: String },
    /// A task was given to somebody.
    TaskAssigned { task: u32, text: String, assignee: UserId },
    /// A task is due and not done.
    TaskDue { task: u32, text: String, assignee: Option<UserId> },
    /// Muster decided to page. The key is stored before anything is sent.
    /// `person`: the person, if one person is paged. Then PagerDuty's REST API is used.
    /// `key`: the key by which PagerDuty knows that a repeat is the same page.
    PageRequested {
        #[serde(default, skip_serializing_if = "Option::is_none")] person: Option<UserId>, key: String, target: String, text: PageText,
    },
    /// PagerDuty accepted the page. Perhaps nobody was notified yet.
    PageHandedOver { key: String, target: String },
    /// PagerDuty refuses the page for good.
    PageFailed { key: String, target: String, why: Undelivered },
    /// PagerDuty says that it opened an incident for it. It notifies whoever is on call.
    Paged { key: String, target: String, url: Option<String> },
    /// Somebody acknowledged it in PagerDuty.
    PageAcknowledged { key: String },
    /// It was closed in PagerDuty.
    PageResolved { key: String },
    Mitigated { text: Option<String> },
    /// `gaps`: what is still missing for a thorough close.
    Resolved { text: Option<String>, #[serde(default)] ending: Ending, gaps: Vec<Gap> },
    /// It was reopened.
    Reopened { reason: String },
    ChannelOpened { channel: Channel },
    /// It goes on in another channel.
    MovedTo { name: String },
    /// The channel was lost: it was archived or deleted, or Muster was removed from it.
    ChannelLost { name: String, why: ChannelLoss },
    /// Muster archived the channel, as the configuration says.
    ChannelArchived { name: String },
    /// How a drill went.
    /// `points`: what was asked of people, and which of it was done.
    DrillScored { points: Vec<Point> },
    /// The incident is saved, but part of its opening is not done yet.
    OpeningPending { missing: Vec<Missing> },
    /// A message that Muster keeps up to date was posted.
    Posted { slot: Slot, message: MessageRef },
    /// Something could not be delivered, and Muster gave up.
    /// `what`: the kind of effect, by [`super::Effect::name`]. Earlier Musters stored it in words.
    DeliveryFailed { what: String, why: Undelivered },
    /// The root-cause candidates were ranked again.
    RootNamed { candidates: Vec<RootCandidate> },
    /// The blast radius was counted again.
    RadiusMeasured { radius: Radius },
    /// Somebody looked at something and found, or ruled out, something.
    Looked { look: Look, finding: String },
    /// A why was answered.
    /// `number`: its number, from 1.
    /// `answers`: the number of the why that it answers. `None` for the first.
    Why { number: u32, answers: Option<u32>, text: String },
    /// People agreed on a cause.
    CauseNamed { cause: Cause },
    Learnt { what: Learnt, text: String },
    /// Somebody outside is being told.
    /// `whom`: as producer, or as consumer.
    Notified { recipient: Recipient, whom: Whom },
    /// Muster decided to tell several people or teams. Whether they were told shows later.
    /// `whom`: as producers, or as consumers.
    NoticesSent { whom: Whom, names: Vec<String>, #[serde(default)] more: usize, text: Option<String> },
    /// The first message to somebody outside was sent.
    NoticePosted { recipient: String, message: MessageRef },
    /// The mail server took the first letter to somebody outside.
    NoticeMailed { recipient: String, name: String, address: String },
    /// A message to somebody outside will never be delivered in this way.
    /// `instead`: the address to which it goes instead.
    NoticeRefused { recipient: String, name: String, why: Undelivered, instead: Option<String> },
    /// Somebody outside wants to hear no more about it, or wants to hear again.
    /// `muted`: stop if true, start again if false.
    NoticeMuted { recipient: String, name: String, muted: bool },
    /// The picture of the lineage is in the channel.
    PictureShown { picture: Picture },
    /// Somebody asked for a post-mortem draft.
    PostmortemRequested,
    /// The draft was posted in the channel.
    PostmortemDrafted { canvas: Option<String> },
    /// Somebody reviewed the post-mortem with the people concerned. It is now what should be learned.
    PostmortemReviewed,
    /// A newer Muster wrote it. It is kept, but not understood.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The event's name, as in the stored record. It is also the name of its message template.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Adds the alerts of a later event of the same commit. Returns whether it could.
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

    /// Whether it matters only for a moment. The card shows the result.
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

/// The most alerts that one line of the timeline names.
pub const MAX_JOINED: usize = 50;

/// An alert that joined an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Joined {
    pub alert: AlertId,
    pub source: String,
    pub title: String,
    pub asset: Option<AssetName>,
    pub url: Option<String>,
    pub because: JoinReason,
    /// Whether it is only here because an asset upstream is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inhibited: bool,
    /// What the monitor did not send with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// Something that a real incident asks of people, in a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    pub what: DrillGoal,
    pub done: bool,
    /// How many minutes after the start it was done, if that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
}

worded! {
    /// What people look at to find the cause.
    pub enum Look {
        /// The assets upstream and downstream.
        Lineage = "lineage",
        Code = "code",
        Data = "data",
        Operations = "operations",
    }
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    #[schema(value_type = DateTime)]
    pub at: Time,
    pub actor: Actor,
    pub event: Event,
}
