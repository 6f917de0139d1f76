//! Slack's Socket Mode: the same requests as over HTTP, but through a connection that Muster opens. So Muster needs no public
//! address. Slack closes the connection now and then. Muster opens a new one at once, and waits longer after each failure.
//! <https://docs.slack.dev/apis/events-api/using-socket-mode>

use std::time::Duration;

use backon::BackoffBuilder as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

use super::doors::{SlackDoor, SlackSocket};
use super::slack::{Answered, answer_command, answer_event, answer_interaction};
use crate::slack::inbound;

/// A connection that is silent for this long is dead. Slack pings far more often.
const SILENT: Duration = Duration::from_secs(90);
/// After a connection that lasted this long, the next attempt is made at once.
const GOOD: Duration = Duration::from_secs(30);

/// What Slack sends through the connection.
#[derive(Debug, Deserialize)]
struct Frame {
    #[serde(rename = "type", default)]
    kind: String,
    envelope_id: Option<String>,
    #[serde(default)]
    payload: Value,
    reason: Option<String>,
}

/// Stays connected until told to stop.
pub(crate) async fn run(slack: SlackSocket, stop: watch::Receiver<bool>) {
    let mut delays = delays();
    while !*stop.borrow() {
        let watch = crate::clock::Stopwatch::start();
        match connect(&slack, stop.clone()).await {
            Ok(()) => {}
            Err(why) => tracing::warn!(why, "the connection to Slack failed. Slack sends unanswered requests again"),
        }
        if watch.seconds() > GOOD.as_secs_f64() {
            delays = self::delays();
        }
        let mut stop = stop.clone();
        tokio::select! {
            () = tokio::time::sleep(delays.next().unwrap_or(Duration::from_secs(30))) => {}
            () = told_to(&mut stop) => {}
        }
    }
}

/// Waits until it is told to stop, or nobody can tell it any more.
async fn told_to(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// 100 ms, 200 ms, … 30 s, with jitter.
fn delays() -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
        .build()
}

/// One connection, to its end.
async fn connect(SlackSocket { door, token }: &SlackSocket, mut stop: watch::Receiver<bool>) -> Result<(), String> {
    let url = door.slack.open_connection(token).await.map_err(|error| error.to_string())?;
    let opened = tokio::time::timeout(Duration::from_secs(10), tokio_tungstenite::connect_async(&url)).await;
    // The address holds a ticket, so errors that may contain it are not passed on.
    let (socket, _) = opened.map_err(|_| "no answer in time".to_owned())?.map_err(|_| "no connection".to_owned())?;
    tracing::info!("connected to Slack");
    let (mut out, mut into) = socket.split();
    let (answers, mut answered) = mpsc::channel::<Value>(64);
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(SILENT, into.next()) => next.map_err(|_| "silence".to_owned())?,
            Some(answer) = answered.recv() => {
                out.send(Message::text(answer.to_string())).await.map_err(|_| "broken while answering".to_owned())?;
                continue;
            }
            () = told_to(&mut stop) => {
                // Requests in work are answered before the connection is closed.
                drop(answers);
                while let Some(answer) = answered.recv().await {
                    let _ = out.send(Message::text(answer.to_string())).await;
                }
                let _ = out.close().await;
                return Ok(());
            }
        };
        let text = match next {
            None | Some(Ok(Message::Close(_))) => return Ok(()),
            Some(Err(_)) => return Err("broken".to_owned()),
            Some(Ok(Message::Text(text))) => text,
            // The library answers pings while it is read from.
            Some(Ok(_)) => continue,
        };
        let Ok(frame) = serde_json::from_str::<Frame>(&text) else {
            tracing::warn!("a frame of Slack's connection is not understood");
            continue;
        };
        match (frame.kind.as_str(), frame.envelope_id) {
            ("disconnect", _) => {
                tracing::info!(reason = frame.reason, "Slack closes the connection; Muster opens another");
                return Ok(());
            }
            (kind, Some(envelope)) => {
                let (door, kind, answers) = (door.clone(), kind.to_owned(), answers.clone());
                tokio::spawn(async move {
                    if let Some(payload) = dispatch(&door, &kind, frame.payload).await {
                        let mut answer = json!({"envelope_id": envelope});
                        if let Some(payload) = payload {
                            answer["payload"] = payload;
                        }
                        let _ = answers.send(answer).await;
                    }
                });
            }
            // `hello`, and unknown types.
            _ => {}
        }
    }
}

/// The answer to an envelope; `None` if there must be no answer, so that Slack sends it again.
async fn dispatch(door: &SlackDoor, kind: &str, payload: Value) -> Option<Answered> {
    match kind {
        "slash_commands" => Some(match inbound::read(payload) {
            Ok(command) => answer_command(door, command).await,
            Err(_) => None,
        }),
        "interactive" => Some(match inbound::read(payload) {
            Ok(interaction) => answer_interaction(door, interaction).await,
            Err(error) => {
                tracing::warn!(%error, "an interaction of Slack is not understood");
                None
            }
        }),
        "events_api" => match inbound::read(payload) {
            Ok(envelope) => answer_event(door, envelope).await.ok(),
            Err(_) => Some(None),
        },
        // Unknown types are acknowledged.
        _ => Some(None),
    }
}
