//! The running sandbox: one server for both services. It records requests and makes things go wrong.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::exchange::Exchange;
use super::faults;
use super::pagerduty::account::Account;
use super::pagerduty::{PagerDuty, events, webhooks};
use super::settings::SandboxConfig;
use super::slack::parameters::parameters;
use super::slack::tickets::Sockets;
use super::slack::workspace::Workspace;
use super::slack::{Slack, deliveries, socket, web_api};
use super::switches::Faults;
use super::world::{Shared, World};

/// The running sandbox. It stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    shared: Shared,
    _stop: Arc<oneshot::Sender<()>>,
}

impl Sandbox {
    /// Starts serving.
    pub async fn start(config: SandboxConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let world = World {
            slack: Workspace::new(&config),
            pagerduty: Account::new(),
            sockets: Sockets::default(),
            faults: faults::State::default(),
            traffic: Vec::new(),
            sent: Vec::new(),
            bot: None,
            base,
            config,
        };
        let http = reqwest::Client::builder().no_proxy().build().map_err(std::io::Error::other)?;
        let shared = Shared { world: Arc::new(Mutex::new(world)), http };
        socket::listen(shared.clone()).await?;
        let router = Router::new()
            .nest("/slack", web_api::router())
            .nest("/pagerduty", events::router())
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

    /// Sets the address of the bot.
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

    /// Sends every waiting event and webhook to the bot, signed, in order. Returns their number. If the bot does not accept one, it is
    /// sent again up to three times, as the services do.
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
                deliveries::deliver(&self.shared, &event, twice).await;
            }
            for (place, webhook) in webhooks.iter().enumerate() {
                count += 1;
                if !webhooks::deliver(&self.shared, webhook, twice).await {
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

    /// Everything that was sent to the bot so far: path and body.
    pub fn sent(&self) -> Vec<(String, String)> {
        self.shared.lock().sent.clone()
    }

    /// All channels as people read them.
    pub fn transcript(&self) -> String {
        self.slack().transcript()
    }
}

/// Records traffic and makes things go wrong, for both services.
async fn disturb(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let verb = request.method().to_string();
    let (service, name) = match path.strip_prefix("/slack/api/") {
        Some(method) => ("slack", method.to_owned()),
        None if path.starts_with("/slack/response/") => ("slack", "(response_url)".to_owned()),
        None if path.starts_with("/slack/") => ("slack", "(upload)".to_owned()),
        None => ("pagerduty", path.trim_start_matches("/pagerduty").to_owned()),
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 2 * 1024 * 1024).await.unwrap_or_default();
    let read = parameters(&query, &bytes);
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
