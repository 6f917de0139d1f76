//! The type, the kind and the version of the shape of every record.

use super::outbox;
use super::types::{
    AddressOf, AlertOfKey, Beat, Bodies, CatalogCommit, Changes, Columns, Dead, Delivered, Ended, ExternalChannels,
    Flap, IncidentCounter, LatestOfAsset, Mine, OfAsset, OfChannel, OfNumber, Open, OwnerOfAddress, Pinned, Reviewed,
    RootOf, Roster, SilenceCounter, Subscription, Verdicts, Workspace,
};
use crate::domain::captured::Captured;
use crate::domain::incident::Notification;
use crate::domain::lineage::{Asset, Check};
use crate::domain::silence::Silence;
use crate::domain::suppression::SuppressedAlert;
use crate::domain::{Alert, Entry, Incident, Task};
use crate::slack::client::Member;
use crate::store::{Kind, Record};

/// Declares that types are stored: as which kind, and with which version of their shape.
macro_rules! records {
    ($($type:ty => $kind:ident, $shape:literal $(, followed $followed:literal)? $(, upcast $upcast:path)?;)*) => { $(
        impl Record for $type {
            const KIND: Kind = Kind::$kind;
            const SHAPE: u32 = {
                assert!($shape <= Kind::$kind.shape(), "a newer shape stands in the table of kinds too");
                $shape
            };
            $(const FOLLOWED: bool = $followed;)?
            $(fn upcast(shape: u32, body: &str) -> serde_json::Result<Self> {
                $upcast(shape, body)
            })?
        }
    )* };
}

records! {
    // Before the newest shape of these, some reasons were stored as words. Those can still be read.
    Incident => Incident, 3, followed true;
    Entry => Timeline, 4;
    Alert => Alert, 2, followed true;
    AlertOfKey => AlertKey, 1;
    Task => Task, 1;
    Notification => Notification, 1;
    Captured => Message, 1;
    outbox::Entry => Outbox, 4;
    Dead => Dead, 4;
    Delivered => Delivery, 1;

    OfNumber => Number, 1;
    Open => Open, 1;
    OfAsset => ByAsset, 1;
    LatestOfAsset => Asset, 1;
    RootOf => RootOf, 1;
    Reviewed => Reviewed, 1;
    Ended => Ended, 1;
    OfChannel => Channel, 1;
    Pinned => Pin, 1;
    Mine => Mine, 1;

    SuppressedAlert => SuppressedAlert, 1;
    Silence => Silence, 1;
    Flap => Flap, 1;
    Beat => Heartbeat, 1;
    Verdicts => Verdict, 1;
    Bodies => Received, 3, upcast Bodies::upcast_from;

    Member => Person, 1;
    Roster => Roster, 1;
    Subscription => Subscription, 1;

    Asset => Catalog, 1;
    Changes => Changes, 1;
    Columns => Columns, 1;
    Check => Check, 1;
    CatalogCommit => CatalogLog, 1;

    // Single records, each with its own name.
    IncidentCounter => Meta, 1;
    SilenceCounter => Meta, 1;
    Workspace => Meta, 1;
    ExternalChannels => Meta, 2, upcast ExternalChannels::upcast_from;
    AddressOf => Meta, 1;
    OwnerOfAddress => Meta, 1;
}
