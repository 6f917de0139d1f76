//! The doors check who sends a request. A handler can reach the app only through one of these extractors. So a handler that is open to
//! everybody says so with its first parameter, [`Anyone`]. The documentation of a route names its door too, and a test compares both.

mod anyone;
mod clients;
mod services;
mod source;
mod state;

pub(crate) use anyone::Anyone;
pub(crate) use clients::{ApiClient, AssetBadge, Browser, Catalog, CatalogOrRead, Read, Write, badge_key};
pub(crate) use services::{PagerDutyWebhook, SlackRequest};
pub(crate) use source::{
    Arrived, EventsClient, RoutingKey, ServiceKey, SourceRequest, SourceToken, UPLOAD_WITHIN, invalid_event, too_slow,
    try_again,
};
pub use state::AppState;
pub(crate) use state::SlackDoor;
