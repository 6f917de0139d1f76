//! The start of most commands: reads the configuration, and opens the store that it names.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret;

use super::signals::Signals;
use crate::body::Encoding;
use crate::config::{Config, EngineName, process_variables};
use crate::store::{Store, postgres, sled};

pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
    // A missing file is an error only if the user named it.
    let path = if path.exists() || path != Path::new("muster.toml") { Some(path) } else { None };
    Config::load(path, &process_variables())
        .map_err(|error| anyhow::anyhow!("the configuration cannot be used:\n{error}"))
}

pub(super) async fn open(config: &Config) -> anyhow::Result<Store> {
    if config.store.engine == EngineName::Postgres {
        let url = config.secrets.database_url.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        return postgres::open(url, postgres::LeaseClock::Database).await;
    }
    let hours = config.store.backup_every_hours;
    let every = (hours > 0).then(|| Duration::from_secs(u64::from(hours) * 3600));
    let keep = usize::try_from(config.store.backup_keep).unwrap_or(usize::MAX);
    sled::open_with(&config.store.path, sled::Backups { every, keep })
}

/// Does something with a store, and closes the store after it, also if it failed, or if a signal cut it short.
pub(super) async fn with<T>(store: Store, work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut signals = Signals::listen()?;
    let done = tokio::select! {
        done = work(&store) => done,
        () = signals.next() => Err(anyhow::anyhow!("stopped by a signal before the end")),
    };
    let closed = store.close().await;
    let done = done?;
    closed.context("the store was not closed cleanly. Nothing is lost; the next start checks all of it")?;
    Ok(done)
}

/// Opens an existing store. It does not make a new one.
pub(super) async fn open_existing(config: &Config) -> anyhow::Result<Store> {
    if config.store.engine == EngineName::Sled {
        sled::expect_store(&config.store.path)?;
    }
    open(config).await
}

/// The most that a compressed file may unpack to.
const UNPACKED_BYTES: usize = 1024 * 1024 * 1024;

/// A file, unpacked if it is gzip.
pub(super) fn contents(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Ok(bytes);
    }
    let whole = Encoding::Gzip.unpacked(bytes, UNPACKED_BYTES);
    let whole = whole.map_err(|_| anyhow::anyhow!("{}: it begins as gzip, but it is not whole", file.display()))?;
    anyhow::ensure!(whole.len() <= UNPACKED_BYTES, "{}: it unpacks to more than a gigabyte", file.display());
    Ok(whole)
}
