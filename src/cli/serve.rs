//! `muster serve`: the bot, until it is told to stop.

use std::path::Path;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::opening::load;
use super::signals::Signals;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::{Muster, telemetry};

pub(super) async fn serve(path: &Path, open: impl AsyncFnOnce(&Config) -> anyhow::Result<Store>) -> anyhow::Result<()> {
    // First of all: from here on, no signal ends the process before the store is closed.
    let mut signals = Signals::listen()?;
    let config = load(path)?;
    telemetry::start_logging(config.log.format);
    for variable in &config.unread_variables {
        tracing::warn!("{variable}");
    }
    let store = open(&config).await?;
    let listen = config.server.listen;
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}. Does another process use this address?"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    muster.run(listener, async move || signals.next().await).await
}
