//! A time limit a test: what hangs ends the run, and says which test it was. Not a measure: speed is `muster bench`'s and `benches/`' business.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// The slowest takes a minute on two cores.
const LIMIT: Duration = Duration::from_secs(600);

/// Counts until the thread of its test ends.
struct Watch(#[expect(dead_code, reason = "its end is what is waited for")] Sender<()>);

thread_local! {
    static WATCH: Watch = watch();
}

/// Begins to count, once a test. Tests come here through the harness: each has a thread of its own.
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
