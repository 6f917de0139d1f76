//! What the catalog is asked while a body is read.

use crate::domain::lineage::Check;

/// Questions to the catalog while a body is read.
pub trait Known: Sync {
    /// The subject of a check (a dbt test, by its id).
    fn check(&self, id: &str) -> Option<Check>;
    /// Whether there is an asset with this name or alias.
    fn is_asset(&self, name: &str) -> bool;
}

/// A catalog that knows nothing.
impl Known for () {
    fn check(&self, _: &str) -> Option<Check> {
        None
    }

    fn is_asset(&self, _: &str) -> bool {
        false
    }
}
