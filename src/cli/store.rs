//! `muster store`: what lies in the embedded engine's directory, backups, and the ways on when it is damaged. How it is kept is the store's business.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;

use super::opening::load;
use crate::config::EngineName;
use crate::store::sled::{self, Source};

/// What is done with the store.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Say what is there and what is damaged, and change nothing; exit code 1 where something is.
    Check {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Make a backup now. While the bot runs, it makes its own (`[store] backup_every_hours`).
    Backup {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Make the database anew from its base and its journal; what there was is kept aside in `damaged`.
    Repair {
        /// Go on with what there is, although rounds that were answered are missing at the end.
        #[arg(long)]
        accept_loss: bool,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Bring a backup back, into a directory in which there is no store.
    Restore {
        /// The backup's folder, as `muster store check` lists it.
        backup: PathBuf,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
}

/// Runs one of them.
pub(super) fn run(command: StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Check { config } => check(&directory(&config)?),
        StoreCommand::Backup { config } => {
            let made = sled::back_up(&directory(&config)?)?;
            println!("the backup is in {}", made.display());
            Ok(())
        }
        StoreCommand::Repair { accept_loss, config } => {
            let directory = directory(&config)?;
            let repaired = sled::repair(&directory, accept_loss)?;
            let last = repaired.last;
            match (repaired.of, repaired.base) {
                (Source::Database, _) => {
                    println!("the database in {} is taken as it is, up to round {last}", directory.display())
                }
                (Source::Journal, Some(_)) => println!(
                    "the database in {} is made anew of its base and its journal, up to round {last}; if there was one, it is kept beside it, in a \
                     folder `damaged`",
                    directory.display()
                ),
                (Source::Journal, None) => println!(
                    "the database in {} is made anew of the journal alone, since there is no base: right for a store that never had one. It comes up to \
                     round {last}. If there was a database, it is kept beside it, in a folder `damaged`",
                    directory.display()
                ),
            }
            if repaired.missing > 0 {
                println!("{} rounds that were answered are given up", repaired.missing);
            }
            println!("start the bot");
            Ok(())
        }
        StoreCommand::Restore { backup, config } => {
            let directory = directory(&config)?;
            let round = sled::restore(&backup, &directory)?;
            println!(
                "{} has the backup now, up to round {round}; start the bot. What came after the backup is not in it.",
                directory.display()
            );
            Ok(())
        }
    }
}

/// The directory of the embedded store.
fn directory(config: &Path) -> anyhow::Result<PathBuf> {
    let config = load(config)?;
    if config.store.engine == EngineName::Postgres {
        bail!(
            "the store is a PostgreSQL database, which is looked at, backed up and brought back by its own tools (`pg_dump`, `pg_restore`); see docs/postgres.md"
        );
    }
    Ok(config.store.path)
}

fn check(directory: &Path) -> anyhow::Result<()> {
    let found = sled::inspect(directory)?;
    if found.layout == 0 {
        bail!("there is no store in {}", directory.display());
    }
    println!("store     {}, layout {}", directory.display(), found.layout);
    println!("rounds    {} were answered, at least", found.mark);
    match found.base {
        Some(base) => println!("base      of round {base}"),
        None => println!("base      none: the journal begins with the store"),
    }
    match found.journal {
        Some((first, last)) => println!("journal   rounds {first} to {last}"),
        None => println!("journal   nothing is in it"),
    }
    for backup in &found.backups {
        println!("backup    {}", backup.display());
    }
    if found.backups.is_empty() {
        println!("backup    none");
    }
    for why in &found.damage {
        println!("DAMAGED   {why}");
    }
    if !found.damage.is_empty() {
        bail!(
            "something is damaged. A start makes the database anew by itself where base and journal are whole, and the journal where the database was \
             closed and is whole; `muster store repair` makes the database anew now. Where rounds are missing at the end, `muster store restore BACKUP` \
             brings the last backup back, after the directory was moved aside; `muster store repair --accept-loss` goes on with what there is"
        );
    }
    println!("nothing is damaged, as far as it can be seen without opening the database");
    Ok(())
}
