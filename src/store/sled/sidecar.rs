//! `store.json`: facts that are kept beside the database, because the database may lose them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::directory::{MARK, RESTORE, SIDECAR, sync_directory};
use super::mark::Mark;
use crate::store::EDITION;

/// The version of the layout that this program writes.
pub(super) const SCHEMA: u32 = 2;

/// Facts that are kept beside the database, because the database may lose them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub(super) schema: u32,
    /// The [`EDITION`] of the Muster that wrote last.
    #[serde(default)]
    pub(super) edition: u32,
    pub(super) has_data: bool,
    #[serde(default)]
    pub(super) clean: bool,
    /// The round of the journal at the last checkpoint. A database that ends before it is older than it should be.
    #[serde(default)]
    pub(super) mark: u64,
    /// The round of the base; `None` if the journal begins with the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<u64>,
    /// A backup was restored, and the database must still be made from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) restored: bool,
    /// The journal is damaged, and the base has all its rounds. The journal is moved aside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) journal_aside: bool,
    /// A start found the database as it was closed, but has not finished. Opening the database changes its files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) begun: bool,
    /// In a backup: the number of this backup.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) made: u64,
    /// After a clean stop: the checksums of the database's files, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sums: BTreeMap<String, u32>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Says in words that a newer Muster wrote the store, if one did.
pub(super) fn newer(sidecar: &Sidecar) -> Option<String> {
    let words = "was written by a newer Muster";
    if sidecar.schema > SCHEMA {
        Some(format!("{words} (layout {}; this one knows {SCHEMA})", sidecar.schema))
    } else if sidecar.edition > EDITION {
        Some(format!("{words} (records of edition {}; this one knows {EDITION})", sidecar.edition))
    } else {
        None
    }
}

pub(super) fn read_sidecar(directory: &Path) -> anyhow::Result<Option<Sidecar>> {
    let path = directory.join(SIDECAR);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!("{} is damaged, and nothing else says how far the store had come. {RESTORE}", path.display())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a new file, syncs it and renames it, so that it is never half written.
pub(super) fn write_sidecar(directory: &Path, sidecar: &Sidecar) -> anyhow::Result<()> {
    let path = directory.join(SIDECAR);
    let beside = directory.join("store.json.new");
    let mut file = File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    file.write_all(&serde_json::to_vec(sidecar)?)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    sync_directory(directory)
}

/// At least how far the journal of a store had come.
pub(super) fn reached(directory: &Path, sidecar: &Sidecar) -> anyhow::Result<Mark> {
    let at_checkpoint = Mark { round: sidecar.mark.max(sidecar.base.unwrap_or(0)), sum: 0 };
    let mark = Mark::read(&directory.join(MARK))?;
    Ok(mark.filter(|mark| mark.round >= at_checkpoint.round).unwrap_or(at_checkpoint))
}
