//! The graph of the lineage as the app holds it, for reading; `catalog` writes it.

use parking_lot::RwLockReadGuard;

use crate::catalog::Naming;
use crate::domain::AssetName;
use crate::read_models::catalog::Catalog as Model;
use crate::read_models::{Followed, ReadModels};

#[derive(Debug)]
pub struct Catalog {
    pub(super) model: Followed<Model>,
    pub naming: Naming,
    pub(super) writing: tokio::sync::Mutex<Imaged>,
}

/// What the image of the graph has.
#[derive(Debug, Default)]
pub(super) struct Imaged {
    pub(super) commits: Option<u64>,
    /// Whether a later commit has logged no names.
    pub(super) gap: bool,
}

impl Catalog {
    pub(super) fn new(models: &ReadModels, naming: Naming) -> Self {
        let model = models.catalog.share();
        let commits = model.read().log().in_image;
        let imaged = Imaged { commits, gap: commits.is_none() };
        Self { model, naming, writing: tokio::sync::Mutex::new(imaged) }
    }

    /// The catalog's name for an asset. If the catalog does not know it, the name as it is spelled.
    pub fn known_as(&self, asset: &AssetName) -> AssetName {
        let spelled = self.naming.apply(asset.as_str());
        let graph = self.graph();
        let name = graph.find(&spelled).map_or(spelled.as_str(), |node| graph.name(node));
        AssetName::new(name).unwrap_or_else(|| asset.clone())
    }

    pub fn graph(&self) -> RwLockReadGuard<'_, Model> {
        self.model.read()
    }
}
