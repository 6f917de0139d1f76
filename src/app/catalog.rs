//! The catalog: the graph in memory over records in the store. Imports are merged and committed here, one after another; whoever
//! asks the graph sees it before or after a commit, never in between.

mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde::Serialize;
use serde_json::json;

use super::job::Job;
use super::{App, Failure};
use crate::catalog::{Import, Naming};
use crate::domain::lineage::merge::{Merger, Sighting, Written};
use crate::domain::lineage::{Asset, AssetKind, Change, ChangeKind, Check, Day, Graph, View, day};
use crate::domain::{AssetName, Effect};
use crate::store::{Engine, Expect, Kind, Op, ReadError, scan_prefix};
use crate::tr;

/// How many assets one commit writes.
const AT_ONCE: usize = 2000;
/// How many assets are read at once.
const PAGE: usize = 2000;
/// How many changes of an asset are kept.
const CHANGES_KEPT: usize = 20;
/// A commit of more assets than this is not written down by name: the image is made anew.
const LOGGED: usize = 100;
/// So many commits after an image, a new one is made.
const LOG_KEPT: u64 = 1000;

/// The catalog.
#[derive(Debug)]
pub struct Catalog {
    graph: Arc<RwLock<Graph>>,
    /// How names are spelled.
    pub naming: Naming,
    writing: tokio::sync::Mutex<Log>,
}

/// Where the log of the catalog's commits stands. Its records say which assets changed since the image was made.
#[derive(Debug, Default)]
struct Log {
    /// Commits so far.
    commits: u64,
    /// The mark of the last one.
    mark: String,
    /// How many of them the image has.
    in_image: Option<u64>,
    /// Whether one since then says no names.
    gap: bool,
}

impl Log {
    fn id(commit: u64) -> String {
        format!("{commit:016}")
    }

    /// The record of the next commit.
    fn next(&mut self, mark: String, written: &[Written]) -> Op {
        self.commits += 1;
        self.gap |= written.len() > LOGGED;
        let names: Option<Vec<_>> = (written.len() <= LOGGED).then(|| written.iter().map(Written::name).collect());
        let body = json!({"v": 1, "mark": mark, "names": names});
        self.mark = mark;
        Op::put(Kind::CatalogLog, Self::id(self.commits), Expect::Any, body)
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
}

/// What may be wrong with the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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

impl Catalog {
    /// Reads all of it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn load(store: &dyn Engine, naming: Naming) -> Result<Self, ReadError> {
        let (graph, log) = match Self::from_image(store)? {
            Some(read) => read,
            None => (Self::from_records(store)?, Self::last_of_log(store)?),
        };
        Ok(Self { graph: Arc::new(RwLock::new(graph)), naming, writing: tokio::sync::Mutex::new(log) })
    }

    /// The graph of the image, and what changed since then read again; `None` if the image is not of this store's past.
    fn from_image(store: &dyn Engine) -> Result<Option<(Graph, Log)>, ReadError> {
        let Some((mark, mut graph)) = store.folder().and_then(image::load) else {
            return Ok(None);
        };
        let mut log = Log::default();
        let mut names = BTreeSet::new();
        for rec in scan_prefix(store, Kind::CatalogLog, "")? {
            let at = rec.id.parse().unwrap_or_default();
            if log.in_image.is_some() {
                let Ok(changed) = serde_json::from_value::<Vec<String>>(rec.body["names"].clone()) else {
                    return Ok(None);
                };
                names.extend(changed);
            } else if rec.body["mark"] == *mark {
                log.in_image = Some(at);
            }
            log.commits = at;
            log.mark = rec.body["mark"].as_str().unwrap_or_default().to_owned();
        }
        if log.in_image.is_none() {
            return Ok(None);
        }
        graph.catch_up(&names, |name| {
            let rec = store.get(Kind::Catalog, name)?;
            Ok::<_, ReadError>(rec.and_then(|rec| serde_json::from_value(rec.body).ok()))
        })?;
        Ok(Some((graph, log)))
    }

    fn last_of_log(store: &dyn Engine) -> Result<Log, ReadError> {
        let last = scan_prefix(store, Kind::CatalogLog, "")?.pop();
        Ok(last.map_or_else(Log::default, |rec| Log {
            commits: rec.id.parse().unwrap_or_default(),
            mark: rec.body["mark"].as_str().unwrap_or_default().to_owned(),
            in_image: None,
            gap: true,
        }))
    }

    /// The graph from all records.
    fn from_records(store: &dyn Engine) -> Result<Graph, ReadError> {
        let mut graph = Graph::default();
        // One thread reads, this one builds.
        std::thread::scope(|threads| {
            let (pages, read) = std::sync::mpsc::sync_channel::<Vec<Asset>>(4);
            let reader = threads.spawn(move || {
                let mut from = String::new();
                loop {
                    let mut page = Vec::with_capacity(PAGE);
                    let last =
                        store.texts(Kind::Catalog, &from, PAGE, &mut |text| match serde_json::from_str(text) {
                            Ok(asset) => page.push(asset),
                            Err(error) => tracing::error!(%error, "an asset of the catalog cannot be read"),
                        })?;
                    // Nobody listens any more only when the other side is gone.
                    let _ = pages.send(page);
                    match last {
                        Some(last) => from = format!("{last}\0"),
                        None => return Ok(()),
                    }
                }
            });
            for asset in read.into_iter().flatten() {
                graph.put(&asset);
            }
            reader.join().unwrap_or_else(|_| Err(ReadError(tr!("reading the catalog broke"))))
        })?;
        Ok(graph)
    }

    /// The name by which the catalog knows an asset; as it is spelled, where the catalog does not know it.
    pub fn known_as(&self, asset: &AssetName) -> AssetName {
        let spelled = self.naming.apply(asset.as_str());
        let graph = self.graph();
        let name = graph.find(&spelled).map_or(spelled.as_str(), |node| graph.name(node));
        AssetName::new(name).unwrap_or_else(|| asset.clone())
    }

    /// The graph, for reading.
    pub fn graph(&self) -> RwLockReadGuard<'_, Graph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// The graph as of today. Hold it shortly: an import waits for it.
    pub fn view<'a>(&self, graph: &'a Graph) -> View<'a> {
        let today = day(self.now());
        let lineage = &self.config.lineage;
        View {
            graph,
            forgotten: today.saturating_sub(lineage.forget_after_days),
            fading: today.saturating_sub(lineage.fade_after_days),
        }
    }

    /// The record of an asset, by the name that people see.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn asset(&self, shown: &str) -> Result<Option<Asset>, Failure> {
        Ok(self.store.get(Kind::Catalog, shown)?.and_then(|rec| serde_json::from_value(rec.body).ok()))
    }

    /// Takes an import in; durable when it answers. Taking in the same again changes nothing.
    ///
    /// # Errors
    /// The store cannot write. A part may be taken in then; the same import again takes in the rest.
    pub async fn take_in(&self, import: Import) -> Result<Imported, Failure> {
        let import = self.catalog.naming.spell(import);
        let mut log = self.catalog.writing.lock().await;
        let mut imported = Imported { named: import.sightings.len(), ..Imported::default() };
        let today = day(self.now());
        let mut touched = false;
        for sightings in import.sightings.chunks(AT_ONCE) {
            touched |= self.merge(&mut log, sightings, today, &mut imported).await?;
        }
        self.keep_image(&mut log).await?;
        self.record_changes(&import.changes).await?;
        self.record_columns(&import.columns).await?;
        self.record_checks(&import.checks).await?;
        if touched {
            self.assess_open_incidents().await?;
        }
        let graph = self.catalog.graph();
        (imported.assets, imported.edges) = (graph.len(), graph.edges());
        Ok(imported)
    }

    /// Whether anything changed.
    async fn merge(
        &self,
        log: &mut Log,
        sightings: &[Sighting],
        today: Day,
        imported: &mut Imported,
    ) -> Result<bool, Failure> {
        let (written, left_out) = {
            let graph = self.catalog.graph();
            let mut merger = Merger::new(&graph, |shown| self.asset(shown).ok().flatten(), today);
            for sighting in sightings {
                merger.see(sighting);
            }
            let left_out = merger.left_out;
            (merger.finish(), left_out)
        };
        imported.left_out += left_out;
        if written.is_empty() {
            return Ok(false);
        }
        let mut changes = Vec::new();
        for one in &written {
            match one {
                Written::Put(asset) => {
                    imported.written += 1;
                    if let Some(before) = self.asset(&asset.name)? {
                        changes.extend(what_changed(&before, asset, self.now()));
                    }
                }
                Written::Gone(_) => imported.joined += 1,
            }
        }
        self.write_down(log, &written).await?;
        self.record_changes(&changes).await?;
        Ok(true)
    }

    /// Commits what changed, with its line in the log, and only then shows it to those who ask.
    async fn write_down(&self, log: &mut Log, written: &[Written]) -> Result<(), Failure> {
        let mut ops = vec![log.next(self.clock.fresh_id(), written)];
        ops.extend(written.iter().map(|one| match one {
            Written::Put(asset) => {
                Op::put(Kind::Catalog, &asset.name, Expect::Any, serde_json::to_value(asset).unwrap_or_default())
            }
            Written::Gone(name) => Op::Del { kind: Kind::Catalog, id: name.clone(), expect: Expect::Any },
        }));
        self.commit(ops).await?;
        self.apply(written);
        Ok(())
    }

    /// Makes a new image where the last one is far behind, and forgets the log up to it. A start without one is only slower.
    async fn keep_image(&self, log: &mut Log) -> Result<(), Failure> {
        let Some(folder) = self.store.folder() else {
            return Ok(());
        };
        let behind = log.commits - log.in_image.unwrap_or_default();
        if log.commits == 0 || (!log.gap && log.in_image.is_some() && behind <= LOG_KEPT) {
            return Ok(());
        }
        let (graph, folder, mark) = (self.catalog.graph.clone(), folder.to_owned(), log.mark.clone());
        let saved = tokio::task::spawn_blocking(move || {
            image::save(&folder, &graph.read().unwrap_or_else(PoisonError::into_inner), &mark)
        });
        if let Err(error) = saved.await.map_err(std::io::Error::other).and_then(|saved| saved) {
            tracing::warn!(%error, "the image of the lineage cannot be written: the next start reads all records");
            return Ok(());
        }
        (log.in_image, log.gap) = (Some(log.commits), false);
        loop {
            let old = self.store.scan(Kind::CatalogLog, "", &Log::id(log.commits), 500)?;
            if old.is_empty() {
                return Ok(());
            }
            let ops = old.into_iter().map(|rec| Op::Del { kind: rec.kind, id: rec.id, expect: Expect::Any });
            self.commit(ops.collect()).await?;
        }
    }

    fn apply(&self, written: &[Written]) {
        let mut graph = self.catalog.graph.write().unwrap_or_else(PoisonError::into_inner);
        for one in written {
            match one {
                Written::Put(asset) => graph.put(asset),
                Written::Gone(name) => graph.remove(name),
            }
        }
    }

    /// Adds to what happened to assets, the newest first, the oldest forgotten.
    async fn record_changes(&self, changes: &[(String, Change)]) -> Result<(), Failure> {
        let mut lists: BTreeMap<String, Vec<Change>> = BTreeMap::new();
        for (name, change) in changes {
            let shown = {
                let graph = self.catalog.graph();
                graph.find(name).map_or_else(|| name.clone(), |node| graph.name(node).to_owned())
            };
            if !lists.contains_key(&shown) {
                lists.insert(shown.clone(), self.changes(&shown)?);
            }
            if let Some(list) = lists.get_mut(&shown)
                && !list.contains(change)
            {
                list.push(change.clone());
            }
        }
        let ops: Vec<_> = lists
            .into_iter()
            .map(|(shown, mut list)| {
                list.sort_by_key(|change| std::cmp::Reverse(change.at));
                // Runs that went well must not push out what broke.
                while list.len() > CHANGES_KEPT {
                    let oldest =
                        list.iter().rposition(|change| change.what == ChangeKind::Ran).unwrap_or(list.len() - 1);
                    list.remove(oldest);
                }
                Op::put(Kind::Changes, shown, Expect::Any, json!({"v": 1, "changes": list}))
            })
            .collect();
        if ops.is_empty() { Ok(()) } else { self.commit(ops).await }
    }

    /// What happened to an asset lately, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn changes(&self, shown: &str) -> Result<Vec<Change>, Failure> {
        let rec = self.store.get(Kind::Changes, shown)?;
        Ok(rec.and_then(|mut rec| serde_json::from_value(rec.body["changes"].take()).ok()).unwrap_or_default())
    }

    async fn record_columns(&self, columns: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> Result<(), Failure> {
        let mut ops = Vec::new();
        for (name, columns) in columns {
            let shown = {
                let graph = self.catalog.graph();
                graph.find(name).map_or_else(|| name.clone(), |node| graph.name(node).to_owned())
            };
            let body = json!({"v": 1, "columns": columns});
            let known = self.store.get(Kind::Columns, &shown)?;
            // What does not fit a record is left out: tables have lineage without it.
            let fits = body.to_string().len() < crate::store::MAX_RECORD_BYTES - 1024;
            if fits && known.is_none_or(|known| known.body != body) {
                ops.push(Op::put(Kind::Columns, shown, Expect::Any, body));
            }
        }
        if ops.is_empty() { Ok(()) } else { self.commit(ops).await }
    }

    async fn record_checks(&self, checks: &BTreeMap<String, Check>) -> Result<(), Failure> {
        let mut ops = Vec::new();
        for (id, check) in checks {
            let body = serde_json::to_value(check).unwrap_or_default();
            if self.store.get(Kind::Check, id)?.is_none_or(|known| known.body != body) {
                ops.push(Op::put(Kind::Check, id, Expect::Any, body));
            }
        }
        for some in ops.chunks(AT_ONCE) {
            self.commit(some.to_vec()).await?;
        }
        Ok(())
    }

    /// What a check is about.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn check(&self, id: &str) -> Result<Option<Check>, Failure> {
        Ok(self.store.get(Kind::Check, id)?.and_then(|rec| serde_json::from_value(rec.body).ok()))
    }

    /// Which columns the columns of an asset are made of.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn columns(&self, shown: &str) -> Result<serde_json::Value, Failure> {
        Ok(self.store.get(Kind::Columns, shown)?.map(|mut rec| rec.body["columns"].take()).unwrap_or_default())
    }

    /// When the graph changes, what it says of open incidents may change too. One look an incident waits at most.
    async fn assess_open_incidents(&self) -> Result<(), Failure> {
        let open: Vec<String> = self
            .store
            .scan(Kind::Open, "", "", 200)?
            .into_iter()
            .filter_map(|rec| rec.body["uid"].as_str().map(str::to_owned))
            .collect();
        for uid in open {
            let name = format!("{uid}/assess");
            self.enqueue(&name, Job::Of { uid, effect: Effect::Assess }).await?;
        }
        Ok(())
    }

    /// Forgets edges and assets that nobody has named for too long, a page at a time; how many assets changed, and where the
    /// next page begins.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn forget_old_lineage(&self, from: &str) -> Result<(usize, Option<String>), Failure> {
        let mut log = self.catalog.writing.lock().await;
        let forgotten = day(self.now()).saturating_sub(self.config.lineage.forget_after_days);
        let page = self.store.scan(Kind::Catalog, from, "", 500)?;
        let next = (page.len() == 500).then(|| page.last().map(|rec| format!("{}\0", rec.id))).flatten();
        let mut written = Vec::new();
        for rec in page {
            let Ok(mut asset) = serde_json::from_value::<Asset>(rec.body) else {
                continue;
            };
            let before = asset.clone();
            for facts in asset.facts.values_mut() {
                facts.parents.retain(|parent| parent.last >= forgotten);
            }
            // A person's YAML is said once and stays; what tools say they say again.
            asset.facts.retain(|source, facts| source.starts_with("yaml") || facts.seen >= forgotten);
            if asset.facts.is_empty() {
                let graph = self.catalog.graph();
                if graph.find(&asset.name).is_some_and(|node| graph.downs(node).is_empty()) {
                    written.push(Written::Gone(asset.name.clone()));
                }
            } else if asset != before {
                written.push(Written::Put(Box::new(asset)));
            }
        }
        if !written.is_empty() {
            self.write_down(&mut log, &written).await?;
        }
        if next.is_none() {
            self.keep_image(&mut log).await?;
        }
        Ok((written.len(), next))
    }

    /// What may be wrong with the catalog, each list at most `limit` long.
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
            // `main.orders` beside `shop.main.orders`: what one tool calls it is the end of what another does.
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
        for (_, _, trouble) in self.health().all() {
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
    ///
    /// # Errors
    /// There is none, or several; in words.
    pub fn meant(&self, name: &str) -> Result<String, Failure> {
        let name = AssetName::new(name).ok_or_else(|| Failure::NotFound(tr!("Which asset?")))?;
        let graph = self.catalog.graph();
        let found = graph.meant(&self.catalog.naming.apply(name.as_str()), 6);
        let names: Vec<_> = found.iter().map(|node| format!("`{}`", graph.name(*node))).collect();
        match found.as_slice() {
            [one] => Ok(graph.name(*one).to_owned()),
            [] if self.health().of(name.as_str()).next().is_some() => Ok(name.as_str().to_owned()),
            [] => {
                let hint = if graph.is_empty() {
                    "The catalog is empty; fill it with `muster lineage import`."
                } else {
                    "Names are matched from their end; give its last parts, as in `main.orders`."
                };
                Err(Failure::NotFound(tr!(
                    "There is no asset “{name}” in the catalog. {hint}",
                    name = name,
                    hint = hint
                )))
            }
            _ => Err(Failure::NotFound(tr!(
                "“{name}” may be {names}. Give more of its name.",
                name = name,
                names = names.join(" or ")
            ))),
        }
    }
}

/// Another fingerprint means other code, or other columns.
fn what_changed(before: &Asset, now: &Asset, at: crate::domain::Time) -> Vec<(String, Change)> {
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
