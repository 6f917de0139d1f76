//! FLOOR 2, its base. What is kept: one table of every record's type, kind and shape (`table`), the ids by which records are found
//! (`ids`), and what the outbox holds (`outbox`). The store decides how records are kept. `app` decides when they change.

mod ids;
pub mod outbox;
mod table;
mod types;

pub use ids::{ADDRESS_OF, number_at, place_of};
pub use types::{
    AddressOf, AlertOfKey, Beat, Bodies, Body, CatalogCommit, Changes, Columns, Dead, Delivered, Ended,
    ExternalChannels, Flap, IncidentCounter, LatestOfAsset, Mine, OfAsset, OfChannel, OfNumber, Open, OwnerOfAddress,
    Pinned, Reviewed, RootOf, Roster, SilenceCounter, Subscription, Verdicts, Workspace,
};
