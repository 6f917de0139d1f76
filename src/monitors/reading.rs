//! What a body is read with, and what it comes to.

use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use super::values::clean;
use super::vocabulary::Words;
use crate::catalog::Import;
use crate::config::Source;
use crate::domain::lineage::Check;
use crate::domain::{Signal, Time};

/// What the catalog knows, asked while a body is read.
pub trait Known: Sync {
    /// What a check (a dbt test, by its id) is about.
    fn check(&self, id: &str) -> Option<Check>;
    /// Whether there is an asset of this name or alias.
    fn is_asset(&self, name: &str) -> bool;
}

/// Nothing is known.
impl Known for () {
    fn check(&self, _: &str) -> Option<Check> {
        None
    }

    fn is_asset(&self, _: &str) -> bool {
        false
    }
}

/// What a body is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Whose it is.
    pub source: &'a Source,
    /// Its headers, where a format puts something there.
    pub headers: &'a HeaderMap,
    /// What the catalog knows.
    pub known: &'a dyn Known,
    /// Now, for bodies that say no time.
    pub now: Time,
}

impl<'a> Context<'a> {
    /// What this source's monitor calls things.
    pub(super) fn words(&self) -> Words<'a> {
        Words(&self.source.words)
    }

    /// A signal of this source of which only this is known.
    pub(super) fn signal(&self, key: &str, title: &str, at: Option<Time>) -> Signal {
        let title = clean(title);
        Signal::new(&self.source.name, &clean(key), title.lines().next().unwrap_or_default(), at.unwrap_or(self.now))
    }
}

/// The most signals that one body may hold.
pub const MAX_SIGNALS: usize = 10_000;

/// One part of a body that could not be used; the others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unusable {
    /// Which, as a JSON pointer.
    pub at: String,
    /// Why.
    pub why: String,
}

/// What a body said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What could be used, in order.
    pub signals: Vec<Signal>,
    /// What could not.
    pub unusable: Vec<Unusable>,
    /// What tells this delivery from all others; said twice, it is one. `None` where the format has nothing of the kind: then
    /// saying the same again changes nothing.
    pub delivery: Option<String>,
    /// Lineage that the body brings too.
    pub import: Option<Import>,
}

/// A body of which nothing can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not of this kind.
    #[error("{0}")]
    WrongShape(String),
}

/// Reads a JSON body.
///
/// # Errors
/// It is not JSON, with the place.
pub fn json(body: &[u8]) -> Result<Value, Unreadable> {
    // serde_json stops at 128 levels, so a deep body cannot exhaust the stack.
    serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(error.to_string()))
}
