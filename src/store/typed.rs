//! The types of the store: a record and its shape, ids that know their type, ranges of ids, pages. The table in `records` lists
//! the records.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use derive_where::derive_where;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Kind, Queued, Raw, ReadError};

/// A type that the store keeps.
///
/// It is written as JSON, straight from the type, with the version of its shape. A new field with a default needs no new shape.
/// A field that is renamed or means something else does; then [`Record::upcast`] reads the older records.
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    const KIND: Kind;
    /// The version of its shape.
    const SHAPE: u32;
    /// Whether a follower reads every record of this type. Then the value is handed on, and need not be read from JSON again.
    const FOLLOWED: bool = false;

    /// Reads a record with an older shape.
    fn upcast(shape: u32, body: &str) -> serde_json::Result<Self> {
        let _ = shape;
        serde_json::from_str(body)
    }
}

/// A value beside its text, for a follower in the same process. The text says whether two are equal.
#[derive_where(Debug, PartialEq)]
#[derive(Clone)]
pub struct Typed(#[derive_where(skip)] Arc<dyn Any + Send + Sync>);

impl Typed {
    pub(super) fn new<T: Record>(value: &T) -> Self {
        Self(Arc::new(value.clone()))
    }

    pub(super) fn value<T: Record>(&self) -> Option<Arc<T>> {
        self.0.clone().downcast().ok()
    }
}

/// The id of a record, with its type.
#[derive_where(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(derive_more::Display)]
#[display("{text}")]
pub struct Id<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// An id from text. Ids are made only in `records`, or read from a record.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), of: PhantomData }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A record that was read.
#[derive(Debug, Clone)]
pub struct Rec<T> {
    pub id: Id<T>,
    /// Its version. A later write expects this version.
    pub ver: u64,
    /// How often it was claimed since it was last written.
    pub claims: u32,
    pub queued: Option<Queued>,
    pub value: T,
}

/// Ids of a type, from one up to but not including another.
pub struct Range<T> {
    pub(super) from: String,
    pub(super) to: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Range<T> {
    pub fn all() -> Self {
        Self { from: String::new(), to: String::new(), of: PhantomData }
    }

    /// The ids that begin with this text.
    pub fn prefix(prefix: &str) -> Self {
        // The largest character, so larger than any that follows the prefix.
        let to = if prefix.is_empty() { String::new() } else { format!("{prefix}\u{10FFFF}") };
        Self { from: prefix.to_owned(), to, of: PhantomData }
    }

    /// The ids of this range from this id on.
    pub fn starting(mut self, id: &Id<T>) -> Self {
        id.as_str().clone_into(&mut self.from);
        self
    }

    /// The ids of this range after this id.
    pub fn after(mut self, id: &str) -> Self {
        self.from = format!("{id}\0");
        self
    }

    /// The ids of this range before this id.
    pub fn before(mut self, id: &str) -> Self {
        id.clone_into(&mut self.to);
        self
    }
}

/// Some records of a range.
#[derive(Debug)]
pub struct Page<T> {
    /// In the order of their ids.
    pub records: Vec<Rec<T>>,
    /// The last id, if there may be more after it.
    pub next: Option<String>,
}

/// Reads a body by its shape.
pub(super) fn body<T: Record>(kind: Kind, id: &str, shape: u32, body: &str) -> Result<T, ReadError> {
    if shape > T::SHAPE {
        return Err(ReadError::damaged(format!("{kind:?} `{id}` was written by a newer Muster")));
    }
    let read = if shape == T::SHAPE { serde_json::from_str(body) } else { T::upcast(shape, body) };
    read.map_err(|error| ReadError::damaged(format!("{kind:?} `{id}` is damaged: {error}")))
}

impl Raw {
    /// The record, read as its type.
    pub fn read<T: Record>(self) -> Result<Rec<T>, ReadError> {
        let value = body(self.kind, &self.id, self.shape, &self.body)?;
        Ok(Rec { id: Id::new(self.id), ver: self.ver, claims: self.claims, queued: self.queued, value })
    }
}
