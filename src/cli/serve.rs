//! `muster serve`: the bot, until it is told to stop.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::opening::load;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::{Muster, telemetry};

pub(super) async fn serve(path: &Path, open: impl AsyncFnOnce(&Config) -> anyhow::Result<Store>) -> anyhow::Result<()> {
    let config = load(path)?;
    telemetry::start_logging(config.log.format);
    let store = open(&config).await?;
    let listen = config.server.listen;
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}. Does another process use this address?"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(muster.worker.clone().run(stopped.clone()));
    let starting = muster.worker.clone();
    tokio::spawn(async move {
        // If the store cannot write now, as on a full disk, it is tried again later.
        while let Err(failure) = starting.start().await {
            tracing::warn!(error = %failure, "what is asked of the workspace at a start is put off");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    tokio::spawn(async move {
        told_to_stop().await;
        tracing::info!("stopping: no new requests, finishing what is in work");
        // Sending fails only if everything has stopped already.
        let _ = stop.send(true);
    });
    muster.serve(listener, stopped).await?;
    // An entry in work ends within the time limit of a call. What is not done by then is done after the next start.
    if tokio::time::timeout(Duration::from_secs(25), worker).await.is_err() {
        tracing::warn!("some deliveries are not finished; they go on after the next start");
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM or Ctrl-C. A second one ends the process at once.
pub(super) async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tokio::spawn(async {
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
}
