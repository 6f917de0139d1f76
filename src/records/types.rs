//! The types of records that belong to no other module: pointers, counters, and what is kept beside the domain's own records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::lineage::Change;
use crate::domain::{AlertId, ChannelId, IncidentId, Time, Undelivered, UserId};
use crate::slack::client::Listed;

/// Records that only point to an incident.
macro_rules! pointers {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            pub uid: IncidentId,
        }

        impl $name {
            pub fn to(uid: &IncidentId) -> Self {
                Self { uid: uid.to_owned() }
            }
        }
    )* };
}

pointers! {
    /// Finds an incident by its number.
    OfNumber;
    /// An open incident, by its number.
    Open;
    /// An incident about an asset, by asset and number.
    OfAsset;
    /// The incident that named an asset last.
    LatestOfAsset;
    /// An incident that an asset was the root of, by asset and number.
    RootOf;
    /// An incident whose post-mortem was reviewed, by when.
    Reviewed;
    /// An incident that is over, by when it ended.
    Ended;
    /// The incident of a channel, or of a thread in one.
    OfChannel;
    /// The incident on whose timeline a message is.
    Pinned;
}

/// The incident of an alert's key, or of a label, and the id of the alert there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertOfKey {
    pub uid: IncidentId,
    /// The alert. `None` if a label ties several alerts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<AlertId>,
}

/// Something that one person has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mine {
    pub uid: IncidentId,
    /// The number of the task. `None` if it is a role.
    pub task: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dead {
    pub why: Undelivered,
    pub at: Time,
    /// The entry of the outbox, as it was.
    pub entry: Box<RawValue>,
}

/// A delivery that was handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {}

/// When an alert fired and resolved, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flap {
    /// Only as many as are needed to see that it flaps.
    pub times: Vec<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub last: Time,
    #[serde(default)]
    pub watch: String,
}

/// The verdicts of people on one monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    pub title: String,
    pub source: String,
    /// How often its alerts were useful.
    pub useful: u32,
    pub expected: u32,
    #[serde(rename = "false")]
    pub false_: u32,
    /// When somebody last gave a verdict.
    pub last: Time,
}

/// What monitors posted within a short time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    /// In the order of arrival.
    pub bodies: Vec<Body>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub source: String,
    pub at: Time,
    /// Secrets are redacted, and a long body is compressed; see `app::redact`.
    pub body: String,
}

impl Bodies {
    /// The first shape had one body in each record. In the second, all bodies were compressed. Both can still be read.
    pub(super) fn upcast_from(shape: u32, body: &str) -> serde_json::Result<Self> {
        match shape {
            1 => Ok(Self { bodies: vec![serde_json::from_str(body)?] }),
            _ => serde_json::from_str(body),
        }
    }
}

/// Who is in a user group or on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    pub people: Vec<UserId>,
    /// People of PagerDuty whom Slack does not know by their e-mail address.
    #[serde(default)]
    pub strangers: Vec<String>,
    pub at: Time,
}

/// Somebody's subscription to every incident of an asset or a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The asset or team, as people see it.
    pub of: String,
    pub person: UserId,
}

/// What happened to an asset lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The newest first.
    pub changes: Vec<Change>,
}

/// From which columns an asset's columns are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    pub columns: BTreeMap<String, Vec<String>>,
}

/// Which assets a commit of the catalog changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogCommit {
    pub mark: String,
    /// The assets' names. `None` if there are too many.
    pub names: Option<Vec<String>>,
}

/// The number of the last incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentCounter {
    pub last: u64,
}

/// The number of the last silence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceCounter {
    pub last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    pub url: String,
}

/// The channels, by id, for which Muster must know whether people of other workspaces read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalChannels {
    /// The shared channels, and those that the configuration names.
    pub channels: BTreeMap<ChannelId, Listed>,
}

impl ExternalChannels {
    /// The first shape had the names of the shared channels.
    pub(super) fn upcast_from(_: u32, body: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct First {
            channels: BTreeMap<ChannelId, String>,
        }
        let First { channels } = serde_json::from_str(body)?;
        let listed = channels.into_iter().map(|(id, name)| (id.clone(), Listed { id, name, shared: true }));
        Ok(Self { channels: listed.collect() })
    }
}

/// The address by which PagerDuty knows a person, as they said themselves. Found by the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressOf {
    pub person: UserId,
    pub address: String,
}

/// The same, found by the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerOfAddress {
    pub person: UserId,
    pub address: String,
}
