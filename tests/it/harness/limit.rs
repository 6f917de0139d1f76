//! A time limit for each test that uses the harness. If a test takes longer, the run ends and names it. It does not measure speed:
//! `muster bench` and `benches/` do. `.ci/run` has a limit for each run of all tests, which also holds for tests without the harness.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// The slowest takes a minute on two cores.
const LIMIT: Duration = Duration::from_secs(600);

/// Counts until the thread of the test ends.
struct Watch(#[expect(dead_code, reason = "its end is what is waited for")] Sender<()>);

thread_local! {
    static WATCH: Watch = watch();
}

/// Begins to count, once for each test. The harness calls it. Each test has its own thread.
pub fn within_time() {
    WATCH.with(|_| {});
}

fn watch() -> Watch {
    let (alive, ended) = channel::<()>();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{test} is not done after {} s; the run ends here", LIMIT.as_secs());
            std::process::exit(101);
        }
    });
    Watch(alive)
}
