//! Regular work beside the lanes: read models catch up, old records are forgotten, gauges are updated.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::{App, Failure};
use crate::domain::Lane;

/// Catches up until told to stop.
pub(super) async fn keep_up(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = app.models.behind() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
        catch_up(&app).await;
    }
}

/// Measures, and forgets old records, until told to stop.
pub(super) async fn tidy_up(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut forget_from = String::new();
    while !*stop.borrow() {
        measure(&app).await;
        if let Err(failure) = forget(&app).await {
            tracing::warn!(error = %failure, "cannot forget what is old");
        }
        forget_from = forget_lineage(&app, forget_from).await;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(15)) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Reads once what commits alone do not tell, and writes down what monitors posted.
pub async fn catch_up(app: &App) {
    if let Err(error) = app.models.catch_up(&app.store).await {
        tracing::warn!(%error, "the read models may be out of date");
    }
    if let Err(failure) = app.keep_bodies().await {
        tracing::warn!(error = %failure, "cannot keep what monitors posted");
    }
}

/// Forgets old records, until none are left.
pub async fn forget(app: &App) -> Result<(), Failure> {
    while app.forget_old_deliveries().await? > 0 {}
    while app.forget_old_bodies().await? > 0 {}
    while app.forget_what_is_calm().await? > 0 {}
    app.forget_old_silences().await
}

/// Forgets old lineage, one page at a time. Returns where the next page begins.
async fn forget_lineage(app: &App, from: String) -> String {
    match app.forget_old_lineage(&from).await {
        Ok((_, next)) => next.unwrap_or_default(),
        Err(failure) => {
            tracing::warn!(error = %failure, "cannot forget old lineage");
            from
        }
    }
}

/// Updates the gauges of the outbox and the store.
async fn measure(app: &App) {
    for (figure, value) in app.store.figures() {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        app.metrics.store.get_or_create(&[("figure", figure)]).set(value);
    }
    let now = app.now().timestamp_millis();
    for lane in Lane::ALL {
        let Ok(backlog) = app.store.backlog(lane.as_str()).await else { continue };
        let labels = [("lane", lane.as_str())];
        let overdue = backlog.oldest.map_or(0, |due| (now - due).max(0));
        app.metrics.outbox_pending.get_or_create(&labels).set(i64::try_from(backlog.count).unwrap_or(i64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a gauge")]
        app.metrics.outbox_oldest_seconds.get_or_create(&labels).set(overdue as f64 / 1000.0);
    }
}
