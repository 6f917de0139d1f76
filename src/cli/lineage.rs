//! `muster lineage`: files into the catalog of a bot that is not running, and what may be wrong with it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use super::opening::{load, open};
use crate::Muster;
use crate::catalog::{Import, dbt, openlineage, yaml};
use crate::clock::Clock;

/// What to do with it.
#[derive(Debug, Subcommand)]
pub(super) enum Lineage {
    /// Read files into the catalog: dbt's manifest.json, `OpenLineage` events (one JSON a file, or JSON lines), or our own YAML.
    /// The bot must not be running; while it runs, put them to its API.
    Import {
        /// The files; which is which is told by what they hold.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
    /// Show doubles, orphans, and important assets that nobody owns. The bot must not be running.
    Doctor {
        /// The configuration.
        #[arg(long, default_value = "muster.toml")]
        config: PathBuf,
    },
}

async fn muster(config: &Path) -> anyhow::Result<Muster> {
    let config = load(config)?;
    let store = open(&config).await?;
    Muster::new(config, store, Clock::wall()).await
}

pub(super) async fn run(command: Lineage) -> anyhow::Result<()> {
    match command {
        Lineage::Import { files, config } => {
            // All are read before anything is written: a bad file must not leave half of the others behind.
            let mut imports = Vec::new();
            for file in &files {
                imports.push((file, read(file)?));
            }
            let muster = muster(&config).await?;
            for (file, import) in imports {
                let took = muster.app.take_in(import).await?;
                println!(
                    "{}: {} assets named, {} written, {} joined; {} assets and {} edges in all",
                    file.display(),
                    took.named,
                    took.written,
                    took.joined,
                    took.assets,
                    took.edges
                );
                if took.left_out > 0 {
                    println!("  {} edges did not fit: an asset keeps 200 parents", took.left_out);
                }
            }
            Ok(())
        }
        Lineage::Doctor { config } => {
            let checkup = muster(&config).await?.app.check_catalog(20);
            let list = |title: &str, lines: Vec<String>| {
                println!("{title}: {}", if lines.is_empty() { "none" } else { "" });
                lines.iter().for_each(|line| println!("  {line}"));
            };
            list("perhaps one asset", checkup.doubles.iter().map(|names| names.join("  =  ")).collect());
            list("without any edge", checkup.orphans);
            list("tier 1 or 2, and nobody owns it", checkup.unowned);
            let unknown = checkup.unknown.into_iter();
            list(
                "in an open incident, and not in the catalog",
                unknown
                    .map(
                        |(name, meant)| {
                            if meant.is_empty() { name } else { format!("{name}  (perhaps {})", meant.join(", ")) }
                        },
                    )
                    .collect(),
            );
            Ok(())
        }
    }
}

/// Reads a file of any of the formats.
fn read(file: &Path) -> anyhow::Result<Import> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') && first != Some(&b'[') {
        let text = std::str::from_utf8(&bytes).with_context(|| format!("{}: not UTF-8", file.display()))?;
        return yaml::read(text).with_context(|| format!("{}", file.display()));
    }
    // A manifest says so in its metadata; anything else in JSON is events.
    if bytes.windows(18).any(|window| window == b"dbt_schema_version") {
        return dbt::read(&bytes).with_context(|| format!("{}", file.display()));
    }
    let mut all = Import::default();
    for event in serde_json::Deserializer::from_slice(&bytes).into_iter::<serde_json::Value>() {
        let event = event.with_context(|| format!("{}: not JSON", file.display()))?;
        let import = openlineage::read(&event).with_context(|| format!("{}", file.display()))?;
        all.sightings.extend(import.sightings);
        all.changes.extend(import.changes);
        all.columns.extend(import.columns);
    }
    if all.sightings.is_empty() {
        bail!("{}: says nothing of assets", file.display());
    }
    Ok(all)
}
