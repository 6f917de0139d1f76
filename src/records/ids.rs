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
    /// An incident, by its uid.
    Id<Incident>: of(uid: &IncidentId) => Self::new(uid.as_str());
    /// A line of an incident's timeline.
    Id<Entry>: of(uid: &IncidentId, seq: u64) => Self::new(format!("{uid}/{seq:010}"));
    /// An alert of an incident.
    Id<Alert>: of(uid: &IncidentId, alert: &AlertId) => Self::new(format!("{uid}/{alert}"));
    /// A task of an incident.
    Id<Task>: of(uid: &IncidentId, task: u32) => Self::new(format!("{uid}/{task:06}"));
    /// Somebody who was told of an incident.
    Id<Notification>: of(uid: &IncidentId, recipient: &str) => Self::new(format!("{uid}/{recipient}"));
    /// A message of an incident's channel.
    Id<Captured>: of(uid: &IncidentId, ts: &str) => Self::new(format!("{uid}/{ts}"));
    /// The key of an alert in its source.
    Id<AlertOfKey>: of(source: &str, key: &str) => Self::new(of_source(source, key));
    /// The alerts that share a label.
    Id<AlertOfKey>: of_group(group: &str) => Self::of("~", group);
    /// The suppressed alert with a key.
    Id<SuppressedAlert>: of(signal: &Signal) => Self::new(of_source(&signal.source, &signal.key));
    /// When the alert with a key fired and resolved.
    Id<Flap>: of(source: &str, key: &str) => Self::new(of_source(source, key));
    /// The verdicts on a key.
    Id<Verdicts>: of(signal: &Signal) => Self::new(of_source(&signal.source, &signal.key));
    Id<Beat>: of(source: &str, name: &str) => Self::new(format!("{source}/{name}"));
    /// The incident with a number.
    Id<OfNumber>: of(number: u64) => Self::new(newest_first(number));
    /// The open incident with a number.
    Id<Open>: of(number: u64) => Self::new(newest_first(number));
    /// An incident about an asset.
    Id<OfAsset>: of(asset: &AssetName, number: u64) => Self::new(of_asset(asset, number));
    /// An incident that has an asset as its root cause.
    Id<RootOf>: of(asset: &AssetName, number: u64) => Self::new(of_asset(asset, number));
    /// The incidents about an asset, the newest first.
    Range<OfAsset>: about(asset: &AssetName) => Self::prefix(&format!("{asset}\u{1}"));
    /// The incidents that have an asset as their root cause, the newest first.
    Range<RootOf>: about(asset: &AssetName) => Self::prefix(&format!("{asset}\u{1}"));
    /// The last incident that named an asset.
    Id<LatestOfAsset>: of(asset: &AssetName) => Self::new(asset.as_str());
    /// The review of an incident's post-mortem.
    Id<Reviewed>: of(at: Time, uid: &IncidentId) => Self::new(format!("{}/{uid}", latest_first(at)));
    /// The end of an incident.
    Id<Ended>: of(at: Time, uid: &IncidentId) => Self::new(format!("{}/{uid}", latest_first(at)));
    /// A message on a timeline.
    Id<Pinned>: of(message: &MessageRef) => Self::new(format!("{}/{}", message.channel, message.ts));
    /// Somebody's role in an incident.
    Id<Mine>: role(person: &UserId, number: u64) => Self::new(format!("{person}/{}", newest_first(number)));
    /// Somebody's task in an incident.
    Id<Mine>: task(person: &UserId, number: u64, task: u32) => Self::new(format!("{person}/{}/{task:06}", newest_first(number)));
    /// Everything that somebody has to do, the newest incident first.
    Range<Mine>: of(person: &UserId) => Self::prefix(&format!("{person}/"));
    /// The tasks that somebody has in an incident.
    Range<Mine>: tasks(person: &UserId, number: u64) => Self::prefix(&format!("{person}/{}/", newest_first(number)));
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
    /// Somebody's subscription to an asset or team.
    Id<Subscription>: of(of: &str, person: &UserId) => Self::new(format!("{}\u{1}{person}", of.to_lowercase()));
    /// An asset of the catalog, by the name that people see.
    Id<Asset>: of(shown: &str) => Self::new(shown);
    /// What happened to an asset, by the name that people see.
    Id<Changes>: of(shown: &str) => Self::new(shown);
    /// The columns of an asset, by the name that people see.
    Id<Columns>: of(shown: &str) => Self::new(shown);
    /// A check, by its own id.
    Id<Check>: of(id: &str) => Self::new(id);
    /// The dead letter of an outbox entry.
    Id<Dead>: of(entry: &Id<super::outbox::Entry>) => Self::new(entry.as_str());
    /// The only one.
    Id<IncidentCounter>: one() => Self::new("incident-number");
    /// The only one.
    Id<SilenceCounter>: one() => Self::new("silence-number");
    /// The only one.
    Id<Workspace>: one() => Self::new("workspace");
    /// The only one.
    Id<ExternalChannels>: one() => Self::new("shared-channels");
    Id<AddressOf>: of(person: &UserId) => Self::new(format!("{ADDRESS_OF}{person}"));
    Range<AddressOf>: everybody() => Self::prefix(ADDRESS_OF);
    Id<OwnerOfAddress>: of(address: &str) => Self::new(format!("address/{}", address.to_lowercase()));
}

fn of_asset(asset: &AssetName, number: u64) -> String {
    format!("{asset}\u{1}{}", newest_first(number))
}

impl Id<OfChannel> {
    /// The incident of a channel.
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
    /// A commit of the catalog.
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
