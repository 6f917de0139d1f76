//! The graph of the lineage, from the catalog's records.
//!
//! A start need not read all of them. An **image** of the graph lies beside the store (`image`), and a log of the catalog's commits
//! says which assets have changed since. Nothing depends on the image. If it is damaged, or the log does not know its mark, it is
//! left aside, and the graph is made from the records.

pub mod image;

use std::collections::BTreeSet;

use super::ReadModel;
use crate::domain::lineage::{Asset, Graph};
use crate::records::CatalogCommit;
use crate::store::{Change, Id, Kind, Range, ReadError, Store};

/// How many assets are read at once.
const PAGE: usize = 2000;

#[derive(Debug, Default, derive_more::Deref)]
pub struct Catalog {
    #[deref]
    graph: Graph,
    log: Log,
}

/// The state of the log of the catalog's commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Commits so far.
    pub commits: u64,
    pub mark: String,
    /// How many of them were in the image at start. `None` if there was no usable image.
    pub in_image: Option<u64>,
}

impl ReadModel for Catalog {
    const FOLLOWS: &'static [Kind] = &[Kind::Catalog, Kind::CatalogLog];

    async fn load(store: &Store) -> Result<Self, ReadError> {
        let log: Vec<(u64, CatalogCommit)> =
            store.all(Range::all()).await?.into_iter().map(|rec| (rec.id.commit(), rec.value)).collect();
        if let Some(read) = Self::from_image(store, &log).await? {
            return Ok(read);
        }
        let last = log.into_iter().next_back();
        let log = last.map_or_else(Log::default, |(commits, last)| Log { commits, mark: last.mark, in_image: None });
        Ok(Self { graph: from_records(store).await?, log })
    }

    fn apply(&mut self, changes: &[Change<'_>]) {
        // A merged asset is written before its old name is removed, so that no edge is lost in between.
        let assets = || changes.iter().filter(|change| change.kind == Kind::Catalog);
        assets().filter_map(Change::value::<Asset>).for_each(|asset| self.graph.put(&asset));
        assets().filter(|change| change.now.is_none()).for_each(|change| self.graph.remove(change.id));
        for change in changes.iter().filter(|change| change.kind == Kind::CatalogLog) {
            let commit = Id::<CatalogCommit>::new(change.id).commit();
            if let Some(last) = change.value::<CatalogCommit>().filter(|_| commit >= self.log.commits) {
                (self.log.commits, self.log.mark) = (commit, last.mark.clone());
            }
        }
    }
}

impl Catalog {
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The graph of the image, with the assets changed since then read again. `None` if the image is not of this store's past.
    async fn from_image(store: &Store, commits: &[(u64, CatalogCommit)]) -> Result<Option<Self>, ReadError> {
        let Some((mark, mut graph)) = store.folder().and_then(image::load) else { return Ok(None) };
        let mut log = Log::default();
        let mut names = BTreeSet::new();
        for (at, commit) in commits {
            if log.in_image.is_some() {
                let Some(changed) = &commit.names else { return Ok(None) };
                names.extend(changed.iter().cloned());
            } else if commit.mark == mark {
                log.in_image = Some(*at);
            }
            (log.commits, log.mark) = (*at, commit.mark.clone());
        }
        if log.in_image.is_none() {
            return Ok(None);
        }
        let mut assets = std::collections::HashMap::new();
        for name in &names {
            assets.extend(store.readable(&Id::<Asset>::of(name)).await?.map(|asset| (name.clone(), asset)));
        }
        graph.catch_up(&names, |name| Ok::<_, ReadError>(assets.remove(name)))?;
        Ok(Some(Self { graph, log }))
    }
}

/// The graph, built from all records.
async fn from_records(store: &Store) -> Result<Graph, ReadError> {
    // Another task reads, and this one builds.
    let (pages, mut read) = tokio::sync::mpsc::channel::<Vec<Asset>>(4);
    let from = store.clone();
    let reader = tokio::spawn(async move {
        let mut range = Range::<Asset>::all();
        loop {
            let page = from.scan(&range, PAGE).await?;
            // Sending fails only when the other side is gone.
            let _ = pages.send(page.records.into_iter().map(|rec| rec.value).collect()).await;
            match page.next {
                Some(last) => range = range.after(&last),
                None => return Ok::<(), ReadError>(()),
            }
        }
    });
    let mut graph = Graph::default();
    while let Some(page) = read.recv().await {
        page.iter().for_each(|asset| graph.put(asset));
    }
    reader.await.unwrap_or_else(|_| Err(ReadError::new("reading the catalog broke".to_owned())))?;
    Ok(graph)
}
