//! The other side: a pretend Slack and PagerDuty, with state, errors, limits, signatures and faults. It imports nothing
//! else of this crate and talks to the bot over signed HTTP only, as the real ones do. Tests and the demo use it.
//!
//! It knows nothing of incidents: whatever a bot does through the Web API shows in its channels, and whatever a person
//! does in them comes back to the bot as commands, interactions, events and webhooks.

mod faults;
mod pagerduty;
mod pagerduty_rest;
mod slack;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use faults::Faults;
pub use pagerduty::{PagerDuty, PdIncident};
pub use pagerduty_rest::RestCall;
pub use slack::{Button, ChannelView, FileView, MessageView, Slack, ViewState};

/// How the sandbox is set up; the bot must be given the same secrets.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the setting of the service it is named after")]
pub struct SandboxConfig {
    pub listen: SocketAddr,
    pub signing_secret: String,
    pub bot_token: String,
    pub team_id: String,
    pub app_id: String,
    pub pagerduty_webhook_secret: String,
    /// The app's own token, for Socket Mode.
    pub app_token: String,
    /// The token of its REST API.
    pub pagerduty_api_token: String,
    pub routing_keys: Vec<String>,
    /// The time as the services see it.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl SandboxConfig {
    /// Usual settings, with this clock, on any free port.
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

/// A request to the sandbox and its answer, for checks against the services' own schemas.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `slack` or `pagerduty`.
    pub service: &'static str,
    /// The HTTP verb.
    pub verb: String,
    /// `chat.postMessage`, `/v2/enqueue`.
    pub path: String,
    /// The query, form or JSON of the request.
    pub request: Value,
    /// The HTTP status; 0 for an answer that was lost.
    pub status: u16,
    /// The answer.
    pub response: Value,
}

/// The bot's answer to something a person did.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The body as JSON, or null.
    pub json: Value,
}

impl Answer {
    /// The words only the asker sees.
    pub fn text(&self) -> String {
        match self.json.get("blocks") {
            Some(blocks) => slack::render::blocks(blocks, &|id| format!("@{id}")),
            None => self.json["text"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

struct World {
    config: SandboxConfig,
    slack: slack::Workspace,
    pagerduty: pagerduty::Account,
    sockets: slack::socket::Sockets,
    faults: faults::State,
    traffic: Vec<Exchange>,
    bot: Option<String>,
    base: String,
}

/// The running sandbox; it stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    shared: Shared,
    _stop: Arc<oneshot::Sender<()>>,
}

/// The state, and the client that carries events to the bot.
#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    http: reqwest::Client,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the bot.
    async fn send(&self, path: &str, headers: Vec<(String, String)>, body: String) -> Answer {
        if let Some(answer) = slack::socket::send(self, path, &body).await {
            return answer;
        }
        let Some(base) = self.lock().bot.clone() else {
            return Answer { status: 0, body: "the sandbox is connected to no bot".to_owned(), json: Value::Null };
        };
        let mut request = self.http.post(format!("{base}{path}")).body(body).timeout(Duration::from_secs(10));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body = answer.text().await.unwrap_or_default();
                let json = serde_json::from_str(&body).unwrap_or_default();
                Answer { status, body, json }
            }
            Err(error) => Answer { status: 0, body: error.to_string(), json: Value::Null },
        }
    }
}

impl Sandbox {
    /// Starts serving.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(config: SandboxConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let world = World {
            slack: slack::Workspace::new(&config),
            pagerduty: pagerduty::Account::new(&config),
            sockets: slack::socket::Sockets::default(),
            faults: faults::State::default(),
            traffic: Vec::new(),
            bot: None,
            base,
            config,
        };
        let http = reqwest::Client::builder().no_proxy().build().map_err(std::io::Error::other)?;
        let shared = Shared { world: Arc::new(Mutex::new(world)), http };
        slack::socket::listen(shared.clone()).await?;
        let router = Router::new()
            .nest("/slack", slack::router())
            .nest("/pagerduty", pagerduty::router())
            .layer(middleware::from_fn_with_state(shared.clone(), disturb))
            .with_state(shared.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { shared, _stop: Arc::new(stop) })
    }

    /// Where the bot finds the Web API.
    pub fn slack_api_url(&self) -> String {
        format!("{}/slack/api", self.shared.lock().base)
    }

    /// Where the bot finds the Events API (and `/v2/enqueue` below it).
    pub fn pagerduty_url(&self) -> String {
        format!("{}/pagerduty", self.shared.lock().base)
    }

    /// Says where the bot listens.
    pub fn connect(&self, bot: &str) {
        self.shared.lock().bot = Some(bot.trim_end_matches('/').to_owned());
    }

    /// The workspace, as its people use it.
    pub fn slack(&self) -> Slack {
        Slack(self.shared.clone())
    }

    /// The pager, as its people use it.
    pub fn pagerduty(&self) -> PagerDuty {
        PagerDuty(self.shared.clone())
    }

    /// The switches that make things go wrong.
    pub fn faults(&self) -> Faults {
        Faults(self.shared.clone())
    }

    /// Sends every waiting event and webhook to the bot, signed, in order; how many. What the bot does not accept is sent
    /// again up to three times, as the services do.
    pub async fn deliver(&self) -> usize {
        let mut count = 0;
        loop {
            let (events, webhooks, twice) = {
                let mut world = self.shared.lock();
                if world.faults.held_back() {
                    return count;
                }
                (
                    std::mem::take(&mut world.slack.events),
                    std::mem::take(&mut world.pagerduty.webhooks),
                    world.faults.duplicates(),
                )
            };
            if events.is_empty() && webhooks.is_empty() {
                return count;
            }
            for event in events {
                count += 1;
                slack::deliver(&self.shared, &event, twice).await;
            }
            for (place, webhook) in webhooks.iter().enumerate() {
                count += 1;
                if !pagerduty::deliver(&self.shared, webhook, twice).await {
                    let waiting = webhooks.iter().skip(place).cloned();
                    let mut world = self.shared.lock();
                    let later = std::mem::take(&mut world.pagerduty.webhooks);
                    world.pagerduty.webhooks = waiting.chain(later).collect();
                    return count;
                }
            }
        }
    }

    /// Every request so far, with its answer.
    pub fn traffic(&self) -> Vec<Exchange> {
        self.shared.lock().traffic.clone()
    }

    /// All channels as people read them.
    pub fn transcript(&self) -> String {
        self.slack().transcript()
    }
}

/// Every Web API method and path that the sandbox knows, with a note.
pub const COVERAGE: &[(&str, &str)] = &[
    ("apps.connections.open", "Socket Mode: a ticket for one connection"),
    ("auth.test", "the bot's own names; scopes in a header"),
    ("bookmarks.add", "links only"),
    ("bookmarks.list", "in order"),
    ("canvases.edit", "replaces the whole"),
    ("conversations.canvases.create", "channel_canvas_already_exists"),
    ("chat.postEphemeral", "to one member of a channel"),
    ("chat.postMessage", "limits of blocks and texts, threads, metadata, one a second and channel"),
    ("chat.update", "own messages"),
    ("conversations.archive", "already_archived"),
    ("conversations.create", "name rules, name_taken, private, restricted_action"),
    ("conversations.history", "newest first, oldest, cursor, metadata"),
    ("conversations.info", "membership, shared with others"),
    ("conversations.invite", "already_in_channel, user_not_found, force"),
    ("conversations.join", "public channels"),
    ("conversations.list", "cursor"),
    ("conversations.replies", "as history, of a thread"),
    ("conversations.setTopic", "250 characters"),
    ("files.completeUploadExternal", "shares in a channel"),
    ("files.getUploadURLExternal", "one file"),
    ("pins.add", "already_pinned"),
    ("reactions.add", "already_reacted"),
    ("reactions.remove", "no_reaction"),
    ("usergroups.users.list", "members"),
    ("users.info", "user_not_found"),
    ("users.list", "cursor"),
    ("views.publish", "the home view of a person"),
    ("views.open", "trigger once and within three seconds, limits of a view"),
    ("/v2/enqueue", "dedup by key while open, limits, asynchronous like the real one"),
    ("/v2/change/enqueue", "accepted"),
    ("/oncalls", "of a schedule, with users; for the REST token"),
];

/// Records traffic and lets things go wrong, for both services.
async fn disturb(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let verb = request.method().to_string();
    let (service, name) = match path.strip_prefix("/slack/api/") {
        Some(method) => ("slack", method.to_owned()),
        None if path.starts_with("/slack/") => ("slack", "(upload)".to_owned()),
        None => ("pagerduty", path.trim_start_matches("/pagerduty").to_owned()),
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 2 * 1024 * 1024).await.unwrap_or_default();
    let read = slack::parameters(&query, &bytes);
    let fault = shared.lock().faults.next(service, &name);
    if let Some(fault) = &fault {
        if let Some(delay) = fault.delay {
            tokio::time::sleep(delay).await;
        }
        if let Some(answer) = fault.answer(service) {
            record(&shared, service, verb, name, read, &answer.0, &answer.1);
            return answer.into_response();
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 8 * 1024 * 1024).await.unwrap_or_default();
    if fault.is_some_and(|fault| fault.lose_answer) {
        let lost = faults::Answer::lost();
        record(&shared, service, verb, name, read, &0, &bytes);
        return lost;
    }
    record(&shared, service, verb, name, read, &parts.status.as_u16(), &bytes);
    Response::from_parts(parts, Body::from(bytes))
}

fn record(
    shared: &Shared,
    service: &'static str,
    verb: String,
    path: String,
    request: Value,
    status: &u16,
    response: &Bytes,
) {
    let response = serde_json::from_slice(response).unwrap_or_default();
    shared.lock().traffic.push(Exchange { service, verb, path, request, status: *status, response });
}

fn hmac_hex(secret: &str, parts: &[&[u8]]) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}
