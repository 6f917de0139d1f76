//! The way to the database: its address, TLS, the pool of connections, and the settings that it must have.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long making a connection may take, and how long a caller waits for a free one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections for reads. With more, a database on two cores only gets slower.
pub(super) const READERS: usize = 8;
/// Connections of the writer: its own, and one for questions when that breaks.
pub(super) const WRITERS: usize = 2;

/// Settings of every session, whatever the server's own are. A commit is answered when it is on disk. A process that hangs in the middle of a
/// transaction does not hold up the others for long.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '30s'; SET lock_timeout = '15s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET standard_conforming_strings = on";

/// The address of a database, and how to reach it.
pub(super) struct Database {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl Database {
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        // The parser's message may quote the address, and so its password.
        let usable = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let parsed = if usable { url.parse::<tokio_postgres::Config>().ok() } else { None };
        let Some(mut config) = parsed.filter(|config| !config.get_hosts().is_empty()) else {
            bail!(
                "the address of the database is not usable: it is written postgres://user:password@host/database, and the signs @ : / ? # % in \
                 the password as %40 %3A %2F %3F %23 %25"
            );
        };
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
        config.keepalives_interval(PATIENCE);
        config.keepalives_retries(3);
        // A standby takes no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = MakeRustlsConnect::new(tls(config.get_ssl_mode() != SslMode::Disable)?);
        Ok(Self { config, tls })
    }

    /// A pool with this many connections.
    pub(super) fn pool(&self, connections: usize) -> anyhow::Result<Pool> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        let session = Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            // Each host may have two addresses, and after connecting the session is set up.
            .create_timeout(Some(PATIENCE * u32::try_from(2 * self.config.get_hosts().len() + 1).unwrap_or(u32::MAX)))
            .post_create(session)
            .build()
            .context("Muster cannot make a pool of connections")
    }

    /// Calls a function on every notification of a channel, until the connection ends.
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

/// TLS that checks the server's certificate against the machine's list, or the list in `SSL_CERT_FILE`.
fn tls(wanted: bool) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if wanted {
        for certificate in rustls_native_certs::load_native_certs().certs {
            // A certificate that cannot be read is left out; the others still count.
            let _ = roots.add(certificate);
        }
    }
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Checks the settings without which Muster can promise nothing.
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
    // If tables are in another schema than the one where they would be made, they are somebody else's, or new empty tables would hide them.
    let place = "SELECT current_schema()::text,
        (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('muster_layout'))";
    let row = client.query_one(place, &[]).await;
    let row = row.map_err(|error| anyhow::anyhow!("the database does not answer: {}", said(&error)))?;
    match (row.get::<_, Option<&str>>(0), row.get::<_, Option<&str>>(1)) {
        (None, _) => bail!("there is no schema to make the tables in: no schema in the search_path exists"),
        (Some(schema), Some(other)) if schema != other.trim_matches('"') => bail!(
            "the tables lie in the schema {other}, and the first one in the search_path is {schema}; name the right one in the address: \
             ?options=-csearch_path%3D{other}"
        ),
        _ => {}
    }
    if show("fsync").await? == "off" {
        tracing::warn!(
            "the database server runs with fsync = off: what Muster acknowledges may be lost when its machine stops"
        );
    }
    Ok(())
}

/// The error of the database, or of the way to it, in words.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let source = std::error::Error::source(error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    }
}

pub(super) fn pooled(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => said(error),
        PoolError::Timeout(_) => "no connection in time".to_owned(),
        other => other.to_string(),
    }
}
