//! The image of the graph: a file beside the store. A start reads it, and then only what has changed since. The records stay
//! the truth. An image is not used if it is damaged, was written by another Muster, or does not belong to the store's past.
//! Then the graph is made from the records, which takes longer.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::domain::lineage::Graph;

/// The first bytes of an image. Another Muster may use another layout.
const MAGIC: &str = concat!("muster lineage ", env!("CARGO_PKG_VERSION"), " 1\n");
/// The length of a mark in bytes.
const MARK: usize = 26;

fn file(folder: &Path) -> PathBuf {
    folder.join("lineage.image")
}

/// Computes a checksum of the bytes that pass through.
struct Summed<W> {
    to: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes the image of the graph as it is after the commit with this mark.
///
/// # Errors
/// The file cannot be written. An older file is still whole.
pub fn save(folder: &Path, graph: &Graph, mark: &str) -> io::Result<()> {
    let beside = folder.join("lineage.image.new");
    let saved = write(&beside, graph, mark).and_then(|()| fs::rename(&beside, file(folder)));
    saved.inspect_err(|_| {
        // A half-written file takes room that the store needs.
        let _ = fs::remove_file(&beside);
    })
}

fn write(beside: &Path, graph: &Graph, mark: &str) -> io::Result<()> {
    let mut to = Summed { to: BufWriter::new(File::create(beside)?), sum: crc32fast::Hasher::new() };
    to.write_all(MAGIC.as_bytes())?;
    to.write_all(mark.as_bytes())?;
    let mut to = postcard::to_io(graph, to).map_err(io::Error::other)?;
    let sum = to.sum.clone().finalize();
    to.to.write_all(&sum.to_le_bytes())?;
    to.to.into_inner()?.sync_all()
}

/// The last image, and the mark of its commit. `None` if there is no usable image.
pub fn load(folder: &Path) -> Option<(String, Graph)> {
    let bytes = fs::read(file(folder)).ok()?;
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    let rest = bytes.strip_prefix(MAGIC.as_bytes())?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (mark, body) = rest.split_at_checked(MARK)?;
    let graph = postcard::from_bytes::<Graph>(body).ok()?.complete()?;
    Some((String::from_utf8(mark.to_vec()).ok()?, graph))
}
