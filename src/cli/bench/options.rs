//! What is measured, and for how long.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of the command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each load lasts, in seconds [default: 3].
    #[arg(long, value_parser = seconds)]
    pub(super) seconds: Option<f64>,
    /// How many incidents are stored for measuring the start [default: 100000].
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    pub(super) incidents: Option<u64>,
    /// A tenth of everything, or less: this shows that it works, but gives no real figures.
    #[arg(long)]
    pub(super) quick: bool,
    /// Also drive an installed Prometheus Alertmanager.
    #[arg(long)]
    pub(super) vs_alertmanager: bool,
    /// Only the loads with these words in their row, and nothing else: `--only "distinct alerts, 64"`.
    #[arg(long)]
    pub(super) only: Option<String>,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    pub(super) json: bool,
    /// The folder for throw-away stores. It should be on the disk that Muster will use [default: the system's temporary folder].
    #[arg(long)]
    pub(super) folder: Option<PathBuf>,
    /// Serve as a stand-in that is measured. The command starts itself in this way.
    #[arg(long, hide = true)]
    pub(super) stand_in: Option<StandIn>,
    /// The configuration of a stand-in.
    #[arg(long, hide = true)]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum StandIn {
    /// A bot that keeps everything in memory.
    Memory,
    /// A server that keeps nothing.
    Plain,
}

fn seconds(word: &str) -> Result<f64, String> {
    match word.parse() {
        Ok(seconds) if (0.1..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number from 0.1 to 600".to_owned()),
    }
}

/// The options, with defaults filled in.
pub(super) struct Plan {
    pub(super) seconds: f64,
    pub(super) incidents: u64,
    /// The numbers of active alerts at which memory is measured.
    pub(super) active: [u64; 2],
    /// How many alerts are followed to the pager, and how many commands are sent, without other load.
    pub(super) followed: u64,
    pub(super) folder: PathBuf,
    pub(super) only: Option<String>,
}

impl Plan {
    pub(super) fn of(options: &Options) -> Self {
        let tenth = if options.quick { 10 } else { 1 };
        Self {
            seconds: options.seconds.unwrap_or(if options.quick { 0.3 } else { 3.0 }),
            incidents: options.incidents.unwrap_or(100_000 / tenth),
            active: [10_000 / (tenth * tenth), 100_000 / (tenth * tenth)],
            followed: 50 / tenth,
            folder: options.folder.clone().unwrap_or_else(std::env::temp_dir),
            only: options.only.clone(),
        }
    }
}
