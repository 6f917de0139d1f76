//! All read models. Only this file changes them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Notify;

use super::model::ReadModel;
use super::{catalog, external_channels, flapping, health, people, rosters, silences, subscriptions};
use crate::domain::{Alert, IncidentId};
use crate::store::{Change, Follower, KeptChange, Kind, Range, ReadError, Store};

/// A read model that only the store's follower changes. Everybody else reads it.
#[derive(Debug)]
pub struct Followed<T>(Arc<RwLock<T>>);

impl<T> Followed<T> {
    fn new(model: T) -> Self {
        Self(Arc::new(RwLock::new(model)))
    }

    /// Reads it. Hold the guard only briefly, since commits wait for it.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same read model, for another thread.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// Follows the commit, if it has records of this read model.
    fn apply(&self, changes: &[Change<'_>])
    where
        T: ReadModel,
    {
        if changes.iter().any(|change| T::FOLLOWS.contains(&change.kind)) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).apply(changes);
        }
    }

    /// Replaces its contents with those of another, which must not be shared.
    fn set(&self, other: Self) {
        if let Some(model) = Arc::into_inner(other.0) {
            let model = model.into_inner().unwrap_or_else(PoisonError::into_inner);
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = model;
        }
    }
}

#[derive(Debug)]
pub struct ReadModels {
    /// The people of the workspace, its address, and their addresses for PagerDuty.
    pub people: Followed<people::People>,
    /// Who is in user groups and on schedules.
    pub rosters: Followed<rosters::Rosters>,
    pub subscriptions: Followed<subscriptions::Subscriptions>,
    /// Which channels people of other workspaces read.
    pub external_channels: Followed<external_channels::Channels>,
    pub silences: Followed<silences::Silences>,
    /// Which assets are bad, according to the open incidents.
    pub health: Followed<health::Health>,
    pub flapping: Followed<flapping::Flapping>,
    /// The assets and their lineage.
    pub catalog: Followed<catalog::Catalog>,
    /// Reopened incidents. Their alerts must be read again.
    reopened: Mutex<BTreeSet<IncidentId>>,
    lost: AtomicBool,
    /// Commits that come during a reload. The reload may have read older records, so these commits are then followed again.
    meanwhile: Mutex<Option<Vec<Vec<KeptChange>>>>,
    behind: Notify,
}

impl ReadModels {
    /// Reads all of them, and follows the store from then on.
    pub async fn load(store: &Store) -> Result<Arc<Self>, ReadError> {
        let models = Arc::new(Self::read(store).await?);
        store.follow(models.clone());
        Ok(models)
    }

    /// Reads all of them, as they are now.
    pub async fn read(store: &Store) -> Result<Self, ReadError> {
        let (catalog, subscriptions) =
            (catalog::Catalog::load(store).await?, subscriptions::Subscriptions::load(store).await?);
        Ok(Self {
            people: Followed::new(people::People::load(store).await?),
            rosters: Followed::new(rosters::Rosters::load(store).await?),
            subscriptions: Followed::new(subscriptions),
            external_channels: Followed::new(external_channels::Channels::load(store).await?),
            silences: Followed::new(silences::Silences::load(store).await?),
            health: Followed::new(health::Health::load(store).await?),
            flapping: Followed::new(flapping::Flapping::load(store).await?),
            catalog: Followed::new(catalog),
            reopened: Mutex::default(),
            lost: AtomicBool::new(false),
            meanwhile: Mutex::default(),
            behind: Notify::new(),
        })
    }

    /// Reads what a commit did not include: the alerts of reopened incidents, and all records after changes of another process
    /// were missed.
    ///
    /// # Errors
    /// The store cannot be read. The next call tries again.
    pub async fn catch_up(&self, store: &Store) -> Result<(), ReadError> {
        if self.lost.swap(false, Ordering::SeqCst) {
            self.load_anew(store).await.inspect_err(|_| self.lost.store(true, Ordering::SeqCst))?;
        }
        loop {
            let Some(uid) = self.reopened().first().cloned() else { return Ok(()) };
            let told = self.health.read().told(&uid);
            let alerts: Vec<Alert> = store.values(Range::<Alert>::of(&uid)).await?;
            // Another commit came meanwhile, so these alerts may be older than it.
            if self.health.0.write().unwrap_or_else(PoisonError::into_inner).know_alerts(&uid, &alerts, told) {
                self.reopened().remove(&uid);
            }
        }
    }

    /// Waits until there is something to read again.
    pub async fn behind(&self) {
        self.behind.notified().await;
    }

    async fn load_anew(&self, store: &Store) -> Result<(), ReadError> {
        *self.meanwhile() = Some(Vec::new());
        let read = Self::read(store).await;
        let mut meanwhile = self.meanwhile();
        let told = meanwhile.take().unwrap_or_default();
        let anew = read?;
        self.people.set(anew.people);
        self.rosters.set(anew.rosters);
        self.subscriptions.set(anew.subscriptions);
        self.external_channels.set(anew.external_channels);
        self.silences.set(anew.silences);
        self.health.set(anew.health);
        self.flapping.set(anew.flapping);
        self.catalog.set(anew.catalog);
        for changes in &told {
            self.apply_all(&changes.iter().map(KeptChange::change).collect::<Vec<_>>());
        }
        Ok(())
    }

    fn meanwhile(&self) -> std::sync::MutexGuard<'_, Option<Vec<Vec<KeptChange>>>> {
        self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply_all(&self, changes: &[Change<'_>]) {
        self.people.apply(changes);
        self.rosters.apply(changes);
        self.subscriptions.apply(changes);
        self.external_channels.apply(changes);
        self.silences.apply(changes);
        self.health.apply(changes);
        self.flapping.apply(changes);
        self.catalog.apply(changes);
        let reopened = self.health.read().reopened().clone();
        if !reopened.is_empty() {
            self.reopened().extend(reopened);
            self.behind.notify_one();
        }
    }

    fn reopened(&self) -> std::sync::MutexGuard<'_, BTreeSet<IncidentId>> {
        self.reopened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for ReadModels {
    fn follows(&self, kind: Kind) -> bool {
        [
            people::People::FOLLOWS,
            rosters::Rosters::FOLLOWS,
            subscriptions::Subscriptions::FOLLOWS,
            external_channels::Channels::FOLLOWS,
            silences::Silences::FOLLOWS,
            health::Health::FOLLOWS,
            flapping::Flapping::FOLLOWS,
            catalog::Catalog::FOLLOWS,
        ]
        .iter()
        .any(|kinds| kinds.contains(&kind))
    }

    fn apply(&self, changes: &[Change<'_>]) {
        let mut meanwhile = self.meanwhile();
        self.apply_all(changes);
        if let Some(told) = &mut *meanwhile {
            told.push(changes.iter().map(Change::keep).collect());
        }
    }

    fn lost(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.behind.notify_one();
    }
}
