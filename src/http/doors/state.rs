//! What handlers share. Only the doors can read it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::app::App;
use crate::http::certificates::Certificates;
use crate::slack::client::SlackApi;

/// How many uploads are read at once while they arrive. Each holds a thread, and pages need threads too.
const UPLOADS_AT_ONCE: usize = 16;

/// What handlers share. They reach it through the doors.
#[derive(Clone)]
pub struct AppState {
    pub(super) app: Arc<App>,
    /// For the one call that a handler makes: `views.open`.
    pub(super) slack: Arc<SlackApi>,
    pub(super) certificates: Arc<Certificates>,
    /// Places for uploads that are read while they arrive.
    pub(super) uploads: Arc<Semaphore>,
}

impl AppState {
    /// The doors of this app.
    pub fn new(app: Arc<App>) -> std::io::Result<Self> {
        let token = app.config.secrets.slack_bot_token.clone().unwrap_or_default();
        // The trigger of a modal is valid for three seconds, and we must answer within the same time.
        let slack =
            SlackApi::new(&app.config.slack.api_url, &token, &app.config.slack.team_id, Duration::from_millis(2300))?;
        let uploads = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
        Ok(Self { app, slack: Arc::new(slack), certificates: Arc::default(), uploads })
    }

    /// The token for opening a connection to Slack, if Muster uses Socket Mode.
    pub(crate) fn socket_token(&self) -> Option<secrecy::SecretString> {
        let config = &self.app.config;
        config.secrets.slack_app_token.clone().filter(|_| config.slack.mode == crate::config::SlackMode::Socket)
    }

    /// The door for requests that come through Socket Mode.
    pub(crate) fn slack_socket(&self) -> SlackDoor {
        SlackDoor { app: self.app.clone(), slack: self.slack.clone() }
    }

    pub(crate) fn limits(&self) -> Limits {
        let config = &self.app.config;
        Limits { monitor: config.server.body_limit_kib * 1024, upload: config.lineage.upload_limit_mib * 1024 * 1024 }
    }

    pub(crate) fn metrics(&self) -> &crate::telemetry::Metrics {
        &self.app.metrics
    }
}

/// The largest bodies, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) monitor: usize,
    pub(crate) upload: usize,
}

/// A verified request of Slack, over HTTP or Socket Mode.
#[derive(Clone)]
pub(crate) struct SlackDoor {
    pub(crate) app: Arc<App>,
    pub(crate) slack: Arc<SlackApi>,
}
