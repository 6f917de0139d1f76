//! The only file that reads the wall clock or makes ids. All other code gets the time from here.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use parking_lot::Mutex;

/// Tells the time, and makes ids that sort by time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Wall,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    pub fn wall() -> Self {
        Self(Source::Wall)
    }

    /// A clock that stands still until it is moved, for tests and the demo.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Source::Wall => Utc::now(),
            Source::Manual(now) => *now.lock(),
        }
    }

    /// Moves a manual clock. The wall clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            *now.lock() += by;
        }
    }

    /// Lets time pass: moves a manual clock, or waits with the wall clock.
    pub async fn pass(&self, by: Duration) {
        match self.0 {
            Source::Manual(_) => self.advance(by),
            Source::Wall => tokio::time::sleep(by.to_std().unwrap_or_default()).await,
        }
    }

    /// A new ULID, made of the present time.
    pub fn fresh_id(&self) -> String {
        let at = std::time::SystemTime::from(self.now());
        ulid::Ulid::from_datetime(at).to_string()
    }
}

/// A monotonic stopwatch, for metrics and time limits. No stored data depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
