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
use crate::domain::silence::Silence;
use crate::domain::suppression::SuppressedAlert;
use crate::domain::{Alert, AlertId, AssetName, ChannelId, Entry, Incident, IncidentId, Signal, Task, Time, UserId};
use crate::slack::client::Member;
use crate::store::{Id, Range};

/// The position of a number in a list with the newest first.
pub fn place_of(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

/// As [`place_of`], for moments.
fn place_of_time(at: Time) -> String {
    place_of(u64::try_from(at.timestamp_millis()).unwrap_or_default())
}

/// The number at a position in a list with the newest first.
pub fn number_at(place: &str) -> Option<u64> {
    Some(u64::MAX - place.parse::<u64>().ok()?)
}

/// The key of an alert in its source. A long key becomes its hash, since ids have a limited length.
fn of_source(source: &str, key: &str) -> String {
    if key.len() <= 300 { format!("{source}/{key}") } else { format!("{source}/#{}", hex::encode(Sha256::digest(key))) }
}

/// A row an id or a range: of which record, its name, and what it is made of.
macro_rules! ids {
    ($($(#[$doc:meta])* $of:ty: $name:ident($($arg:ident: $type:ty),*) => $made:expr;)*) => { $(
        impl $of {
            $(#[$doc])*
            pub fn $name($($arg: $type),*) -> Self {
                $made
            }
        }
    )* };
}

ids! {
    Id<Incident>: of(uid: &IncidentId) => Self::new(uid.as_str());
    Id<Entry>: of(uid: &IncidentId, seq: u64) => Self::new(format!("{uid}/{seq:010}"));
    Id<Alert>: of(uid: &IncidentId, alert: &AlertId) => Self::new(format!("{uid}/{alert}"));
    Id<Task>: of(uid: &IncidentId, task: u32) => Self::new(format!("{uid}/{task:06}"));
    /// Somebody who was told of an incident.
    Id<Notification>: of(uid: &IncidentId, recipient: &str) => Self::new(format!("{uid}/{recipient}"));
    Id<Captured>: of(uid: &IncidentId, ts: &str) => Self::new(format!("{uid}/{ts}"));
    Id<AlertOfKey>: of(source: &str, key: &str) => Self::new(of_source(source, key));
    /// The alerts that share a label.
    Id<AlertOfKey>: of_group(group: &str) => Self::of("~", group);
    Id<SuppressedAlert>: of(signal: &Signal) => Self::new(of_source(&signal.source, &signal.key));
    /// When the alert with a key fired and resolved.
    Id<Flap>: of(source: &str, key: &str) => Self::new(of_source(source, key));
    Id<Verdicts>: of(signal: &Signal) => Self::new(of_source(&signal.source, &signal.key));
    Id<Beat>: of(source: &str, name: &str) => Self::new(format!("{source}/{name}"));
    Id<OfNumber>: of(number: u64) => Self::new(place_of(number));
    Id<Open>: of(number: u64) => Self::new(place_of(number));
    Id<OfAsset>: of(asset: &AssetName, number: u64) => Self::new(of_asset(asset, number));
    Id<RootOf>: of(asset: &AssetName, number: u64) => Self::new(of_asset(asset, number));
    /// The incidents about an asset, the newest first.
    Range<OfAsset>: about(asset: &AssetName) => Self::prefix(&format!("{asset}\u{1}"));
    /// The incidents that have an asset as their root cause, the newest first.
    Range<RootOf>: about(asset: &AssetName) => Self::prefix(&format!("{asset}\u{1}"));
    Id<LatestOfAsset>: of(asset: &AssetName) => Self::new(asset.as_str());
    Id<Reviewed>: of(at: Time, uid: &IncidentId) => Self::new(format!("{}/{uid}", place_of_time(at)));
    Id<Ended>: of(at: Time, uid: &IncidentId) => Self::new(format!("{}/{uid}", place_of_time(at)));
    /// A message on a timeline.
    Id<Pinned>: of(message: &MessageRef) => Self::new(format!("{}/{}", message.channel, message.ts));
    Id<Mine>: role(person: &UserId, number: u64) => Self::new(format!("{person}/{}", place_of(number)));
    Id<Mine>: task(person: &UserId, number: u64, task: u32) => Self::new(format!("{person}/{}/{task:06}", place_of(number)));
    /// Everything that somebody has to do, the newest incident first.
    Range<Mine>: of(person: &UserId) => Self::prefix(&format!("{person}/"));
    /// The tasks that somebody has in an incident.
    Range<Mine>: tasks(person: &UserId, number: u64) => Self::prefix(&format!("{person}/{}/", place_of(number)));
    Id<Silence>: of(number: u64) => Self::new(format!("{number:010}"));
    /// A delivery, filed under the day of a moment.
    Id<Delivered>: of(delivery: &str, at: Time) => Self::new(format!("{}/{delivery}", at.format("%Y-%m-%d")));
    /// The deliveries of the days before the day of a moment.
    Range<Delivered>: before_day(at: Time) => Self::all().before(&at.format("%Y-%m-%d").to_string());
    /// A block that begins now.
    Id<Bodies>: begun(at: Time, fresh: &str) => Self::new(format!("{:014}-{fresh}", at.timestamp_millis()));
    /// The blocks that began before a moment.
    Range<Bodies>: before_time(at: Time) => Self::all().before(&format!("{:014}", at.timestamp_millis()));
    Id<Member>: of(id: &str) => Self::new(id);
    /// The people of a user group (`S…`) or schedule (`P…`).
    Id<Roster>: of(id: &str) => Self::new(id);
    Id<Subscription>: of(of: &str, person: &UserId) => Self::new(format!("{}\u{1}{person}", of.to_lowercase()));
    /// An asset of the catalog, by the name that people see.
    Id<Asset>: of(shown: &str) => Self::new(shown);
    /// What happened to an asset, by the name that people see.
    Id<Changes>: of(shown: &str) => Self::new(shown);
    /// The columns of an asset, by the name that people see.
    Id<Columns>: of(shown: &str) => Self::new(shown);
    Id<Check>: of(id: &str) => Self::new(id);
    /// The dead letter of an outbox entry.
    Id<Dead>: of(entry: &Id<super::outbox::Entry>) => Self::new(entry.as_str());
    Id<IncidentCounter>: one() => Self::new("incident-number");
    Id<SilenceCounter>: one() => Self::new("silence-number");
    Id<Workspace>: one() => Self::new("workspace");
    Id<ExternalChannels>: one() => Self::new("shared-channels");
    Id<AddressOf>: of(person: &UserId) => Self::new(format!("{ADDRESS_OF}{person}"));
    Range<AddressOf>: everybody() => Self::prefix(ADDRESS_OF);
    Id<OwnerOfAddress>: of(address: &str) => Self::new(format!("address/{}", address.to_lowercase()));
}

fn of_asset(asset: &AssetName, number: u64) -> String {
    format!("{asset}\u{1}{}", place_of(number))
}

impl Id<OfChannel> {
    pub fn of(channel: &ChannelId) -> Self {
        Self::new(channel.as_str())
    }

    /// The incident of a thread in a channel, or of a message in such a thread.
    pub fn of_thread(channel: &ChannelId, thread: &str) -> Self {
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

impl Id<CatalogCommit> {
    pub fn of(commit: u64) -> Self {
        Self::new(format!("{commit:016}"))
    }

    pub fn commit(&self) -> u64 {
        self.as_str().parse().unwrap_or_default()
    }
}

/// The prefix of people's addresses.
pub const ADDRESS_OF: &str = "address-of/";

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
