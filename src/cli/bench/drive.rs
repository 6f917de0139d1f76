//! The driver: a number of senders at once, each with one request in flight, for a time or a count. It returns the result.
//! It does not know what the senders send.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::clock::Stopwatch;

/// How long a sender waits if it is asked to come again.
const COME_AGAIN: Duration = Duration::from_millis(20);

/// Sends one thing after another.
pub(super) trait Sender: Send + 'static {
    /// Sends the n-th, and waits until it is taken. Returns false if it should come again.
    fn send(&mut self, n: u64) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    Seconds(f64),
    Numbers { from: u64, to: u64 },
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Load {
    pub(super) taken: u64,
    /// How often a sender was asked to come again.
    pub(super) refused: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) worst_ms: f64,
}

/// Lets all senders send at once.
pub(super) async fn drive<S: Sender>(senders: Vec<S>, until: Until) -> anyhow::Result<Load> {
    let next = Arc::new(AtomicU64::new(match until {
        Until::Seconds(_) => 0,
        Until::Numbers { from, .. } => from,
    }));
    let watch = Arc::new(Stopwatch::start());
    let mut at_work = JoinSet::new();
    for mut sender in senders {
        let (next, watch) = (Arc::clone(&next), Arc::clone(&watch));
        at_work.spawn(async move {
            let (mut took, mut refused) = (Vec::new(), 0);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let enough = match until {
                    Until::Seconds(seconds) => watch.seconds() >= seconds,
                    Until::Numbers { to, .. } => n >= to,
                };
                if enough {
                    return anyhow::Ok((took, refused));
                }
                let one = Stopwatch::start();
                while !sender.send(n).await? {
                    refused += 1;
                    tokio::time::sleep(COME_AGAIN).await;
                }
                took.push(one.seconds() * 1000.0);
            }
        });
    }
    let (mut took, mut refused) = (Vec::new(), 0);
    while let Some(done) = at_work.join_next().await {
        let (times, again) = done.context("a sender broke")??;
        took.extend(times);
        refused += again;
    }
    let seconds = watch.seconds();
    ensure!(!took.is_empty(), "nothing was sent");
    let times = Times::of(took);
    Ok(Load {
        taken: times.0.len() as u64,
        refused,
        per_second: times.0.len() as f64 / seconds,
        p50_ms: times.at(50),
        p99_ms: times.at(99),
        worst_ms: times.at(100),
    })
}

/// Sorted times.
pub(super) struct Times(Vec<f64>);

impl Times {
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    /// The time below which this percentage stays; 0 if there are no times.
    pub(super) fn at(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stubborn;

    impl Sender for Stubborn {
        async fn send(&mut self, n: u64) -> anyhow::Result<bool> {
            ensure!(n < 100, "too many");
            Ok(true)
        }
    }

    #[tokio::test]
    async fn a_count_is_kept_exactly() {
        let load =
            drive(vec![Stubborn, Stubborn, Stubborn], Until::Numbers { from: 0, to: 100 }).await.expect("a load");
        assert_eq!((load.taken, load.refused), (100, 0));
        assert!(
            drive(vec![Stubborn], Until::Numbers { from: 99, to: 101 }).await.is_err(),
            "an error of a sender is reported"
        );
    }

    #[test]
    fn percentiles() {
        let times = Times::of((1..=100).rev().map(f64::from).collect());
        assert_eq!((times.at(50), times.at(99), times.at(100)), (51.0, 100.0, 100.0));
        assert_eq!(Times::of(Vec::new()).at(50), 0.0);
    }
}
