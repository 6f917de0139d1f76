//! What handlers share. Only the doors can read it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::config::SlackMode;
use crate::http::certificates::Certificates;
use crate::slack::client::SlackApi;

/// How many uploads are read at once while they arrive. Each holds a thread, and pages need threads too.
const UPLOADS_AT_ONCE: usize = 16;

/// What handlers share. They reach it through the doors.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(super) app: Arc<App>,
    pub(super) slack: SlackDoor,
    pub(crate) limits: Limits,
    pub(super) certificates: Arc<Certificates>,
    /// Places for uploads that are read while they arrive.
    pub(super) uploads: Arc<Semaphore>,
}

impl AppState {
    /// The state of the routes; and, if Muster uses Socket Mode, what opens the connection to Slack.
    pub(crate) fn new(app: Arc<App>) -> std::io::Result<(Self, Option<SlackSocket>)> {
        let config = &app.config;
        let token = config.secrets.slack_bot_token.clone().unwrap_or_default();
        // The trigger of a modal is valid for three seconds, and we must answer within the same time.
        let api = SlackApi::new(&config.slack.api_url, &token, &config.slack.team_id, Duration::from_millis(2300))?;
        let slack = SlackDoor { app: app.clone(), slack: Arc::new(api) };
        let token = config.secrets.slack_app_token.clone().filter(|_| config.slack.mode == SlackMode::Socket);
        let socket = token.map(|token| SlackSocket { door: slack.clone(), token });
        let monitor = config.server.body_limit_kib * 1024;
        let limits = Limits { monitor, upload: config.lineage.upload_limit_mib * 1024 * 1024 };
        let uploads = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
        Ok((Self { app, slack, limits, certificates: Arc::default(), uploads }, socket))
    }
}

/// The largest bodies, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) monitor: usize,
    pub(crate) upload: usize,
}

/// What a request of Slack reaches, over HTTP or Socket Mode.
#[derive(Clone)]
pub(crate) struct SlackDoor {
    pub(crate) app: Arc<App>,
    /// For the one call that a handler makes: `views.open`.
    pub(crate) slack: Arc<SlackApi>,
}

/// What opens the connection to Slack in Socket Mode. Who opened it needs no other proof.
#[derive(Clone)]
pub(crate) struct SlackSocket {
    pub(crate) door: SlackDoor,
    pub(crate) token: SecretString,
}
