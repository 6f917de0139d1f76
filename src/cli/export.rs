//! `muster export`, `import` and `postmortem`.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::Path;

use anyhow::Context as _;

use super::new_file::write_file;
use super::opening::{load, open, open_existing, with};
use crate::Muster;
use crate::clock::Clock;
use crate::domain::counted;
use crate::domain::incident;
use crate::store::transfer;

pub(super) async fn export(file: &Path, overwrite: bool, config: &Path) -> anyhow::Result<()> {
    let store = open_existing(&load(config)?).await?;
    let exported = with(store, async |store| {
        if file == Path::new("-") {
            return transfer::export(store.engine(), &mut std::io::stdout()).await;
        }
        write_file(file, overwrite, async |out| transfer::export(store.engine(), out).await).await
    });
    eprintln!("{} exported", counted(exported.await?, "record"));
    Ok(())
}

pub(super) async fn import(file: &Path, without_end: bool, config: &Path) -> anyhow::Result<()> {
    let mut input: File = if file == Path::new("-") {
        spooled(&mut std::io::stdin())?
    } else {
        let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        // A pipe can be read only once.
        if input.metadata()?.is_file() { input } else { spooled(&mut { input })? }
    };
    input.rewind()?;
    let store = open(&load(config)?).await?;
    let mut input = BufReader::new(input);
    let imported = with(store, async |store| transfer::import(store.engine(), &mut input, without_end).await).await?;
    eprintln!("{} imported", counted(imported, "record"));
    Ok(())
}

/// A temporary file with all of it.
fn spooled(from: &mut dyn std::io::Read) -> anyhow::Result<File> {
    let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
    std::io::copy(from, &mut file).context("cannot copy the export into a temporary file")?;
    Ok(file)
}

pub(super) async fn postmortem(incident: &str, config: &Path) -> anyhow::Result<()> {
    let number = incident::number(incident)
        .with_context(|| format!("{incident} is not the name of an incident. Write it as INC-42"))?;
    let config = load(config)?;
    let store = open_existing(&config).await?;
    let draft = with(store, async |store| {
        let muster = Muster::new(config, store.clone(), Clock::wall()).await?;
        let uid = muster.app.uid_of_number(number).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        let incident = muster.app.incident(&uid).await?.context("the incident is not in the store")?;
        Ok(muster.app.postmortem(&incident).await?)
    });
    print!("{}", draft.await?);
    Ok(())
}
