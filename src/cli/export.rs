//! `muster export`, `import` and `postmortem`.

use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::opening::{load, open, open_existing};
use crate::Muster;
use crate::clock::Clock;
use crate::domain::counted;
use crate::domain::incident;
use crate::store::transfer;

pub(super) async fn export(file: &Path, config: &Path) -> anyhow::Result<()> {
    let store = open_existing(&load(config)?).await?;
    let exported = if file == Path::new("-") {
        transfer::export(store.engine(), &mut std::io::stdout()).await?
    } else {
        let out = std::fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut out = BufWriter::new(out);
        let exported = transfer::export(store.engine(), &mut out).await?;
        out.flush()?;
        // Something that is not a file, like /dev/null, cannot be synced.
        if out.get_ref().metadata()?.is_file() {
            out.get_ref().sync_all()?;
        }
        exported
    };
    eprintln!("{} exported", counted(exported, "record"));
    Ok(())
}

pub(super) async fn import(file: &Path, config: &Path) -> anyhow::Result<()> {
    let store = open(&load(config)?).await?;
    let imported = if file == Path::new("-") {
        transfer::import(store.engine(), &mut BufReader::new(std::io::stdin())).await?
    } else {
        let input = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        transfer::import(store.engine(), &mut BufReader::new(input)).await?
    };
    eprintln!("{} imported", counted(imported, "record"));
    Ok(())
}

pub(super) async fn postmortem(incident: &str, config: &Path) -> anyhow::Result<()> {
    let number = incident::number(incident)
        .with_context(|| format!("{incident} is not the name of an incident. Write it as INC-42"))?;
    let config = load(config)?;
    let store = open_existing(&config).await?;
    let muster = Muster::new(config, store, Clock::wall()).await?;
    let uid = muster.app.uid_of_number(number).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let incident = muster.app.incident(&uid).await?.context("the incident is not in the store")?;
    print!("{}", muster.app.postmortem(&incident).await?);
    Ok(())
}
