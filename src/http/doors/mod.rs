//! The doors check who sends a request. A handler can reach the app only through one of these extractors. So a handler that is open to
//! everybody says so with its first parameter, [`Anyone`].

mod anyone;
mod clients;
mod door;
mod services;
mod source;
mod state;
mod unpack;

pub(crate) use anyone::Anyone;
pub(crate) use clients::{ApiClient, AssetBadge, Browser, Catalog, CatalogOrRead, Read, Write, badge_key};
pub(crate) use door::{SecuritySchemes, described, route};
pub(crate) use services::{PagerDutyWebhook, SlackRequest};
pub(crate) use source::{
    Arrived, EventAnswer, EventsClient, OfSource, RoutingKey, ServiceKey, SourceRequest, SourceToken, UPLOAD_WITHIN,
    broken, invalid_event, too_slow, try_again,
};
pub(crate) use state::{AppState, SlackDoor, SlackSocket};
pub(crate) use unpack::unpack;
