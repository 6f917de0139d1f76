//! Why something was decided, as values. The values are stored. They are turned into words when they are shown.
//! If an earlier Muster stored a reason as words, those words stay as they are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::times::{clock, stamp};
use super::{AssetName, Level, Pillar, Time, UserId, counted};

/// Why an alert is in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[rustfmt::skip]
pub enum JoinReason {
    Opened,
    /// It has the dedup key of an alert in the incident.
    SameKey,
    /// The incident is about its asset.
    SameAsset { asset: AssetName },
    /// Its asset is downstream of a broken one.
    MadeOf { asset: AssetName, upstream: String, hops: u32 },
    /// Its asset is upstream of a broken one.
    Feeds { asset: AssetName, downstream: String, hops: u32 },
    /// It shares a label with another alert in the incident.
    SameLabel { label: String },
    Attached { by: UserId },
    /// Its incident was merged into this one.
    MergedFrom { incident: String },
    MovedFrom { incident: String, by: Option<UserId> },
    /// In the words of an earlier Muster.
    #[serde(untagged)]
    Said(String),
}

fn steps(hops: u32) -> String {
    counted(hops as usize, "step")
}

impl JoinReason {
    /// In words. `name` gives the names of people.
    pub fn words(&self, name: &dyn Fn(&UserId) -> String) -> String {
        match self {
            Self::Opened => "it opened the incident".to_owned(),
            Self::SameKey => "same key".to_owned(),
            Self::SameAsset { asset } => format!("same asset, {asset}"),
            Self::MadeOf { asset, upstream, hops } => {
                format!("{asset} is made of {upstream} ({}), which is broken", steps(*hops))
            }
            Self::Feeds { asset, downstream, hops } => {
                format!("{downstream} is made of {asset} ({}): it may be where it started", steps(*hops))
            }
            Self::SameLabel { label } => format!("same {label}"),
            Self::Attached { by } => format!("{} attached it", name(by)),
            Self::MergedFrom { incident } => format!("{incident} was merged into this"),
            Self::MovedFrom { incident, by: Some(by) } => format!("{} moved it here from {incident}", name(by)),
            Self::MovedFrom { incident, by: None } => format!("moved here from {incident}"),
            Self::Said(words) => words.clone(),
        }
    }
}

/// Why an incident has its severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityReason {
    /// A route says so.
    Route { name: String },
    /// The monitor's level says so.
    Monitor { level: Level, raised: bool },
    /// The person who declared it chose it.
    Chosen,
    /// The person who declared it chose no severity.
    Default,
    /// In the words of an earlier Muster.
    #[serde(untagged)]
    Said(String),
}

impl std::fmt::Display for SeverityReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Route { name } => write!(f, "the route `{name}` says so"),
            Self::Monitor { level, raised } => {
                let more = if *raised { ", one higher for a tier-1 asset" } else { "" };
                write!(f, "the monitor says {}{more}", level.as_str())
            }
            Self::Chosen => f.write_str("the one who declared it chose it"),
            Self::Default => f.write_str("people who declare without choosing get SEV3"),
            Self::Said(words) => f.write_str(words),
        }
    }
}

/// Why a runbook was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunbookReason {
    /// Its head fits the incident in all of these points.
    Fits(Vec<Fit>),
    Asked {
        by: UserId,
    },
    /// In the words of an earlier Muster.
    #[serde(untagged)]
    Said(String),
}

/// One point in which a runbook fits an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Fit {
    Asset { asset: AssetName, pattern: String },
    Label { label: String, value: String },
    Source { source: String },
    Pillar { pillar: Pillar },
}

impl RunbookReason {
    /// In words. `name` gives the names of people.
    pub fn words(&self, name: &dyn Fn(&UserId) -> String) -> String {
        match self {
            Self::Fits(fits) => {
                let words = fits.iter().map(|fit| match fit {
                    Fit::Asset { asset, pattern } => format!("{asset} matches {pattern}"),
                    Fit::Label { label, value } => format!("label {label} is {value}"),
                    Fit::Source { source } => format!("it came from {source}"),
                    Fit::Pillar { pillar } => format!("it is about {}", pillar.as_str()),
                });
                words.collect::<Vec<_>>().join(", ")
            }
            Self::Asked { by } => format!("{} asked for it", name(by)),
            Self::Said(words) => words.clone(),
        }
    }
}

/// What is missing for a thorough close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Gap {
    NotAcknowledged,
    NoCommander,
    /// It is not recorded when the data became bad.
    NoBadFrom,
    /// It is not recorded when the data was good again.
    NoGoodAgain,
    /// The cause is not recorded.
    NoCause,
    /// The fix is not recorded.
    NoFix,
    Firing { firing: u32, of: u32 },
    OpenTasks { open: u32, of: u32 },
    /// Some steps of the runbook are neither done nor skipped.
    OpenSteps { title: String, open: usize, of: usize },
    /// In the words of an earlier Muster.
    #[serde(untagged)]
    Said(String),
}

impl Gap {
    pub fn words(&self) -> String {
        match self {
            Self::NotAcknowledged => "nobody acknowledged it".to_owned(),
            Self::NoCommander => "nobody had the command".to_owned(),
            Self::NoBadFrom => "it is not recorded since when the data was bad".to_owned(),
            Self::NoGoodAgain => "it is not recorded since when it is good again".to_owned(),
            Self::NoCause => "what caused it is not recorded".to_owned(),
            Self::NoFix => "the fix is not recorded".to_owned(),
            Self::Firing { firing, of } => format!("alerts that still fire: {firing} of {of}"),
            Self::OpenTasks { open, of } => format!("tasks still open: {open} of {of}"),
            Self::OpenSteps { title, open, of } => {
                format!("steps of “{title}” neither done nor skipped: {open} of {of}")
            }
            // Those words already say how to record it.
            Self::Said(words) => words.split(" (`").next().unwrap_or(words).to_owned(),
        }
    }

    /// The line to type to record it, if there is one.
    pub fn recorded_by(&self) -> Option<&'static str> {
        match self {
            Self::NoBadFrom => Some("/incident since <time>"),
            Self::NoGoodAgain => Some("/incident good-again <time>"),
            Self::NoCause => Some("/incident cause <data|logic|operations> <text>"),
            Self::NoFix => Some("/incident fix <text>"),
            _ => None,
        }
    }

    /// In words, with the line to type to record it.
    pub fn advice(&self) -> String {
        match self.recorded_by() {
            Some(line) => format!("{} (`{line}`)", self.words()),
            None => self.words(),
        }
    }
}

/// Reasons that are one of a few values: the stored name of each, and its words.
macro_rules! few {
    ($(#[$doc:meta])* $name:ident { $($value:ident = $words:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $words] $value,)*
            /// In the words of an earlier Muster.
            #[serde(untagged)]
            Said(String),
        }

        impl $name {
            pub fn words(&self) -> &str {
                match self {
                    $(Self::$value => $words,)*
                    Self::Said(words) => words,
                }
            }
        }
    };
}

few! {
    /// Why a channel was lost.
    ChannelLoss {
        Archived = "somebody archived it",
        FoundArchived = "it is archived",
        Deleted = "somebody deleted it",
        Hidden = "Slack does not show it any more",
        Removed = "Muster was removed from it",
        Shared = "it is shared with another workspace",
    }
}

few! {
    /// Which part of an opening is not done yet.
    Missing {
        Channel = "the channel",
        Card = "its card",
        Announcement = "the announcement",
        Page = "the page",
    }
}

few! {
    /// What a real incident asks of people, and a drill too.
    DrillGoal {
        Acknowledged = "somebody acknowledged",
        Commanded = "somebody took the command",
        Told = "an update said how it stands",
        BadFrom = "it is recorded since when the data was bad",
        Cause = "it is recorded what caused it",
        Fix = "it is recorded what mended it",
        GoodAgain = "it is recorded since when the data is good again",
        Tasks = "every task is done",
        Steps = "every step of the runbook is done or skipped",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageText {
    /// The people responsible for it are paged again.
    Escalated {
        text: String,
    },
    NoCommander {
        minutes: i64,
        text: String,
    },
    /// One person is needed, but that person cannot be paged alone.
    For {
        person: UserId,
        text: String,
    },
    /// The incident's title, or somebody's own words.
    #[serde(untagged)]
    Said(String),
}

impl PageText {
    /// In words. `name` gives the names of people.
    pub fn words(&self, name: &dyn Fn(&UserId) -> String) -> String {
        match self {
            Self::Escalated { text } => format!("Escalated: {text}"),
            Self::NoCommander { minutes, text } => format!("Nobody has the command for {minutes} min: {text}"),
            Self::For { person, text } => format!("For {person}: {text}", person = name(person)),
            Self::Said(text) => text.clone(),
        }
    }
}

/// Where Muster reads who is on duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DutySource {
    /// In the configuration, where they take turns.
    Turns,
    /// In the configuration, where they stand in for a while.
    StandIn {
        #[schema(value_type = DateTime)]
        until: Time,
    },
    /// In a user group of Slack.
    Slack(Read),
    /// On a schedule of PagerDuty.
    PagerDuty(Read),
    /// In the words of an earlier Muster.
    #[serde(untagged)]
    Said(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Read {
    #[schema(value_type = DateTime)]
    pub at: Time,
    /// The people who are listed there but are not known in Slack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strangers: Vec<String>,
}

impl DutySource {
    /// In words: "PagerDuty, read 05:55 UTC".
    pub fn words(&self) -> String {
        let (whence, read) = match self {
            Self::Turns => return "turns".to_owned(),
            Self::StandIn { until } => return format!("standing in until {until}", until = stamp(*until)),
            Self::Slack(read) => ("Slack", read),
            Self::PagerDuty(read) => ("PagerDuty", read),
            Self::Said(words) => return words.clone(),
        };
        let strangers = match read.strangers.as_slice() {
            [] => String::new(),
            names => format!("; not found in Slack: {names}", names = names.join(", ")),
        };
        format!("{whence}, read {at} UTC{strangers}", at = clock(read.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_in_words_is_read_and_said_as_it_was() {
        let name = |id: &UserId| format!("<{id}>");
        let read = |text: &str| serde_json::from_str::<JoinReason>(text).expect("it reads").words(&name);
        assert_eq!(read("\"same asset, warehouse.orders\""), "same asset, warehouse.orders");
        assert_eq!(read("\"opened\""), "it opened the incident");
        let kept = serde_json::to_string(&JoinReason::Attached { by: "U1".into() }).expect("it is written");
        assert_eq!((kept.as_str(), read(&kept).as_str()), ("{\"attached\":{\"by\":\"U1\"}}", "<U1> attached it"));
        let gap = |text: &str| serde_json::from_str::<Gap>(text).expect("it reads");
        let old = gap("\"what mended it is not recorded (`/incident fix <text>`)\"");
        let said = "what mended it is not recorded".to_owned();
        assert_eq!((old.words(), old.advice()), (said.clone(), said));
        assert_eq!(gap("\"no_fix\"").advice(), "the fix is not recorded (`/incident fix <text>`)");
        let severity = |text: &str| serde_json::from_str::<SeverityReason>(text).expect("it reads").to_string();
        assert_eq!(severity("\"the monitor says error\""), "the monitor says error");
        assert_eq!(
            severity("{\"monitor\":{\"level\":\"error\",\"raised\":true}}"),
            "the monitor says error, one higher for a tier-1 asset"
        );
        let runbook = |text: &str| serde_json::from_str::<RunbookReason>(text).expect("it reads").words(&name);
        assert_eq!(runbook("\"Ana asked for it\""), "Ana asked for it");
        assert_eq!(
            runbook("{\"fits\":[{\"source\":{\"source\":\"dq\"}},{\"pillar\":{\"pillar\":\"freshness\"}}]}"),
            "it came from dq, it is about freshness"
        );
    }
}
