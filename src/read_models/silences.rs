//! The silences that hold now or later.

use super::Table;
use crate::domain::Time;
use crate::domain::silence::Silence;

impl Table<Silence> {
    /// The silences that hold now or later, by number.
    pub fn lasting(&self, now: Time) -> impl Iterator<Item = &Silence> {
        self.0.values().filter(move |silence| silence.until > now)
    }
}
