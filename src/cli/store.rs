//! `muster store`: checks the embedded store's directory, makes and restores backups, and repairs damage.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;

use super::opening::load;
use crate::config::EngineName;
use crate::store::sled::{self, Source};

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Say what is there and what is damaged. Changes nothing. The exit code is 1 if something is damaged.
    Check,
    /// Make a backup now. While the bot runs, it makes its own (`[store] backup_every_hours`).
    Backup,
    /// Make the database anew from its base and its journal. The old one is kept in `damaged`.
    Repair {
        /// Go on with what is left, although rounds that were answered are missing at the end.
        #[arg(long)]
        accept_loss: bool,
    },
    /// Restore a backup into a directory that has no store.
    Restore {
        /// The backup's folder, as `muster store check` lists it.
        backup: PathBuf,
    },
}

pub(super) fn run(command: StoreCommand, config: &Path) -> anyhow::Result<()> {
    let directory = directory(config)?;
    match command {
        StoreCommand::Check => return check(&directory),
        StoreCommand::Backup => println!("the backup is in {}", sled::back_up(&directory)?.display()),
        StoreCommand::Repair { accept_loss } => {
            let repaired = sled::repair(&directory, accept_loss)?;
            let last = repaired.last;
            match (repaired.of, repaired.base) {
                (Source::Database, _) => {
                    println!("the database in {} is kept as it is, up to round {last}", directory.display())
                }
                (Source::Journal, Some(_)) => println!(
                    "the database in {} was made anew from its base and its journal, up to round {last}. If there was an old one, it is kept beside \
                     it, in a folder `damaged`",
                    directory.display()
                ),
                (Source::Journal, None) => println!(
                    "the database in {} was made anew from the journal alone, up to round {last}, because there is no base. That is right if the store \
                     never had one. If there was an old database, it is kept beside it, in a folder `damaged`",
                    directory.display()
                ),
            }
            if repaired.missing > 0 {
                let were =
                    if repaired.missing == 1 { "round that was answered is" } else { "rounds that were answered are" };
                println!("{} {were} given up", repaired.missing);
            }
            println!("start the bot");
        }
        StoreCommand::Restore { backup } => {
            let round = sled::restore(&backup, &directory)?;
            println!(
                "the backup was restored into {}, up to round {round}. What came after it is missing. Start the bot.",
                directory.display()
            );
        }
    }
    Ok(())
}

/// The directory of the embedded store.
fn directory(config: &Path) -> anyhow::Result<PathBuf> {
    let config = load(config)?;
    if config.store.engine == EngineName::Postgres {
        bail!(
            "the store is a PostgreSQL database. Use its own tools to check it, back it up and restore it (`pg_dump`, `pg_restore`); see docs/postgres.md"
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
    println!("answered  up to round {}, perhaps further", found.mark);
    match found.base {
        Some(base) => println!("base      of round {base}"),
        None => println!("base      none; the journal begins with round 1"),
    }
    match found.journal {
        Some((first, last)) => println!("journal   rounds {first} to {last}"),
        None => println!("journal   empty"),
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
            "something is damaged. A start mends it by itself in two cases: it makes the database anew if base and journal are whole, and the journal if \
             the database was closed and is whole. `muster store repair` makes the database anew now. If rounds are missing at the end, move the directory \
             away and use `muster store restore BACKUP`; or go on with what is left, with `muster store repair --accept-loss`"
        );
    }
    println!("nothing is damaged, as far as Muster can see without opening the database");
    Ok(())
}
