//! The thread that takes into sled what is in the memtable.

use std::sync::atomic::Ordering;

use super::database::take;
use super::directory::is_full;
use super::memtable::Layer;
use super::shared::{Shared, TICK, stop};

impl Shared {
    /// Takes into sled what was written, a layer at a time. On a full disk it is tried again: the journal has everything.
    pub(super) fn take_layers(&self) {
        while let Some(layer) = self.recent.next() {
            while let Err(why) = self.take_layer(&layer) {
                if !is_full(&why) {
                    stop(&format!("{why:#}"));
                }
                let words = format!("the database has no room ({why:#}); free some space, and it goes on by itself");
                if self.recent.is_behind(words, TICK) {
                    // It is closing, and the next start reads the journal.
                    return;
                }
            }
            self.recent.taken();
        }
    }

    pub(super) fn take_layer(&self, layer: &Layer) -> anyhow::Result<()> {
        let taken = self.with(|of| {
            // It may have come from the journal already, with what is newer.
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
