//! The ids of records. Only this file makes them. An id says how a record is found, and in which order records of a kind are stored.
//!
//! Numbers in ids are padded, so that they sort. To sort the newest first, the id has the distance to the largest number.

use sha2::{Digest as _, Sha256};

use super::{
    AddressOf, AlertOfKey, Beat, Bodies, CatalogCommit, Changes, Columns, Dead, Delivered, Ended, ExternalChannels,
    Flap, IncidentCounter, LatestOfAsset, Mine, OfAsset, OfChannel, OfNumber, Open, OwnerOfAddress, Pinned, Reviewed,
    RootOf, Roster, SilenceCounter, Subscription, Verdicts, Workspace,
};
use crate::domain::captured::Captured;
use crate::domain::incident::{Channel, MessageRef, Notification};
use crate::domain::lineage::{Asset, Check};
use crate::domain::suppression::{Silence, SuppressedAlert};
use crate::domain::{Alert, AssetName, Entry, Incident, IncidentId, Signal, Task, Time, UserId};
use crate::slack::client::Member;
use crate::store::{Id, Range};

/// A number as text, so that the newest sorts first.
fn newest_first(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

/// As [`newest_first`], for moments.
fn latest_first(at: Time) -> String {
    newest_first(u64::try_from(at.timestamp_millis()).unwrap_or_default())
}

/// The incident's number at a position in a list with the newest first.
pub fn number_at(place: &str) -> Option<u64> {
    Some(u64::MAX - place.parse::<u64>().ok()?)
}

/// The position of an incident's number in a list with the newest first.
pub fn place_of(number: u64) -> String {
    newest_first(number)
}

/// The key of an alert in its source. A long key becomes its hash, since ids have a limited length.
fn of_source(source: &str, key: &str) -> String {
    if key.len() <= 300 { format!("{source}/{key}") } else { format!("{source}/#{}", hex::encode(Sha256::digest(key))) }
}

impl Id<Incident> {
    /// An incident, by its uid.
    pub fn of(uid: &IncidentId) -> Self {
        Self::new(uid.as_str())
    }
}

impl Id<Entry> {
    /// A line of an incident's timeline.
    pub fn of(uid: &IncidentId, seq: u64) -> Self {
        Self::new(format!("{uid}/{seq:010}"))
    }
}

impl Id<Alert> {
    /// An alert of an incident.
    pub fn of(uid: &IncidentId, alert: &str) -> Self {
        Self::new(format!("{uid}/{alert}"))
    }
}

impl Id<Task> {
    /// A task of an incident.
    pub fn of(uid: &IncidentId, task: u32) -> Self {
        Self::new(format!("{uid}/{task:06}"))
    }
}

impl Id<Notification> {
    /// Somebody who was told of an incident.
    pub fn of(uid: &IncidentId, recipient: &str) -> Self {
        Self::new(format!("{uid}/{recipient}"))
    }
}

impl Id<Captured> {
    /// A message of an incident's channel.
    pub fn of(uid: &IncidentId, ts: &str) -> Self {
        Self::new(format!("{uid}/{ts}"))
    }
}

impl Id<AlertOfKey> {
    /// The key of an alert in its source.
    pub fn of(source: &str, key: &str) -> Self {
        Self::new(of_source(source, key))
    }

    /// The alerts that share a label.
    pub fn of_group(group: &str) -> Self {
        Self::of("~", group)
    }
}

impl Id<SuppressedAlert> {
    /// The held alert with a key.
    pub fn of(signal: &Signal) -> Self {
        Self::new(of_source(&signal.source, &signal.key))
    }
}

impl Id<Flap> {
    /// When the alert with a key fired and resolved.
    pub fn of(source: &str, key: &str) -> Self {
        Self::new(of_source(source, key))
    }
}

impl Id<Verdicts> {
    /// The verdicts on a key.
    pub fn of(signal: &Signal) -> Self {
        Self::new(of_source(&signal.source, &signal.key))
    }
}

impl Id<Beat> {
    pub fn of(source: &str, name: &str) -> Self {
        Self::new(format!("{source}/{name}"))
    }
}

impl Id<OfNumber> {
    /// The incident with a number.
    pub fn of(number: u64) -> Self {
        Self::new(newest_first(number))
    }
}

impl Id<Open> {
    /// The open incident with a number.
    pub fn of(number: u64) -> Self {
        Self::new(newest_first(number))
    }
}

fn of_asset(asset: &AssetName, number: u64) -> String {
    format!("{asset}\u{1}{}", newest_first(number))
}

impl Id<OfAsset> {
    /// An incident about an asset.
    pub fn of(asset: &AssetName, number: u64) -> Self {
        Self::new(of_asset(asset, number))
    }
}

impl Id<RootOf> {
    /// An incident that has an asset as its root cause.
    pub fn of(asset: &AssetName, number: u64) -> Self {
        Self::new(of_asset(asset, number))
    }
}

impl Range<OfAsset> {
    /// The incidents about an asset, the newest first.
    pub fn about(asset: &AssetName) -> Self {
        Self::prefix(&format!("{asset}\u{1}"))
    }
}

impl Range<RootOf> {
    /// The incidents that have an asset as their root cause, the newest first.
    pub fn about(asset: &AssetName) -> Self {
        Self::prefix(&format!("{asset}\u{1}"))
    }
}

impl Id<LatestOfAsset> {
    /// The last incident that named an asset.
    pub fn of(asset: &AssetName) -> Self {
        Self::new(asset.as_str())
    }
}

impl Id<Reviewed> {
    /// The review of an incident's post-mortem.
    pub fn of(at: Time, uid: &IncidentId) -> Self {
        Self::new(format!("{}/{uid}", latest_first(at)))
    }
}

impl Id<Ended> {
    /// The end of an incident.
    pub fn of(at: Time, uid: &IncidentId) -> Self {
        Self::new(format!("{}/{uid}", latest_first(at)))
    }
}

impl Id<OfChannel> {
    /// The incident of a channel.
    pub fn of(channel: &str) -> Self {
        Self::new(channel)
    }

    /// The incident of a thread in a channel, or of a message in such a thread.
    pub fn of_thread(channel: &str, thread: &str) -> Self {
        Self::new(format!("{channel}/{thread}"))
    }

    /// The incident that lives in a channel or thread.
    pub fn of_home(channel: &Channel) -> Self {
        match &channel.thread {
            Some(thread) => Self::of_thread(&channel.id, thread),
            None => Self::of(&channel.id),
        }
    }
}

impl Id<Pinned> {
    /// A message on a timeline.
    pub fn of(message: &MessageRef) -> Self {
        Self::new(format!("{}/{}", message.channel, message.ts))
    }
}

impl Id<Mine> {
    /// Somebody's role in an incident.
    pub fn role(person: &UserId, number: u64) -> Self {
        Self::new(format!("{person}/{}", newest_first(number)))
    }

    /// Somebody's task in an incident.
    pub fn task(person: &UserId, number: u64, task: u32) -> Self {
        Self::new(format!("{person}/{}/{task:06}", newest_first(number)))
    }
}

impl Range<Mine> {
    /// Everything that somebody has to do, the newest incident first.
    pub fn of(person: &UserId) -> Self {
        Self::prefix(&format!("{person}/"))
    }

    /// The tasks that somebody has in an incident.
    pub fn tasks(person: &UserId, number: u64) -> Self {
        Self::prefix(&format!("{person}/{}/", newest_first(number)))
    }
}

impl Id<Silence> {
    pub fn of(number: u64) -> Self {
        Self::new(format!("{number:010}"))
    }
}

impl Id<Delivered> {
    /// A delivery, filed under the day of a moment.
    pub fn of(delivery: &str, at: Time) -> Self {
        Self::new(format!("{}/{delivery}", at.format("%Y-%m-%d")))
    }
}

impl Range<Delivered> {
    /// The deliveries of the days before the day of a moment.
    pub fn before_day(at: Time) -> Self {
        Self::all().before(&at.format("%Y-%m-%d").to_string())
    }
}

impl Id<Bodies> {
    /// A block that begins now.
    pub fn begun(at: Time, fresh: &str) -> Self {
        Self::new(format!("{:014}-{fresh}", at.timestamp_millis()))
    }
}

impl Range<Bodies> {
    /// The blocks that began before a moment.
    pub fn before_time(at: Time) -> Self {
        Self::all().before(&format!("{:014}", at.timestamp_millis()))
    }
}

impl Id<Member> {
    pub fn of(id: &str) -> Self {
        Self::new(id)
    }
}

impl Id<Roster> {
    /// The people of a user group (`S…`) or schedule (`P…`).
    pub fn of(id: &str) -> Self {
        Self::new(id)
    }
}

impl Id<Subscription> {
    /// Somebody's subscription to an asset or team.
    pub fn of(of: &str, person: &UserId) -> Self {
        Self::new(format!("{}\u{1}{person}", of.to_lowercase()))
    }
}

impl Id<Asset> {
    /// An asset of the catalog, by the name that people see.
    pub fn of(shown: &str) -> Self {
        Self::new(shown)
    }
}

impl Id<Changes> {
    /// What happened to an asset, by the name that people see.
    pub fn of(shown: &str) -> Self {
        Self::new(shown)
    }
}

impl Id<Columns> {
    /// The columns of an asset, by the name that people see.
    pub fn of(shown: &str) -> Self {
        Self::new(shown)
    }
}

impl Id<Check> {
    /// A check, by its own id.
    pub fn of(id: &str) -> Self {
        Self::new(id)
    }
}

impl Id<CatalogCommit> {
    /// A commit of the catalog.
    pub fn of(commit: u64) -> Self {
        Self::new(format!("{commit:016}"))
    }

    pub fn commit(&self) -> u64 {
        self.as_str().parse().unwrap_or_default()
    }
}

impl Id<Dead> {
    /// The dead letter of an outbox entry.
    pub fn of(entry: &Id<super::outbox::Entry>) -> Self {
        Self::new(entry.as_str())
    }
}

impl Id<IncidentCounter> {
    /// The only one.
    pub fn one() -> Self {
        Self::new("incident-number")
    }
}

impl Id<SilenceCounter> {
    /// The only one.
    pub fn one() -> Self {
        Self::new("silence-number")
    }
}

impl Id<Workspace> {
    /// The only one.
    pub fn one() -> Self {
        Self::new("workspace")
    }
}

impl Id<ExternalChannels> {
    /// The only one.
    pub fn one() -> Self {
        Self::new("shared-channels")
    }
}

/// The prefix of people's addresses.
pub const ADDRESS_OF: &str = "address-of/";

impl Id<AddressOf> {
    pub fn of(person: &UserId) -> Self {
        Self::new(format!("{ADDRESS_OF}{person}"))
    }
}

impl Range<AddressOf> {
    pub fn everybody() -> Self {
        Self::prefix(ADDRESS_OF)
    }
}

impl Id<OwnerOfAddress> {
    pub fn of(address: &str) -> Self {
        Self::new(format!("address/{}", address.to_lowercase()))
    }
}

/// All parts of one kind that belong to an incident.
macro_rules! parts {
    ($($part:ty),*) => { $(
        impl Range<$part> {
            pub fn of(uid: &IncidentId) -> Self {
                Self::prefix(&format!("{uid}/"))
            }
        }
    )* };
}

parts!(Entry, Alert, Task, Notification, Captured);
