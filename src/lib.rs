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
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests in work may take after a bot was told to stop, and then the deliveries in work. What is cut is done again after the next
/// start: nobody got an answer. README.md promises ten seconds in all, the time that Docker gives.
const REQUESTS_WITHIN: Duration = Duration::from_secs(4);
const DELIVERIES_WITHIN: Duration = Duration::from_secs(4);

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

    /// Runs until `told` comes back, and then ends in order: requests in work, deliveries in work, what was not written yet, the store. If `told`
    /// comes back once more, it does not wait for what is in work. The store is closed in any case, whoever still holds it.
    ///
    /// # Errors
    /// It could not listen any more, or the store was not closed cleanly.
    pub async fn run(self, listener: TcpListener, mut told: impl AsyncFnMut()) -> anyhow::Result<()> {
        let ((stop_doors, doors_stop), (stop_work, work_stops)) = (watch::channel(false), watch::channel(false));
        let mut work = tokio::task::JoinSet::new();
        work.spawn(self.worker.clone().run(work_stops));
        let start = tokio::spawn(self.worker.clone().start_at_last());
        let served = {
            let serving = self.serve(listener, doors_stop);
            tokio::pin!(serving);
            tokio::select! {
                served = &mut serving => served,
                () = told() => {
                    tracing::info!("stopping: no new requests, finishing what is in work");
                    // Sending fails only if everything has stopped already.
                    let _ = stop_doors.send(true);
                    tokio::select! {
                        served = &mut serving => served,
                        () = tokio::time::sleep(REQUESTS_WITHIN) => {
                            tracing::warn!("some requests are not finished; they get no answer and must be sent again");
                            Ok(())
                        }
                        () = told() => Ok(()),
                    }
                }
            }
        };
        start.abort();
        let _ = stop_work.send(true);
        tokio::select! {
            () = async { while work.join_next().await.is_some() {} } => {}
            () = tokio::time::sleep(DELIVERIES_WITHIN) => {
                tracing::warn!("some deliveries are not finished; they go on after the next start");
            }
            () = told() => {}
        }
        work.shutdown().await;
        let closed = self.app.store.close().await;
        served?;
        closed.context(
            "the store was not closed cleanly. Nothing that was answered is lost; the next start checks all of it",
        )?;
        tracing::info!("stopped");
        Ok(())
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
