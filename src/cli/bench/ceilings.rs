//! The limits of any server on this machine: one thread that appends and syncs for all waiting callers, and a server that reads
//! JSON and keeps nothing.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc;

use anyhow::Context as _;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::connection::HOOK;
use super::drive::Sender;
use crate::cli::throwaway::Throwaway;
use crate::telemetry::{self, LogFormat};

/// About the size of an alert on disk.
const RECORD: [u8; 1024] = [b'x'; 1024];
const ROOM: usize = 64 * 1024 * 1024;

/// A caller that appends, and waits until it is on disk.
#[derive(Clone)]
pub(super) struct Append(mpsc::Sender<oneshot::Sender<bool>>);

impl Append {
    /// Starts the thread that writes. It ends with the last caller, and then the file is deleted.
    pub(super) fn to_a_file(beside: &Path) -> anyhow::Result<Self> {
        let folder = Throwaway::within(beside, "muster-bench-append")?;
        let file = File::create(folder.path().join("log")).context("cannot write into the temporary folder")?;
        // The room is made beforehand and used again and again, because a growing file costs a second write for each sync.
        file.write_all_at(&vec![0; ROOM], 0).and_then(|()| file.sync_all()).context("the disk has no room")?;
        let (send, waiting) = mpsc::channel::<oneshot::Sender<bool>>();
        std::thread::spawn(move || {
            let (_folder, mut at) = (folder, 0);
            while let Ok(first) = waiting.recv() {
                // All waiting appends go into one sync.
                let round: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let records = RECORD.repeat(round.len());
                if at + records.len() > ROOM {
                    at = 0;
                }
                let written = file.write_all_at(&records, at as u64).and_then(|()| file.sync_data()).is_ok();
                at += records.len();
                for one in round {
                    // A caller that is gone needs no answer.
                    let _ = one.send(written);
                }
            }
        });
        Ok(Self(send))
    }
}

impl Sender for Append {
    async fn send(&mut self, _: u64) -> anyhow::Result<bool> {
        let (send, written) = oneshot::channel();
        self.0.send(send).context("the thread that writes is gone")?;
        anyhow::ensure!(written.await.unwrap_or_default(), "the file cannot be written; is the disk full?");
        Ok(true)
    }
}

/// Serves as the plain server, until it is killed.
pub(super) async fn serve_plain() -> anyhow::Result<()> {
    telemetry::start_logging(LogFormat::Json);
    let router = Router::new().route(
        HOOK,
        post(|Json(alert): Json<Value>| async move { (StatusCode::ACCEPTED, Json(json!({"key": alert["key"]}))) }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    Ok(axum::serve(listener, router).await?)
}
