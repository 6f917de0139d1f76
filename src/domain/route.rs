//! Routes: what becomes of alerts that match.

use serde::{Deserialize, Serialize};

use super::Signal;
use super::matcher::Matcher;

/// What a route does with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteAction {
    #[default]
    Open,
    /// A card asks people what to do.
    Ask,
    /// The alert is counted, but opens nothing.
    Ignore,
}

/// What becomes of alerts that match. The first route that matches counts.
#[derive(Debug, Clone)]
pub struct Route {
    pub name: String,
    /// Which alerts. If there is no matcher, all.
    pub matcher: Option<Matcher>,
    /// The service that is paged, instead of the asset's.
    pub service: Option<String>,
    pub severity: Option<super::Severity>,
    pub action: RouteAction,
    /// Where a card is posted, instead of the announcement channel.
    pub channel: Option<String>,
    /// Teams that are invited and told, besides the service's own.
    pub teams: Vec<String>,
    /// How many minutes to wait, in case the alert goes away.
    pub pending_minutes: u32,
}

impl Route {
    /// Whether it matches a signal.
    pub fn matches(&self, signal: &Signal) -> bool {
        self.matcher.as_ref().is_none_or(|matcher| matcher.matches(signal))
    }
}
