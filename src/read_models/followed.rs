//! All read models. Only this file changes them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::Notify;

use super::model::ReadModel;
use super::{Table, catalog, external_channels, health, people};
use crate::domain::silence::Silence;
use crate::domain::{Alert, IncidentId};
use crate::records::{Flap, Roster, Subscription};
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
        self.0.read()
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
            self.0.write().apply(changes);
        }
    }

    /// Replaces its contents with those of another, which must not be shared.
    fn set(&self, other: Self) {
        if let Some(model) = Arc::into_inner(other.0) {
            let model = model.into_inner();
            *self.0.write() = model;
        }
    }
}

/// Declares [`ReadModels`], and what is done with each of them.
macro_rules! read_models {
    ($($(#[$doc:meta])* $name:ident: $model:ty,)*) => {
        #[derive(Debug)]
        pub struct ReadModels {
            $($(#[$doc])* pub $name: Followed<$model>,)*
            /// Reopened incidents. Their alerts must be read again.
            reopened: Mutex<BTreeSet<IncidentId>>,
            lost: AtomicBool,
            /// Commits that come during a reload. The reload may have read older records, so these commits are then followed again.
            meanwhile: Mutex<Option<Vec<Vec<KeptChange>>>>,
            behind: Notify,
        }

        impl ReadModels {
            /// Reads all of them, as they are now.
            pub async fn read(store: &Store) -> Result<Self, ReadError> {
                Ok(Self {
                    $($name: Followed::new(<$model>::load(store).await?),)*
                    reopened: Mutex::default(),
                    lost: AtomicBool::new(false),
                    meanwhile: Mutex::default(),
                    behind: Notify::new(),
                })
            }

            /// Replaces the contents of each with those of another.
            fn set_each(&self, other: Self) {
                $(self.$name.set(other.$name);)*
            }

            fn apply_each(&self, changes: &[Change<'_>]) {
                $(self.$name.apply(changes);)*
            }

            fn any_follows(kind: Kind) -> bool {
                false $(|| <$model>::FOLLOWS.contains(&kind))*
            }
        }
    };
}

read_models! {
    /// The people of the workspace, its address, and their addresses for PagerDuty.
    people: people::People,
    /// Who is in user groups and on schedules.
    rosters: Table<Roster>,
    subscriptions: Table<Subscription>,
    /// Which channels people of other workspaces read.
    external_channels: external_channels::Channels,
    silences: Table<Silence>,
    /// Which assets are bad, according to the open incidents.
    health: health::Health,
    /// When alerts fired and resolved, by source and key. Alerts that came only once are not here.
    flapping: Table<Flap>,
    /// The assets and their lineage.
    catalog: catalog::Catalog,
}

impl ReadModels {
    /// Reads all of them, and follows the store from then on.
    pub async fn load(store: &Store) -> Result<Arc<Self>, ReadError> {
        let models = Arc::new(Self::read(store).await?);
        store.follow(models.clone());
        Ok(models)
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
            let Some(uid) = self.reopened.lock().first().cloned() else { return Ok(()) };
            let told = self.health.read().told(&uid);
            let alerts: Vec<Alert> = store.values(Range::<Alert>::of(&uid)).await?;
            // Another commit came meanwhile, so these alerts may be older than it.
            if self.health.0.write().know_alerts(&uid, &alerts, told) {
                self.reopened.lock().remove(&uid);
            }
        }
    }

    /// Waits until there is something to read again.
    pub async fn behind(&self) {
        self.behind.notified().await;
    }

    async fn load_anew(&self, store: &Store) -> Result<(), ReadError> {
        *self.meanwhile.lock() = Some(Vec::new());
        let read = Self::read(store).await;
        let mut meanwhile = self.meanwhile.lock();
        let told = meanwhile.take().unwrap_or_default();
        self.set_each(read?);
        for changes in &told {
            self.apply_all(&changes.iter().map(KeptChange::change).collect::<Vec<_>>());
        }
        Ok(())
    }

    fn apply_all(&self, changes: &[Change<'_>]) {
        self.apply_each(changes);
        let reopened = self.health.read().reopened().clone();
        if !reopened.is_empty() {
            self.reopened.lock().extend(reopened);
            self.behind.notify_one();
        }
    }
}

impl Follower for ReadModels {
    fn follows(&self, kind: Kind) -> bool {
        Self::any_follows(kind)
    }

    fn apply(&self, changes: &[Change<'_>]) {
        let mut meanwhile = self.meanwhile.lock();
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
