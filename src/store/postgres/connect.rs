//! The way to the database: its address, TLS, the pool of connections, and what must be so there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::said;

/// How long a connection may take, and how long anybody waits for a free one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections for reads and the writer; beyond this a database of two cores only gets slower.
const CONNECTIONS: usize = 10;

/// What holds in every session, whatever the server's settings are: a commit is answered when it is on disk, and a process that hangs in the
/// middle of a transaction does not hold up the others for long.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '30s'; SET lock_timeout = '15s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET standard_conforming_strings = on";

/// An address of a database, and how it is reached.
pub(super) struct Database {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl Database {
    /// Reads an address.
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // The error names the part that is wrong, and never a value.
            anyhow::anyhow!(
                "the address of the database is not usable: {}; it is written postgres://user:password@host/database",
                said(&error)
            )
        })?;
        if config.get_hosts().is_empty() {
            bail!("the address of the database names no host; it is written postgres://user:password@host/database");
        }
        if config.get_application_name().is_none() {
            config.application_name("muster");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(10));
        }
        config.keepalives_idle(Duration::from_secs(10));
        // A standby takes no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = MakeRustlsConnect::new(tls(config.get_ssl_mode() != SslMode::Disable)?);
        Ok(Self { config, tls })
    }

    /// A pool of connections to it.
    pub(super) fn pool(&self) -> anyhow::Result<Pool> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        let session = Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE * 2))
            .post_create(session)
            .build()
            .context("no pool of connections can be made")
    }

    /// Calls on every notification of a channel, until the connection ends.
    pub(super) async fn listen(&self, channel: &str, mut heard: impl FnMut(&str)) -> Result<(), tokio_postgres::Error> {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let asked = format!("LISTEN \"{}\"", channel.replace('"', "\"\""));
        let asking = client.batch_execute(&asked);
        tokio::pin!(asking);
        let mut listening = false;
        loop {
            let message = std::future::poll_fn(|cx| connection.poll_message(cx));
            tokio::select! {
                answer = &mut asking, if !listening => {
                    answer?;
                    listening = true;
                }
                message = message => match message {
                    Some(Ok(tokio_postgres::AsyncMessage::Notification(told))) => heard(told.payload()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }
}

/// TLS that checks the server's certificate against the machine's list, or that of `SSL_CERT_FILE`.
fn tls(wanted: bool) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if wanted {
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that cannot be read vouches for nobody, and the others still do.
            let _ = roots.add(certificate);
        }
    }
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// What must be so in a database, or nothing can be promised there.
pub(super) async fn check(client: &Object) -> anyhow::Result<()> {
    let show = async |setting: &str| -> anyhow::Result<String> {
        let row = client.query_one("SELECT current_setting($1)", &[&setting]).await;
        Ok(row.map_err(|error| anyhow::anyhow!("the database does not answer: {}", said(&error)))?.get(0))
    };
    let encoding = show("server_encoding").await?;
    if encoding != "UTF8" {
        bail!(
            "the database has the encoding {encoding}; make one with UTF8 (`CREATE DATABASE muster ENCODING 'UTF8' TEMPLATE template0`)"
        );
    }
    if show("fsync").await? == "off" {
        tracing::warn!(
            "the database server runs with fsync = off: what Muster acknowledges may be lost when its machine stops"
        );
    }
    Ok(())
}
