//! The store as everybody else uses it: types in, types out.

use std::sync::Arc;

use super::{Batch, CommitError, Engine, Id, Page, Range, Raw, ReadError, Rec, Record};

/// A store, shared: an engine, and the types of what is kept in it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// How many records a page has when all of them are read.
const PAGE: usize = 500;

impl Store {
    /// A store on an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// The record with its version, if there is one.
    ///
    /// # Errors
    /// The engine cannot read, or the record is damaged or of a newer Muster.
    pub async fn get<T: Record>(&self, id: &Id<T>) -> Result<Option<Rec<T>>, ReadError> {
        self.engine.get(T::KIND, id.as_str()).await?.map(Raw::read).transpose()
    }

    /// What a record says, if there is one.
    pub async fn value<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        Ok(self.get(id).await?.map(|rec| rec.value))
    }

    /// As [`Self::value`]; one that is damaged is logged, and taken for none.
    pub async fn readable<T: Record>(&self, id: &Id<T>) -> Result<Option<T>, ReadError> {
        match self.value(id).await {
            Err(error) if error.damaged => {
                tracing::error!(%error, "a record is left out");
                Ok(None)
            }
            other => other,
        }
    }

    /// A page of records in the order of their ids, at most `limit`. One that cannot be read is logged and left out.
    pub async fn scan<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Page<T>, ReadError> {
        let read = self.engine.scan(T::KIND, range.from(), range.to(), limit).await?;
        let next = (read.len() == limit).then(|| read.last().map(|last| last.id.clone())).flatten();
        let records = read
            .into_iter()
            .filter_map(|raw| raw.read().inspect_err(|error| tracing::error!(%error, "a record is left out")).ok());
        Ok(Page { records: records.collect(), next })
    }

    /// The ids of a range in their order, at most `limit`, also of records that cannot be read: for forgetting what is old.
    pub async fn ids<T: Record>(&self, range: &Range<T>, limit: usize) -> Result<Vec<Id<T>>, ReadError> {
        let read = self.engine.scan(T::KIND, range.from(), range.to(), limit).await?;
        Ok(read.into_iter().map(|raw| Id::new(raw.id)).collect())
    }

    /// All records of a range, read page by page. One that cannot be read is logged and left out.
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

    /// What all records of a range say.
    pub async fn values<T: Record>(&self, range: Range<T>) -> Result<Vec<T>, ReadError> {
        Ok(self.all(range).await?.into_iter().map(|rec| rec.value).collect())
    }

    /// All or nothing, durable when it answers.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let ops = batch.into_ops()?;
        if ops.is_empty() { Ok(()) } else { self.engine.commit(ops).await }
    }

    /// The engine, for what has no type: export and import, and whoever tests it.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }
}

/// Queues, figures and whatever else has no type are the engine's own.
impl std::ops::Deref for Store {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        self.engine()
    }
}
