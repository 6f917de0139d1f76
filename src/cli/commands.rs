//! The commands and their options, as they are typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::export::{export, import, postmortem};
use super::opening::open;
use super::serve::serve;
use super::{bench, check, demo, lineage, replay, store};

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
    /// Play a data incident with a pretend Slack and PagerDuty, on a throw-away store.
    Demo {
        /// Where the bot listens.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Play to the end, print the transcript and the post-mortem, and exit.
        #[arg(long)]
        headless: bool,
    },
    /// Measure Muster on this machine: alerts per second, how long people wait, memory, and how long a start takes.
    Bench(Box<bench::Options>),
    /// Check the configuration, templates and runbooks.
    Check {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
        /// Also ask Slack (the token, its permissions, the clock), and the database if it is the store.
        #[arg(long)]
        online: bool,
        /// Explain what would happen to the alerts in this recorded payload, and why.
        #[arg(long)]
        explain: Option<PathBuf>,
        /// The source of the payload, if the payload does not name it.
        #[arg(long, requires = "explain")]
        source: Option<String>,
        /// A header of the request, as `name: value`. It may be given several times.
        #[arg(long, requires = "explain")]
        header: Vec<String>,
    },
    /// Run a recorded payload through today's mapping and rules, without acting.
    Replay {
        /// The source of the payload.
        source: String,
        /// The payload: a body as the monitor posted it (also as gzip), or as `/api/v1/received/{id}` returns it.
        file: PathBuf,
        /// A header of the request, as `name: value`. It may be given several times. Some formats have fields there.
        #[arg(long)]
        header: Vec<String>,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Write every record of the store as JSON lines. The bot must not be running, unless the store is a database.
    Export {
        /// The file to write; `-` for standard output.
        file: PathBuf,
        /// Replace the file if it is there.
        #[arg(long)]
        overwrite: bool,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Read an export into an empty store. A changed or cut export is refused before anything is written.
    Import {
        /// The export; `-` for standard input.
        file: PathBuf,
        /// Take an export of an older Muster, whose end has no checksum. Nobody can see whether it was changed.
        #[arg(long)]
        without_end: bool,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Check, back up, repair or restore the embedded store. The bot must not be running, except for a check.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
        /// The configuration.
        #[arg(long, default_value = "muster.toml", global = true)]
        config: PathBuf,
    },
    /// Assets and what they are made of.
    Lineage {
        #[command(subcommand)]
        command: lineage::Lineage,
        /// The configuration.
        #[arg(long, default_value = "muster.toml", global = true)]
        config: PathBuf,
    },
    /// Print an incident's post-mortem draft. The bot must not be running. While it runs, ask its API.
    Postmortem {
        /// `INC-42`.
        incident: String,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
}

/// Runs a command, and returns its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("muster: the runtime cannot start: {error}");
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
        Command::Check { config, explain: Some(file), source, header, .. } => {
            replay::run(&config, source.as_deref(), &file, &header)
        }
        Command::Check { config, online, .. } => check::run(&config, online).await,
        Command::Replay { source, file, header, config } => replay::run(&config, Some(&source), &file, &header),
        Command::Export { file, overwrite, config } => export(&file, overwrite, &config).await,
        Command::Import { file, without_end, config } => import(&file, without_end, &config).await,
        Command::Store { command, config } => store::run(command, &config),
        Command::Lineage { command, config } => lineage::run(command, &config).await,
        Command::Postmortem { incident, config } => postmortem(&incident, &config).await,
    }
}
