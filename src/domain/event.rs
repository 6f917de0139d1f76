//! What happened, in the past tense. An incident's timeline is the list of these, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::incident::{Channel, Duty, Ending, MessageRef, Picture, Radius, Recipient, RootCandidate, Slot};
use super::lineage::Whom;
use super::rca::{Cause, Learnt};
use super::reason::{Asked, ChannelLoss, Gap, JoinReason, Missing, PageText, RunbookReason, SeverityReason};
use super::{AssetName, PersonId, Pillar, Role, Severity, Signal, Time};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// Somebody in Slack.
    Person {
        /// Slack's user id.
        id: PersonId,
    },
    /// A monitor.
    Monitor {
        /// The configured source.
        source: String,
    },
    /// Somebody in PagerDuty, or PagerDuty itself.
    PagerDuty {
        /// The name PagerDuty gave.
        name: String,
    },
    /// Muster itself: timers and outcomes of deliveries.
    Muster,
}

impl Actor {
    /// The person, if it is one.
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person { id } => Some(id),
            _ => None,
        }
    }
}

/// How an incident began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The id inside.
    pub uid: String,
    /// The number people say.
    pub number: u64,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Why this severity.
    pub severity_because: SeverityReason,
    /// What is wrong.
    pub pillar: Pillar,
    /// The configured service that answers for it.
    pub service: Option<String>,
    /// The source that opened it; `None` when a person did.
    pub source: Option<String>,
    /// The alert's labels.
    pub labels: BTreeMap<String, String>,
    /// When it was first seen, by the monitor's or person's clock.
    pub detected_at: Time,
    /// Practice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// For few eyes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A fact about an incident. Each says enough to rebuild the state and to be read later without the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The incident began, by an alert or by a person.
    Opened(Opened),
    /// Who was on duty when it began.
    DutyNamed {
        /// By rotation.
        duty: Vec<Duty>,
    },
    /// An asset was named as broken.
    AssetNamed {
        /// Which.
        asset: AssetName,
    },
    /// Alerts became part of it, in one commit. What their monitors said stands in the alerts' own records.
    AlertsJoined {
        /// At most [`MAX_JOINED`].
        joined: Vec<Joined>,
    },
    /// An alert became part of it: as it was written before [`Event::AlertsJoined`].
    AlertJoined {
        /// The alert's id.
        alert: String,
        /// What the monitor said.
        signal: Signal,
        /// Why it belongs here.
        because: JoinReason,
        /// Whether it is only here because what it is made of is broken.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        inhibited: bool,
    },
    /// It is part of another incident, and goes on there.
    Merged {
        /// The other's uid.
        into: String,
        /// The other's name.
        name: String,
    },
    /// What somebody says of its alerts, afterwards.
    Judged {
        /// Useful, expected, false.
        verdict: super::incident::Verdict,
    },
    /// An alert belongs elsewhere, somebody says.
    AlertMoved {
        /// The alert's id.
        alert: String,
        /// Its source.
        source: String,
        /// The monitor's key.
        key: String,
        /// Its title.
        title: String,
        /// The name of the incident where it goes; one of its own without.
        to: Option<String>,
    },
    /// An alert that was over fires again.
    AlertFiredAgain {
        /// The alert's id.
        alert: String,
        /// Its title.
        title: String,
    },
    /// An alert that fires is worse than it was.
    AlertWorsened {
        /// The alert's id.
        alert: String,
        /// Its title.
        title: String,
        /// How bad it is now.
        level: super::Level,
    },
    /// A monitor says that an alert is over.
    AlertResolved {
        /// The alert's id.
        alert: String,
        /// Its title.
        title: String,
    },
    /// No alert fires any more.
    AllGreen,
    /// Somebody has it.
    Acknowledged,
    /// A person got a role.
    RoleGranted {
        /// Which.
        role: Role,
        /// Who.
        person: PersonId,
        /// Who had it before, if it changed hands.
        from: Option<PersonId>,
        /// The other roles of this person, when that is worth saying aloud.
        also: Vec<Role>,
    },
    /// A person gave a role back.
    RoleLeft {
        /// Which.
        role: Role,
        /// Who.
        person: PersonId,
    },
    /// Somebody asks for the command of somebody who is present.
    HandoverRequested {
        /// Names the request.
        id: String,
        /// Who asks.
        by: PersonId,
        /// Who has it.
        holder: PersonId,
        /// When it goes through by itself.
        due: Time,
    },
    /// The commander keeps the command.
    HandoverDeclined {
        /// Who asked.
        by: PersonId,
    },
    /// Nobody has taken the command in time.
    CommanderMissing {
        /// For how many minutes.
        minutes: i64,
        /// Who is on duty for it.
        #[serde(default)]
        people: Vec<PersonId>,
    },
    /// Nobody has acknowledged it for a while.
    StillPending {
        /// For how many minutes.
        minutes: i64,
    },
    /// How bad it is was decided anew.
    SeverityChanged {
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
    },
    /// People were told how it stands.
    UpdatePosted {
        /// What they were told.
        text: String,
        /// When they hear again.
        next: Option<Time>,
    },
    /// A promised update did not come.
    UpdateOverdue {
        /// When it was promised for.
        promised: Time,
    },
    /// Nobody was told anything for a while.
    UpdateDue {
        /// Since when.
        since: Time,
    },
    /// When people are reminded of an update; never without.
    ReminderSet {
        /// When.
        at: Option<Time>,
    },
    /// Something was tried, or ruled out.
    Tried {
        /// What, and what came of it.
        text: String,
        /// It is not the cause.
        ruled_out: bool,
    },
    /// A line of the timeline was corrected.
    Amended {
        /// Its number.
        line: u64,
        /// Its words now.
        text: Option<String>,
        /// Its time now.
        at: Option<Time>,
    },
    /// A message on the timeline was changed in Slack.
    PinEdited {
        /// The message.
        message: MessageRef,
        /// Its words now; none once it was deleted.
        text: Option<String>,
    },
    /// Somebody wrote something down.
    Noted {
        /// What.
        text: String,
    },
    /// Somebody put a message of the channel on the timeline.
    MessagePinned {
        /// The message.
        message: MessageRef,
        /// Who wrote it.
        author: PersonId,
        /// What it said.
        text: String,
    },
    /// The pin was taken off again.
    MessageUnpinned {
        /// The message.
        message: MessageRef,
    },
    /// A runbook was brought.
    RunbookAttached {
        /// Its id.
        runbook: String,
        /// Its title.
        title: String,
        /// Its steps.
        steps: Vec<String>,
        /// Why this one.
        because: RunbookReason,
    },
    /// A step was done.
    StepDone {
        /// From 1.
        step: usize,
        /// Its words.
        text: String,
        /// What was seen.
        note: Option<String>,
    },
    /// A step was left out.
    StepSkipped {
        /// From 1.
        step: usize,
        /// Its words.
        text: String,
        /// Why.
        reason: String,
    },
    /// Since when the data is bad.
    BadSince {
        /// That moment.
        at: Time,
    },
    /// Since when the data is good again downstream.
    GoodAgain {
        /// That moment.
        at: Time,
    },
    /// What mended it.
    FixRecorded {
        /// In words.
        text: String,
    },
    /// A promise.
    TaskAdded {
        /// From 1.
        task: u32,
        /// What.
        text: String,
        /// Who.
        assignee: Option<PersonId>,
        /// By when.
        due: Option<Time>,
    },
    /// A promise kept.
    TaskDone {
        /// Which.
        task: u32,
        /// What it was.
        text: String,
    },
    /// A promise goes to somebody.
    TaskAssigned {
        /// Which.
        task: u32,
        /// What it is.
        text: String,
        /// Who.
        assignee: PersonId,
    },
    /// A promise is due and not kept.
    TaskDue {
        /// Which.
        task: u32,
        /// What it is.
        text: String,
        /// Who promised it.
        assignee: Option<PersonId>,
    },
    /// A page was decided on; its key is stored before anything is sent.
    PageRequested {
        /// Who, where it is one person; by PagerDuty's REST API then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
        /// The key that makes a repeat the same page.
        key: String,
        /// Whom it is for.
        target: String,
        /// What it says.
        text: PageText,
    },
    /// PagerDuty accepted the page. Nobody need have been notified yet.
    PageHandedOver {
        /// Which.
        key: String,
        /// Whom it is for.
        target: String,
    },
    /// PagerDuty refuses the page for good.
    PageFailed {
        /// Which.
        key: String,
        /// Whom it was for.
        target: String,
        /// PagerDuty's reason.
        why: String,
    },
    /// PagerDuty says that it notified somebody.
    Paged {
        /// Which.
        key: String,
        /// Whom it is for.
        target: String,
        /// PagerDuty's own page.
        url: Option<String>,
    },
    /// Somebody took it in PagerDuty.
    PageAcknowledged {
        /// Which.
        key: String,
    },
    /// It was closed in PagerDuty.
    PageResolved {
        /// Which.
        key: String,
    },
    /// Consumers are protected.
    Mitigated {
        /// How.
        text: Option<String>,
    },
    /// It is over.
    Resolved {
        /// What was said.
        text: Option<String>,
        /// Why it ended.
        #[serde(default)]
        ending: Ending,
        /// What a thorough close would have had and this one has not.
        gaps: Vec<Gap>,
    },
    /// It is not over.
    Reopened {
        /// Why.
        reason: String,
    },
    /// Slack made the channel.
    ChannelOpened {
        /// The channel.
        channel: Channel,
    },
    /// It goes on in another channel.
    MovedTo {
        /// Which.
        name: String,
    },
    /// The channel was lost: archived, deleted, or Muster was put out of it.
    ChannelLost {
        /// Which.
        name: String,
        /// Why.
        why: ChannelLoss,
    },
    /// Muster archived the channel, as the configuration says.
    ChannelArchived {
        /// Which.
        name: String,
    },
    /// How a drill went.
    DrillScored {
        /// What was asked of people, and what of it was done.
        points: Vec<Point>,
    },
    /// The incident is saved, and something of its opening has not come about yet.
    OpeningPending {
        /// What.
        missing: Vec<Missing>,
    },
    /// A message that is kept true was posted.
    Posted {
        /// Which.
        slot: Slot,
        /// Where.
        message: MessageRef,
    },
    /// Something could not be delivered and never will be.
    DeliveryFailed {
        /// Which kind of effect, by [`super::Effect::name`]; in words where an earlier Muster said it.
        what: String,
        /// Why, and what to do, as whoever refused it says.
        why: String,
    },
    /// Where it may have started was judged anew.
    RootNamed {
        /// The likeliest first.
        candidates: Vec<RootCandidate>,
    },
    /// What it reaches was counted anew.
    RadiusMeasured {
        /// How much.
        radius: Radius,
    },
    /// Somebody looked at something and found, or ruled out, something.
    Looked {
        /// At what.
        look: Look,
        /// What was found.
        finding: String,
    },
    /// A why was answered.
    Why {
        /// Its number, from 1.
        number: u32,
        /// The number of the why that it answers; none for the first.
        answers: Option<u32>,
        /// The answer.
        text: String,
    },
    /// People agreed on a cause.
    CauseNamed {
        /// Which.
        cause: Cause,
    },
    /// Something was learnt.
    Learnt {
        /// What a look back sees.
        what: Learnt,
        /// In their words.
        text: String,
    },
    /// Somebody outside is being told.
    Notified {
        /// Who.
        recipient: Recipient,
        /// As producer, or as consumer.
        whom: Whom,
    },
    /// A round of telling was decided on.
    NoticesSent {
        /// As producers, or as consumers.
        whom: Whom,
        /// The names of the first.
        names: Vec<String>,
        /// How many more.
        #[serde(default)]
        more: usize,
        /// What was added in own words.
        text: Option<String>,
    },
    /// The first message to somebody outside stands.
    NoticePosted {
        /// To whom, by key.
        recipient: String,
        /// Where.
        message: MessageRef,
    },
    /// Somebody outside wants to hear no more of it, or wants to hear again.
    NoticeMuted {
        /// Who, by key.
        recipient: String,
        /// Their name.
        name: String,
        /// No more, or again.
        muted: bool,
    },
    /// The picture of the lineage is in the channel.
    PictureShown {
        /// The picture.
        picture: Picture,
    },
    /// Somebody asked for a post-mortem draft.
    PostmortemRequested,
    /// The draft was posted in the channel.
    PostmortemDrafted {
        /// The canvas it also is.
        #[serde(default)]
        canvas: Option<String>,
    },
    /// Somebody read the draft with those concerned: it is what is to be learned from it.
    PostmortemReviewed,
    /// Written by a newer Muster; kept, not understood.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The event's name, as it stands in the stored record; also the name of its message template.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::AssetNamed { .. } => "asset_named",
            Self::AlertsJoined { .. } => "alerts_joined",
            Self::AlertJoined { .. } => "alert_joined",
            Self::Merged { .. } => "merged",
            Self::Judged { .. } => "judged",
            Self::AlertMoved { .. } => "alert_moved",
            Self::AlertFiredAgain { .. } => "alert_fired_again",
            Self::AlertWorsened { .. } => "alert_worsened",
            Self::AlertResolved { .. } => "alert_resolved",
            Self::AllGreen => "all_green",
            Self::Acknowledged => "acknowledged",
            Self::RoleGranted { .. } => "role_granted",
            Self::DutyNamed { .. } => "duty_named",
            Self::RoleLeft { .. } => "role_left",
            Self::UpdateDue { .. } => "update_due",
            Self::ReminderSet { .. } => "reminder_set",
            Self::Tried { .. } => "tried",
            Self::Amended { .. } => "amended",
            Self::PinEdited { .. } => "pin_edited",
            Self::TaskAssigned { .. } => "task_assigned",
            Self::TaskDue { .. } => "task_due",
            Self::HandoverRequested { .. } => "handover_requested",
            Self::HandoverDeclined { .. } => "handover_declined",
            Self::CommanderMissing { .. } => "commander_missing",
            Self::StillPending { .. } => "still_pending",
            Self::SeverityChanged { .. } => "severity_changed",
            Self::UpdatePosted { .. } => "update_posted",
            Self::UpdateOverdue { .. } => "update_overdue",
            Self::Noted { .. } => "noted",
            Self::MessagePinned { .. } => "message_pinned",
            Self::MessageUnpinned { .. } => "message_unpinned",
            Self::RunbookAttached { .. } => "runbook_attached",
            Self::StepDone { .. } => "step_done",
            Self::StepSkipped { .. } => "step_skipped",
            Self::BadSince { .. } => "bad_since",
            Self::GoodAgain { .. } => "good_again",
            Self::FixRecorded { .. } => "fix_recorded",
            Self::TaskAdded { .. } => "task_added",
            Self::TaskDone { .. } => "task_done",
            Self::PageRequested { .. } => "page_requested",
            Self::PageHandedOver { .. } => "page_handed_over",
            Self::PageFailed { .. } => "page_failed",
            Self::Paged { .. } => "paged",
            Self::PageAcknowledged { .. } => "page_acknowledged",
            Self::PageResolved { .. } => "page_resolved",
            Self::Mitigated { .. } => "mitigated",
            Self::Resolved { .. } => "resolved",
            Self::Reopened { .. } => "reopened",
            Self::ChannelOpened { .. } => "channel_opened",
            Self::MovedTo { .. } => "moved_to",
            Self::ChannelLost { .. } => "channel_lost",
            Self::ChannelArchived { .. } => "channel_archived",
            Self::DrillScored { .. } => "drill_scored",
            Self::OpeningPending { .. } => "opening_pending",
            Self::Posted { .. } => "posted",
            Self::DeliveryFailed { .. } => "delivery_failed",
            Self::RootNamed { .. } => "root_named",
            Self::RadiusMeasured { .. } => "radius_measured",
            Self::Looked { .. } => "looked",
            Self::Why { .. } => "why",
            Self::CauseNamed { .. } => "cause_named",
            Self::Learnt { .. } => "learnt",
            Self::Notified { .. } => "notified",
            Self::NoticesSent { .. } => "notices_sent",
            Self::NoticePosted { .. } => "notice_posted",
            Self::NoticeMuted { .. } => "notice_muted",
            Self::PictureShown { .. } => "picture_shown",
            Self::PostmortemRequested => "postmortem_requested",
            Self::PostmortemDrafted { .. } => "postmortem_drafted",
            Self::PostmortemReviewed => "postmortem_reviewed",
            Self::Unknown => "unknown",
        }
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
    /// Its id.
    pub alert: String,
    /// Its source.
    pub source: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub asset: Option<AssetName>,
    /// Where to look.
    #[serde(default)]
    pub url: Option<String>,
    /// Why it belongs here.
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
    /// What.
    pub what: Asked,
    /// Whether it was done.
    pub done: bool,
    /// How many minutes after the start, where that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
}

/// What one looks at to find the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// What the data comes from and goes to.
    Lineage,
    /// What makes it.
    Code,
    /// The values themselves.
    Data,
    /// What it runs on.
    Operations,
}

impl Look {
    /// Every look.
    pub const ALL: [Self; 4] = [Self::Lineage, Self::Code, Self::Data, Self::Operations];

    /// The word people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lineage => "lineage",
            Self::Code => "code",
            Self::Data => "data",
            Self::Operations => "operations",
        }
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
    /// When it happened.
    pub at: Time,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
}
