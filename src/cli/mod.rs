//! The commands. Each is short: it reads the configuration, puts the parts together and says plainly what went wrong.
//! Exit codes: 0 well, 1 failed, 2 misused.

mod bench;
mod check;
mod demo;
mod lineage;
mod replay;
mod store;

use std::io::{BufReader, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{Config, EngineName, process_variables};
use crate::domain::incident;
use crate::store::{Store, postgres, sled, transfer};
use crate::{Muster, telemetry};

/// A chat-ops bot for data incidents.
#[derive(Debug, Parser)]
#[command(name = "muster", version, about, long_about = None)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot.
    Serve {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Play a data incident against a pretend Slack and PagerDuty, on a throw-away store.
    Demo {
        /// Where the bot listens.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Play to the end, print the transcript and the post-mortem, and exit.
        #[arg(long)]
        headless: bool,
    },
    /// Measure Muster on this machine: alerts a second, how long people wait, memory, and how long a start takes.
    Bench(Box<bench::Options>),
    /// Check the configuration, templates and runbooks.
    Check {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
        /// Also ask Slack (the token, its permissions, the clock), and the database if that is the store.
        #[arg(long)]
        online: bool,
        /// Say what would become of the alerts in this recorded payload, and why.
        #[arg(long)]
        explain: Option<PathBuf>,
        /// The source that the payload came from, where it does not say so itself.
        #[arg(long, requires = "explain")]
        source: Option<String>,
    },
    /// Run a recorded payload through today's mapping and rules, without acting.
    Replay {
        /// The source that it came from.
        source: String,
        /// The payload: a body as the monitor posted it, or as `/api/v1/received/{id}` gives it.
        file: PathBuf,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Write every record of the store as JSON lines. The bot must not be running on it, unless the store is a database.
    Export {
        /// Where to; `-` for standard output.
        file: PathBuf,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Read an export into an empty store.
    Import {
        /// The export; `-` for standard input.
        file: PathBuf,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Look at the embedded store, back it up, repair it, bring a backup back. The bot must not be running.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// Assets and what they are made of.
    Lineage {
        #[command(subcommand)]
        command: lineage::Lineage,
    },
    /// Print an incident's post-mortem draft. The bot must not be running; while it runs, ask its API.
    Postmortem {
        /// `INC-42`.
        incident: String,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
}

/// A directory that goes away with whoever made it.
struct Throwaway(PathBuf);

impl Throwaway {
    /// Makes a new one within another.
    fn within(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(format!("{name}-{}", Clock::wall().fresh_id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // A store in this process may write its last file a moment after it was let go.
        for _ in 0..50 {
            if std::fs::remove_dir_all(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("muster: the folder {} cannot be removed", self.0.display());
    }
}

/// Runs a command; its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("muster: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("muster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve { config } => serve(&config, open).await,
        Command::Bench(options) => bench::run(*options).await,
        Command::Demo { listen, headless } => demo::run(listen, headless).await,
        Command::Check { config, explain: Some(file), source, .. } => replay::run(&config, source.as_deref(), &file),
        Command::Check { config, online, .. } => check::run(&config, online).await,
        Command::Replay { source, file, config } => replay::run(&config, Some(&source), &file),
        Command::Export { file, config } => export(&file, &config).await,
        Command::Import { file, config } => import(&file, &config).await,
        Command::Store { command } => store::run(command),
        Command::Lineage { command } => lineage::run(command).await,
        Command::Postmortem { incident, config } => postmortem(&incident, &config).await,
    }
}

fn load(path: &Path) -> anyhow::Result<Config> {
    // A missing file is only wrong where somebody named one.
    let path = if path.exists() || path != Path::new("muster.toml") { Some(path) } else { None };
    Config::load(path, &process_variables())
        .map_err(|error| anyhow::anyhow!("the configuration is not usable:\n{error}"))
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    if config.store.engine == EngineName::Postgres {
        let url = config.secrets.database_url.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        return postgres::open(url, postgres::LeaseClock::Database).await;
    }
    let hours = config.store.backup_every_hours;
    let every = (hours > 0).then(|| Duration::from_secs(u64::from(hours) * 3600));
    let keep = usize::try_from(config.store.backup_keep).unwrap_or(usize::MAX);
    sled::open_with(&config.store.path, sled::Backups { every, keep })
}

/// Opens the store that is there; makes none.
async fn open_existing(config: &Config) -> anyhow::Result<Store> {
    if config.store.engine == EngineName::Sled {
        sled::expect_store(&config.store.path)?;
    }
    open(config).await
}

async fn serve(path: &Path, open: impl AsyncFnOnce(&Config) -> anyhow::Result<Store>) -> anyhow::Result<()> {
    let config = load(path)?;
    telemetry::start_logging(config.log.format);
    let store = open(&config).await?;
    let listen = config.server.listen;
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}; does something else?"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(muster.worker.clone().run(stopped.clone()));
    let starting = muster.worker.clone();
    tokio::spawn(async move {
        // A store that takes nothing in now, as on a full disk, takes it in later.
        while let Err(failure) = starting.start().await {
            tracing::warn!(error = %failure, "what is asked of the workspace at a start is put off");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    tokio::spawn(async move {
        told_to_stop().await;
        tracing::info!("stopping: no new requests, finishing what is in work");
        // Nobody listens any more only when everything has stopped already.
        let _ = stop.send(true);
    });
    muster.serve(listener, stopped).await?;
    // An entry in work ends within a call's time; what is not done then is done after the next start.
    if tokio::time::timeout(Duration::from_secs(25), worker).await.is_err() {
        tracing::warn!("some deliveries are not finished; they go on after the next start");
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM or Ctrl-C. A second one ends the process at once.
async fn told_to_stop() {
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

async fn export(file: &Path, config: &Path) -> anyhow::Result<()> {
    let store = open_existing(&load(config)?).await?;
    let count = if file == Path::new("-") {
        transfer::export(store.engine(), &mut std::io::stdout()).await?
    } else {
        let out = std::fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut out = BufWriter::new(out);
        let count = transfer::export(store.engine(), &mut out).await?;
        out.flush()?;
        // What is no file, like /dev/null, is not synced.
        if out.get_ref().metadata()?.is_file() {
            out.get_ref().sync_all()?;
        }
        count
    };
    eprintln!("{count} records exported");
    Ok(())
}

async fn import(file: &Path, config: &Path) -> anyhow::Result<()> {
    let store = open(&load(config)?).await?;
    let count = if file == Path::new("-") {
        transfer::import(store.engine(), &mut BufReader::new(std::io::stdin())).await?
    } else {
        let input = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        transfer::import(store.engine(), &mut BufReader::new(input)).await?
    };
    eprintln!("{count} records imported");
    Ok(())
}

async fn postmortem(incident: &str, config: &Path) -> anyhow::Result<()> {
    let number =
        incident::number(incident).with_context(|| format!("{incident} is no incident; it is written INC-42"))?;
    let config = load(config)?;
    let store = open_existing(&config).await?;
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let uid = muster.app.uid_of_number(number).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let incident = muster.app.incident(&uid).await?.context("the incident is not in the store")?;
    print!("{}", muster.app.postmortem(&incident).await?);
    Ok(())
}
