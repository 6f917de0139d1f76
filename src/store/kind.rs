//! The kinds of records, each with the newest version of its shape. The store does not know what the records mean.

use serde::{Deserialize, Serialize};

/// The kinds. Each has a byte in an embedded store and a name in exports and databases, which never change, and the newest shape of
/// its records.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $byte:literal $name:literal shape $shape:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind = $byte,)*
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name in exports and databases.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// The newest shape that this Muster writes and reads.
            pub const fn shape(self) -> u32 {
                match self {
                    $(Self::$kind => $shape,)*
                }
            }
        }

        /// The sum of the shapes of all kinds: a new shape or a new kind makes it larger. A store remembers it, so that an older Muster
        /// does not open a store that it could not read.
        pub const EDITION: u32 = 0 $(+ $shape)*;
    };
}

kinds! {
    /// Counters, and what Muster knows of its workspace.
    Meta = b'0' "meta" shape 2,
    /// Incidents, by uid.
    Incident = b'I' "incident" shape 3,
    /// uid by number, newest first.
    Number = b'N' "number" shape 1,
    /// uid of open incidents, by number, newest first.
    Open = b'o' "open" shape 1,
    /// uid by asset and number, newest first.
    ByAsset = b'b' "by_asset" shape 1,
    /// Timeline entries, by uid and place.
    Timeline = b'T' "timeline" shape 4,
    /// Alerts, by uid and alert id.
    Alert = b'A' "alert" shape 2,
    /// The incident and alert of a source's key.
    AlertKey = b'K' "alert_key" shape 1,
    /// The incident of an asset.
    Asset = b'a' "asset" shape 1,
    /// Tasks, by uid and number.
    Task = b't' "task" shape 1,
    /// Messages of incidents' channels, by uid and timestamp.
    Message = b'm' "message" shape 1,
    /// uid by Slack channel.
    Channel = b'c' "channel" shape 1,
    /// Pinned messages, by channel and timestamp.
    Pin = b'p' "pin" shape 1,
    /// What must be delivered.
    Outbox = b'O' "outbox" shape 4,
    /// Deliveries that were given up.
    Dead = b'D' "dead" shape 4,
    /// Deliveries seen, by day.
    Delivery = b'd' "delivery" shape 1,
    /// People of the workspace.
    Person = b'P' "person" shape 1,
    /// Assets of the catalog, by the name that people see.
    Catalog = b'n' "catalog" shape 1,
    /// What happened to an asset lately, by its name.
    Changes = b'h' "changes" shape 1,
    /// Which columns each column of an asset comes from, by the asset's name.
    Columns = b'l' "columns" shape 1,
    /// uid of incidents in which an asset was the root, by asset and number.
    RootOf = b'r' "root_of" shape 1,
    /// Who was told of an incident, by uid and key.
    Notification = b'u' "told" shape 1,
    /// Which assets a commit of the catalog changed, by its number.
    CatalogLog = b'g' "catalog_log" shape 1,
    /// What a check is about, by the check's own id.
    Check = b'k' "check" shape 1,
    /// What monitors posted: many bodies in a block, compressed, by the time when the block was begun.
    Received = b'R' "received" shape 3,
    /// Alerts that open nothing yet, by source and key.
    SuppressedAlert = b'e' "held" shape 1,
    /// Silences, by number.
    Silence = b's' "silence" shape 1,
    /// When a heartbeat was last heard, by source and name.
    Heartbeat = b'B' "heartbeat" shape 1,
    /// What people said of a monitor's alerts, by source and key.
    Verdict = b'V' "verdict" shape 1,
    /// Who is in a user group or on a schedule, by its id.
    Roster = b'q' "roster" shape 1,
    /// Who wants to hear of incidents of an asset or team, by asset or team and by person.
    Subscription = b'U' "subscription" shape 1,
    /// What people have to do: roles in open incidents, and open tasks; by person, then by incident, newest first.
    Mine = b'w' "mine" shape 1,
    /// uid of incidents whose post-mortem was reviewed, by when, newest first.
    Reviewed = b'v' "reviewed" shape 1,
    /// When an alert came and went, by source and key; from the second time on.
    Flap = b'f' "flap" shape 1,
    /// uid of incidents that are over, by when they ended, the latest first.
    Ended = b'z' "ended" shape 1,
}
