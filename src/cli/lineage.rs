//! `muster lineage`: reads files into the catalog while the bot is not running, and shows what may be wrong with the catalog.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use super::opening::{contents, load, open, with};
use crate::catalog::{Import, dbt, openlineage, yaml};
use crate::clock::Clock;
use crate::domain::counted;
use crate::{Muster, body};

/// What to do with the lineage.
#[derive(Debug, Subcommand)]
pub(super) enum Lineage {
    /// Read files into the catalog: dbt's manifest.json, `OpenLineage` events (one JSON per file, or JSON lines), or Muster's own YAML.
    /// The bot must not be running. While it runs, send the files to its API.
    Import {
        /// The files. Muster recognises each by its content.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Show doubles, orphans, and important assets that nobody owns. The bot must not be running.
    Doctor,
}

async fn with_muster(config: &Path, work: impl AsyncFnOnce(Muster) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let config = load(config)?;
    let store = open(&config).await?;
    with(store, async |store| work(Muster::new(config, store.clone(), Clock::wall()).await?).await).await
}

pub(super) async fn run(command: Lineage, config: &Path) -> anyhow::Result<()> {
    match command {
        Lineage::Import { files } => {
            // All files are read before anything is written, so a bad file does not leave a half-done import.
            let mut imports = Vec::new();
            for file in &files {
                imports.push((file, read(file)?));
            }
            with_muster(config, async |muster| {
                for (file, import) in imports {
                    let took = muster.app.take_in(import).await?;
                    println!(
                        "{}: {} named, {} written, {} joined; {} and {} in all",
                        file.display(),
                        counted(took.named, "asset"),
                        took.written,
                        took.joined,
                        counted(took.assets, "asset"),
                        counted(took.edges, "edge")
                    );
                    for one in &took.refused {
                        println!("  refused {} {}", one.at, one.why);
                    }
                    if took.left_out > 0 {
                        println!(
                            "  left out {}: an asset can have 200 parents at most",
                            counted(took.left_out, "edge")
                        );
                    }
                }
                Ok(())
            })
            .await
        }
        Lineage::Doctor => {
            with_muster(config, async |muster| {
                let checkup = muster.app.check_catalog(20);
                let list = |title: &str, lines: Vec<String>| {
                    println!("{title}: {}", if lines.is_empty() { "none" } else { "" });
                    lines.iter().for_each(|line| println!("  {line}"));
                };
                list("perhaps the same asset", checkup.doubles.iter().map(|names| names.join("  =  ")).collect());
                list("without any edge", checkup.orphans);
                list("tier 1 or 2, but nobody owns it", checkup.unowned);
                let unknown = checkup.unknown.into_iter().map(|(name, meant)| match meant.as_slice() {
                    [] => name,
                    meant => format!("{name}  (perhaps {})", meant.join(", ")),
                });
                list("in an open incident, but not in the catalog", unknown.collect());
                Ok(())
            })
            .await
        }
    }
}

/// Reads a file of any of the formats.
fn read(file: &Path) -> anyhow::Result<Import> {
    let bytes = contents(file)?;
    let text = body::text(&bytes).with_context(|| format!("{}: it is not UTF-8; write it as UTF-8", file.display()))?;
    if !text.trim_start().starts_with(['{', '[']) {
        return yaml::read(text).with_context(|| format!("{}", file.display()));
    }
    // A manifest says so in its metadata. Any other JSON is events.
    if bytes.windows(18).any(|window| window == b"dbt_schema_version") {
        return dbt::read(&bytes).with_context(|| format!("{}", file.display()));
    }
    let mut all = Import::default();
    for event in body::jsons::<serde_json::Value>(&bytes) {
        let event = event.with_context(|| format!("{}: not JSON", file.display()))?;
        let import = openlineage::read(&event, Clock::wall().now()).with_context(|| format!("{}", file.display()))?;
        all.sightings.extend(import.sightings);
        all.changes.extend(import.changes);
        all.columns.extend(import.columns);
        all.unusable.extend(import.unusable);
    }
    if all.sightings.is_empty() {
        bail!("{}: names no asset", file.display());
    }
    Ok(all)
}
