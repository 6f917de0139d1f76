//! The catalog: records in the store, with the graph in memory over them. Imports are merged and committed here, one after another. A reader of
//! the graph sees it before or after a commit, never in between.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::graph::Imaged;
use super::lookup::Lookup;
use super::{App, Failure};
use crate::catalog::{Import, Unusable};
use crate::domain::lineage::sighting::{Merger, Sighting, Written};
use crate::domain::lineage::{Asset, AssetKind, Change, ChangeKind, Check, Day, Graph, View, day};
use crate::domain::{AssetName, Effect, Time};
use crate::read_models::catalog::image;
use crate::records::outbox::{EntryId, Job};
use crate::records::{CatalogCommit, Changes, Columns, Open};
use crate::store::{Batch, Expect, Id, Range};

/// How many assets one commit writes.
const AT_ONCE: usize = 2000;
/// How many changes of an asset are kept.
const CHANGES_KEPT: usize = 20;
/// A commit of more assets than this is not logged by name. A new image is made instead.
const LOGGED: usize = 100;
/// A new image is made after this many commits.
const LOG_KEPT: u64 = 1000;

/// The record of a commit, by its number. It expects to be the next one.
fn logged(batch: &mut Batch, commit: u64, mark: String, written: &[(Written, Expect)]) {
    let names: Option<Vec<_>> =
        (written.len() <= LOGGED).then(|| written.iter().map(|(one, _)| one.name().to_owned()).collect());
    batch.put(&Id::<CatalogCommit>::of(commit), Expect::Absent, &CatalogCommit { mark, names });
}

/// Merges sightings into the assets that they name.
struct Merging<'a> {
    sightings: &'a [Sighting],
    today: Day,
}

struct Merged {
    /// How many assets changed or are gone.
    written: usize,
    joined: usize,
    left_out: usize,
    changes: Vec<(String, Change)>,
}

impl super::Change for Merging<'_> {
    type Outcome = Merged;

    async fn decide(&self, app: &App) -> Result<(Batch, Merged), Failure> {
        let mut assets = Lookup::<(Asset, u64)>::default();
        let (written, left_out) = loop {
            let merged = {
                let graph = app.catalog.graph();
                let known = |shown: &str| assets.get(shown).map(|(asset, _)| asset);
                let mut merger = Merger::new(&graph, known, self.today);
                for sighting in self.sightings {
                    merger.see(sighting);
                }
                let left_out = merger.left_out;
                (merger.finish(), left_out)
            };
            let missed = assets.missed();
            if missed.is_empty() {
                break merged;
            }
            for shown in missed {
                let found = app.store.get(&Id::<Asset>::of(&shown)).await?;
                assets.put(shown, found.map(|rec| (rec.value, rec.ver)));
            }
        };
        let (mut joined, mut changes) = (0, Vec::new());
        let expected = |one: Written| {
            let before = assets.get(one.name());
            match (&one, &before) {
                (Written::Put(asset), Some((before, _))) => changes.extend(what_changed(before, asset, app.now())),
                (Written::Put(_), None) => {}
                (Written::Gone(_), _) => joined += 1,
            }
            (one, before.map_or(Expect::Absent, |(_, ver)| Expect::Ver(ver)))
        };
        let written: Vec<_> = written.into_iter().map(expected).collect();
        Ok((app.written_down(&written), Merged { written: written.len(), joined, left_out, changes }))
    }
}

/// Adds to the changes of assets. The newest come first, and the oldest are forgotten.
struct Recording<'a>(&'a [(String, Change)]);

impl super::Change for Recording<'_> {
    type Outcome = ();

    async fn decide(&self, app: &App) -> Result<(Batch, ()), Failure> {
        let mut by_name: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
        for (name, change) in self.0 {
            by_name.entry(app.shown_name(name)).or_default().push(change);
        }
        let mut batch = Batch::new();
        for (shown, news) in by_name {
            let id = Id::<Changes>::of(&shown);
            let (known, expect) = app.to_change(&id).await?;
            let mut list = known.unwrap_or_default().changes;
            for change in news {
                if !list.contains(change) {
                    list.push(change.clone());
                }
            }
            list.sort_by_key(|change| std::cmp::Reverse(change.at));
            // Runs that went well must not push out what broke.
            while list.len() > CHANGES_KEPT {
                let oldest = list.iter().rposition(|change| change.what == ChangeKind::Ran).unwrap_or(list.len() - 1);
                list.remove(oldest);
            }
            batch.put(&id, expect, &Changes { changes: list });
        }
        Ok((batch, ()))
    }
}

/// Forgets what nobody has named for too long, one page at a time. Returns how many assets changed, and where the next page begins.
struct Forgetting<'a>(&'a str);

impl super::Change for Forgetting<'_> {
    type Outcome = (usize, Option<String>);

    async fn decide(&self, app: &App) -> Result<(Batch, Self::Outcome), Failure> {
        let forgotten = day(app.now()).saturating_sub(app.config.lineage.forget_after_days);
        let page = app.store.scan(&Range::<Asset>::all().starting(&Id::<Asset>::of(self.0)), 500).await?;
        let next = page.next.map(|last| format!("{last}\0"));
        let mut written = Vec::new();
        for rec in page.records {
            let (mut asset, expect) = (rec.value, Expect::Ver(rec.ver));
            let before = asset.clone();
            for facts in asset.facts.values_mut() {
                facts.parents.retain(|parent| parent.last >= forgotten);
            }
            // A person writes YAML once, so it stays. Tools repeat what they say.
            asset.facts.retain(|source, facts| source.starts_with("yaml") || facts.seen >= forgotten);
            if asset.facts.is_empty() {
                let graph = app.catalog.graph();
                if graph.find(&asset.name).is_some_and(|node| graph.downs(node).is_empty()) {
                    written.push((Written::Gone(asset.name.clone()), expect));
                }
            } else if asset != before {
                written.push((Written::Put(Box::new(asset)), expect));
            }
        }
        Ok((app.written_down(&written), (written.len(), next)))
    }
}

/// What an import came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Assets that the body names.
    pub named: usize,
    /// Assets that are new or changed.
    pub written: usize,
    /// Assets that turned out to be others, or went by another name.
    pub joined: usize,
    /// Edges that did not fit: an asset keeps 200 parents.
    pub left_out: usize,
    /// Assets in the catalog now.
    pub assets: usize,
    /// Edges in the catalog now.
    pub edges: usize,
    /// Parts of the body that could not be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Unusable>,
}

/// What may be wrong with the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Checkup {
    /// Pairs of assets of which one's name is the end of the other's: perhaps one.
    pub doubles: Vec<Vec<String>>,
    /// Assets without any edge.
    pub orphans: Vec<String>,
    /// Assets of tier 1 and 2 that nobody owns.
    pub unowned: Vec<String>,
    /// Assets of open incidents that the catalog does not know, each with what may be meant.
    pub unknown: Vec<(String, Vec<String>)>,
}

impl App {
    /// The graph as of today. Hold it only for a short time, because imports wait for it.
    pub fn view<'a>(&self, graph: &'a Graph) -> View<'a> {
        let today = day(self.now());
        let lineage = &self.config.lineage;
        View {
            graph,
            forgotten: today.saturating_sub(lineage.forget_after_days),
            fading: today.saturating_sub(lineage.fade_after_days),
        }
    }

    /// The name that people see. If the catalog does not know it, the name itself.
    fn shown_name(&self, name: &str) -> String {
        let graph = self.catalog.graph();
        graph.find(name).map_or(name, |node| graph.name(node)).to_owned()
    }

    /// The record of an asset, by the name that people see.
    pub async fn asset(&self, shown: &str) -> Result<Option<Asset>, Failure> {
        Ok(self.store.value(&Id::<Asset>::of(shown)).await?)
    }

    /// Takes in an import. It is durable when this returns. Taking in the same import again changes nothing.
    ///
    /// # Errors
    /// The store cannot write. Part of the import may be taken in then; the same import again takes in the rest.
    pub async fn take_in(&self, import: Import) -> Result<Imported, Failure> {
        let import = self.catalog.naming.spell(import);
        let mut imaged = self.catalog.writing.lock().await;
        let (named, refused) = (import.sightings.len(), import.unusable.clone());
        let mut imported = Imported { named, refused, ..Imported::default() };
        let today = day(self.now());
        let mut touched = false;
        for sightings in import.sightings.chunks(AT_ONCE) {
            let merged = self.make(&Merging { sightings, today }).await?;
            imaged.gap |= merged.written > LOGGED;
            imported.written += merged.written - merged.joined;
            imported.joined += merged.joined;
            imported.left_out += merged.left_out;
            touched |= merged.written > 0;
            self.make(&Recording(&merged.changes)).await?;
        }
        self.keep_image(&mut imaged).await?;
        self.make(&Recording(&import.changes)).await?;
        self.record_columns(&import.columns).await?;
        self.record_checks(&import.checks).await?;
        if touched {
            self.assess_open_incidents().await?;
        }
        let graph = self.catalog.graph();
        (imported.assets, imported.edges) = (graph.len(), graph.edges());
        Ok(imported)
    }

    /// What to write about assets, with its line in the log. The graph follows the commit.
    fn written_down(&self, written: &[(Written, Expect)]) -> Batch {
        let mut batch = Batch::new();
        // Without an image, nobody reads the log.
        if self.store.folder().is_some() && !written.is_empty() {
            let commit = self.catalog.graph().log().commits + 1;
            logged(&mut batch, commit, self.clock.fresh_id(), written);
        }
        for (one, expect) in written {
            match one {
                Written::Put(asset) => batch.put(&Id::<Asset>::of(&asset.name), *expect, &**asset),
                Written::Gone(name) => batch.del(&Id::<Asset>::of(name), *expect),
            }
        }
        batch
    }

    /// Makes a new image if the last one is far behind, and forgets the log up to it. Without an image, a start is only slower.
    async fn keep_image(&self, imaged: &mut Imaged) -> Result<(), Failure> {
        let Some(folder) = self.store.folder() else { return Ok(()) };
        // On a full disk, the remaining room is left for what must be kept.
        if self.store.health().is_err() {
            return Ok(());
        }
        let log = self.catalog.graph().log().clone();
        let behind = log.commits - imaged.commits.unwrap_or_default();
        if log.commits == 0 || (!imaged.gap && imaged.commits.is_some() && behind <= LOG_KEPT) {
            return Ok(());
        }
        let (model, folder, mark) = (self.catalog.model.share(), folder.to_owned(), log.mark.clone());
        let saved = tokio::task::spawn_blocking(move || image::save(&folder, &model.read(), &mark));
        if let Err(error) = saved.await.map_err(std::io::Error::other).and_then(|saved| saved) {
            tracing::warn!(%error, "the image of the lineage cannot be written: the next start reads all records");
            return Ok(());
        }
        *imaged = Imaged { commits: Some(log.commits), gap: false };
        let old = Range::<CatalogCommit>::all().before(Id::<CatalogCommit>::of(log.commits).as_str());
        while self.forget(&old).await? > 0 {}
        Ok(())
    }

    /// The latest changes of an asset, newest first.
    pub async fn changes(&self, shown: &str) -> Result<Vec<Change>, Failure> {
        Ok(self.store.value(&Id::<Changes>::of(shown)).await?.unwrap_or_default().changes)
    }

    async fn record_columns(&self, columns: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> Result<(), Failure> {
        let mut batch = Batch::new();
        for (name, columns) in columns {
            let shown = self.shown_name(name);
            let (id, columns) = (Id::<Columns>::of(&shown), Columns { columns: columns.clone() });
            // What does not fit into a record is left out. Lineage between tables works without it.
            let size_of = |of: &[String]| of.iter().map(|one| one.len() + 3).sum::<usize>();
            let size: usize = columns.columns.iter().map(|(column, of)| column.len() + size_of(of) + 6).sum();
            if size < crate::store::MAX_RECORD_BYTES - 1024 && self.store.value(&id).await?.as_ref() != Some(&columns) {
                batch.put(&id, Expect::Any, &columns);
            }
        }
        self.commit(batch).await
    }

    async fn record_checks(&self, checks: &BTreeMap<String, Check>) -> Result<(), Failure> {
        let mut batch = Batch::new();
        for (id, check) in checks {
            let id = Id::<Check>::of(id);
            if self.store.value(&id).await?.as_ref() != Some(check) {
                batch.put(&id, Expect::Any, check);
            }
            if batch.len() == AT_ONCE {
                self.commit(std::mem::take(&mut batch)).await?;
            }
        }
        self.commit(batch).await
    }

    /// The subject of a check.
    pub async fn check(&self, id: &str) -> Result<Option<Check>, Failure> {
        Ok(self.store.value(&Id::<Check>::of(id)).await?)
    }

    /// For each column of an asset, the columns it is made from.
    pub async fn columns(&self, shown: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        Ok(self.store.value(&Id::<Columns>::of(shown)).await?.unwrap_or_default().columns)
    }

    /// When the graph changes, its judgement of open incidents may change too. At most one such job per incident waits.
    async fn assess_open_incidents(&self) -> Result<(), Failure> {
        let mut batch = Batch::new();
        for rec in self.store.scan(&Range::<Open>::all(), 200).await?.records {
            let uid = rec.value.uid;
            let id = EntryId::present(&uid, &Effect::Assess);
            batch.enqueue_present(&id, Job::Of { uid, effect: Effect::Assess }, self.now(), self.now());
        }
        self.commit(batch).await
    }

    /// Forgets edges and assets that nobody has named for too long, one page at a time. Returns how many assets changed, and where the next page
    /// begins.
    pub async fn forget_old_lineage(&self, from: &str) -> Result<(usize, Option<String>), Failure> {
        let mut imaged = self.catalog.writing.lock().await;
        let (written, next) = self.make(&Forgetting(from)).await?;
        imaged.gap |= written > LOGGED;
        if next.is_none() {
            self.keep_image(&mut imaged).await?;
        }
        Ok((written, next))
    }

    /// What may be wrong with the catalog. Each list has at most `limit` items.
    pub fn check_catalog(&self, limit: usize) -> Checkup {
        let graph = self.catalog.graph();
        let mut checkup = Checkup::default();
        for node in graph.nodes() {
            let name = graph.name(node);
            if graph.ups(node).is_empty() && graph.downs(node).is_empty() && checkup.orphans.len() < limit {
                checkup.orphans.push(name.to_owned());
            }
            if graph.tier(node) <= 2 && graph.owners(node).is_empty() && checkup.unowned.len() < limit {
                checkup.unowned.push(name.to_owned());
            }
            if graph.kind(node) == AssetKind::Job {
                continue;
            }
            // `main.orders` beside `shop.main.orders`: the name that one tool uses is the end of the name that another tool uses.
            for known_as in graph.names(node) {
                let starts = known_as.match_indices(['.', '/']).map(|(at, _)| &known_as[at + 1..]);
                for end in starts.filter(|end| end.contains('.')) {
                    if let Some(other) = graph.find(end).filter(|other| *other != node)
                        && checkup.doubles.len() < limit
                    {
                        checkup.doubles.push(vec![name.to_owned(), graph.name(other).to_owned()]);
                    }
                }
            }
        }
        checkup.doubles.sort();
        checkup.doubles.dedup();
        let mut unknown = BTreeSet::new();
        for (_, _, trouble) in self.models.health.read().all() {
            if graph.find(&self.catalog.naming.apply(&trouble.asset)).is_none() {
                unknown.insert(trouble.asset.clone());
            }
        }
        checkup.unknown = unknown
            .into_iter()
            .take(limit)
            .map(|name| {
                let last = name.rsplit(['.', '/']).next().unwrap_or(&name).to_owned();
                let meant = graph.meant(&last, 3).into_iter().map(|node| graph.name(node).to_owned()).collect();
                (name, meant)
            })
            .collect();
        checkup
    }

    /// The asset that somebody means.
    pub fn meant(&self, name: &str) -> Result<String, Failure> {
        let name = AssetName::new(name).ok_or_else(|| Failure::NotFound("Which asset?".to_owned()))?;
        let graph = self.catalog.graph();
        let found = graph.meant(&self.catalog.naming.apply(name.as_str()), 6);
        let names: Vec<_> = found.iter().map(|node| format!("`{}`", graph.name(*node))).collect();
        match found.as_slice() {
            [one] => Ok(graph.name(*one).to_owned()),
            [] if self.models.health.read().of(name.as_str()).next().is_some() => Ok(name.as_str().to_owned()),
            [] => {
                let hint = if graph.is_empty() {
                    "The catalog is empty; fill it with `muster lineage import`."
                } else {
                    "Names are matched from their end; give its last parts, as in `main.orders`."
                };
                Err(Failure::NotFound(format!("There is no asset “{name}” in the catalog. {hint}")))
            }
            _ => {
                let names = names.join(" or ");
                Err(Failure::NotFound(format!("“{name}” may be {names}. Give more of its name.")))
            }
        }
    }
}

/// A different fingerprint means different code or different columns.
fn what_changed(before: &Asset, now: &Asset, at: Time) -> Vec<(String, Change)> {
    let mut changes = Vec::new();
    for (source, facts) in &now.facts {
        let old = before.facts.get(source).and_then(|facts| facts.fingerprint.as_ref());
        if let (Some(old), Some(new)) = (old, &facts.fingerprint)
            && old != new
        {
            let what = if source.starts_with("dbt") { ChangeKind::Code } else { ChangeKind::Schema };
            changes.push((now.name.clone(), Change { what, at, text: String::new(), url: None }));
        }
    }
    changes
}
