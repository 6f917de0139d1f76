//! The thread that moves the memtable into sled.

use std::sync::atomic::Ordering;

use super::database::take;
use super::directory::is_full;
use super::memtable::Layer;
use super::shared::{Shared, TICK, stop};

impl Shared {
    /// Moves writes into sled, one layer at a time. On a full disk it tries again later; the journal has everything.
    pub(super) fn take_layers(&self) {
        while let Some(layer) = self.recent.next() {
            while let Err(why) = self.take_layer(&layer) {
                if !is_full(&why) {
                    stop(&format!("{why:#}"));
                }
                let words =
                    format!("the database has no room ({why:#}). Free some space, and Muster goes on by itself");
                if self.recent.is_behind(words, TICK) {
                    // The store is closing. The next start reads the journal.
                    return;
                }
            }
            self.recent.taken();
        }
    }

    pub(super) fn take_layer(&self, layer: &Layer) -> anyhow::Result<()> {
        let taken = self.with(|of| {
            // A reopened database may have read this layer, and newer rounds, from the journal already.
            if layer.last > self.head.load(Ordering::SeqCst) {
                take(&of.db, layer.last, &layer.changes)?;
            }
            Ok(())
        });
        taken.or_else(|error| self.open_again(Some(&error)))?;
        self.head.fetch_max(layer.last, Ordering::SeqCst);
        Ok(())
    }
}
