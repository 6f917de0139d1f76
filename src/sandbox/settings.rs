//! The settings of the sandbox.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// The settings. The bot needs the same secrets.
#[derive(Clone)]
pub struct SandboxConfig {
    pub listen: SocketAddr,
    pub signing_secret: String,
    pub bot_token: String,
    pub team_id: String,
    pub app_id: String,
    pub pagerduty_webhook_secret: String,
    /// The app's own token, for Socket Mode.
    pub app_token: String,
    pub pagerduty_api_token: String,
    pub routing_keys: Vec<String>,
    /// The time as the services see it.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl SandboxConfig {
    /// Default settings with this clock, on any free port.
    pub fn new(now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            signing_secret: "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e".to_owned(),
            bot_token: "xoxb-sandbox-0123456789".to_owned(),
            team_id: "T0MUSTER00".to_owned(),
            app_id: "A0MUSTER00".to_owned(),
            pagerduty_webhook_secret: "pagerduty-webhook-secret".to_owned(),
            app_token: "xapp-sandbox".to_owned(),
            pagerduty_api_token: "pagerduty-api-token".to_owned(),
            routing_keys: vec!["0123456789abcdef0123456789abcdef".to_owned()],
            now,
        }
    }
}
