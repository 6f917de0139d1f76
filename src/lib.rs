//! Muster: one data incident out of a flood of alerts, and all that people need to end it.
//!
//! Read in this order: [`domain`] (what an incident is; pure), [`store`] (where it lasts), [`body`], [`render`], [`slack`],
//! [`pagerduty`], [`monitors`] (words in and out), [`app`] (load, decide, commit), [`chat`] (what people type and press),
//! [`delivery`] (the outbox), [`http`] (what programs and Slack ask), [`cli`]. [`sandbox`] is the other side: a pretend Slack and PagerDuty for tests and the demo.
//! `ARCHITECTURE.md` has the picture.

#![forbid(unsafe_code)]

pub mod app;
pub mod body;
pub mod catalog;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod http;
pub mod mail;
pub mod monitors;
pub mod pagerduty;
pub mod read_models;
pub mod records;
pub mod render;
pub mod sandbox;
pub mod slack;
pub mod store;
pub mod telemetry;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

/// A whole bot: HTTP and the worker over one app.
#[derive(Clone)]
pub struct Muster {
    pub app: Arc<app::App>,
    /// The outbox worker, to be run or stepped.
    pub worker: Arc<delivery::Worker>,
    http: http::AppState,
    socket: Option<http::SlackSocket>,
}

impl Muster {
    /// Puts a bot together.
    ///
    /// # Errors
    /// A bad template or runbook, or a store that cannot be read.
    pub async fn new(config: config::Config, store: store::Store, clock: clock::Clock) -> anyhow::Result<Self> {
        telemetry::install_crypto();
        let app = Arc::new(app::App::new(config, store, clock).await?);
        app::App::decide_rounds(&app);
        let worker = Arc::new(delivery::Worker::new(app.clone())?);
        let (http, socket) = http::AppState::new(app.clone())?;
        Ok(Self { app, worker, http, socket })
    }

    /// Answers requests until told to stop, then finishes those in work.
    pub async fn serve(&self, listener: TcpListener, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let until = stop.clone();
        let stopped = async move {
            // An error means that nobody can tell us to stop any more, which is a reason to.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let socket = self.socket.clone().map(|socket| tokio::spawn(http::socket::run(socket, until)));
        let served = axum::serve(listener, http::router(self.http.clone())).with_graceful_shutdown(stopped).await;
        if let Some(socket) = socket {
            let _ = socket.await;
        }
        served
    }
}
