//! The one way in which a command writes a file that people named: whole or not at all, and never over another file unasked.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

/// Writes beside the file, syncs that, and gives it its name last. If anything fails before, nothing is left.
pub(super) async fn write_file<T>(
    file: &Path,
    overwrite: bool,
    write: impl AsyncFnOnce(&mut (dyn std::io::Write + Send)) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write {}", file.display());
    if file.exists() && !file.is_file() {
        // A pipe or a device cannot be written beside and renamed.
        let mut out = BufWriter::new(std::fs::File::options().write(true).open(file).with_context(cannot)?);
        let written = write(&mut out).await?;
        out.flush().with_context(cannot)?;
        return Ok(written);
    }
    if file.exists() && !overwrite {
        bail!("{} is there already, and was not changed. Name another file, or use --overwrite", file.display());
    }
    let mut out = BufWriter::new(NamedTempFile::new_in(folder).with_context(cannot)?);
    let written = write(&mut out).await?;
    let whole = out.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
    whole.as_file().sync_all().with_context(cannot)?;
    let named = if overwrite { whole.persist(file) } else { whole.persist_noclobber(file) };
    named.map_err(|error| error.error).with_context(cannot)?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
    Ok(written)
}
