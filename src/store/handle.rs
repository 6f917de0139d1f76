//! The store as the rest of Muster uses it: types in, types out.

use std::sync::Arc;

use derive_where::derive_where;

use super::{Batch, CommitError, Engine, Id, Page, Range, Raw, ReadError, Rec, Record};

/// A shared handle to a store: an engine, with types in front of it.
///
/// Queues, figures and everything else without a type come from the engine.
#[derive_where(Debug)]
#[derive(Clone, derive_more::Deref)]
pub struct Store {
    #[derive_where(skip)]
    #[deref(forward)]
    engine: Arc<dyn Engine>,
}

/// The size of a page when all records are read.
const PAGE: usize = 500;

impl Store {
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// The record with its version, if there is one.
    ///
    /// # Errors
    /// The engine cannot read, or the record is damaged or was written by a newer Muster.
    pub async fn get<T: Record>(&self, id: &Id<T>) -> Result<Option<Rec<T>>, ReadError> {
        self.engine.get(T::KIND, id.as_str()).await?.map(Raw::read).transpose()
    }

    pub async fn value<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        Ok(self.get(id).await?.map(|rec| rec.value))
    }

    /// As [`Self::value`]. A damaged record is logged and counts as missing.
    pub async fn readable<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        match self.value(id).await {
            Err(error) if error.damaged => {
                tracing::error!(%error, "a record is left out");
                Ok(None)
            }
            other => other,
        }
    }

    /// A page of at most `limit` records in the order of their ids. A record that cannot be read is logged and left out.
    pub async fn scan<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Page<T>, ReadError> {
        let read = self.engine.scan(T::KIND, &range.from, &range.to, limit).await?;
        let next = (read.len() == limit).then(|| read.last().map(|last| last.id.clone())).flatten();
        let records = read
            .into_iter()
            .filter_map(|raw| raw.read().inspect_err(|error| tracing::error!(%error, "a record is left out")).ok());
        Ok(Page { records: records.collect(), next })
    }

    /// At most `limit` ids of a range, in order, including those of records that cannot be read. For deleting what is old.
    pub async fn ids<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Vec<Id<T>>, ReadError> {
        let read = self.engine.scan(T::KIND, &range.from, &range.to, limit).await?;
        Ok(read.into_iter().map(|raw| Id::new(raw.id)).collect())
    }

    /// All records of a range, read page by page. A record that cannot be read is logged and left out.
    pub async fn all<T: Record>(&self, range: Range<T>) -> Result<Vec<Rec<T>>, ReadError> {
        let (mut range, mut all) = (range, Vec::new());
        loop {
            let page = self.scan(&range, PAGE).await?;
            all.extend(page.records);
            match page.next {
                Some(last) => range = range.after(&last),
                None => return Ok(all),
            }
        }
    }

    /// The values of all records of a range.
    pub async fn values<T: Record>(&self, range: Range<T>) -> Result<Vec<T>, ReadError> {
        Ok(self.all(range).await?.into_iter().map(|rec| rec.value).collect())
    }

    /// Commits all or nothing. It is durable when this answers.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let ops = batch.into_ops()?;
        if ops.is_empty() { Ok(()) } else { self.engine.commit(ops).await }
    }

    /// The engine, for what has no type: export, import and tests.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }
}
