//! Who is there. What handlers share is closed to them: the only way to the app is through one of these extractors, so a handler that lets
//! everybody in says so by its first parameter, [`Anyone`]. The documentation of a route names its door too, and a test holds both together.

mod anyone;
mod clients;
mod services;
mod source;
mod state;

pub(crate) use anyone::Anyone;
pub(crate) use clients::{ApiClient, AssetBadge, Browser, Catalog, CatalogOrRead, Read, Write, badge_key};
pub(crate) use services::{PagerDutyWebhook, SlackRequest};
pub(crate) use source::{
    Arrived, EventsClient, RoutingKey, ServiceKey, SourceRequest, SourceToken, UPLOAD_WITHIN, invalid_event, try_again,
    too_slow,
};
pub use state::AppState;
pub(crate) use state::SlackDoor;
