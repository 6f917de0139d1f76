//! Socket Mode on Slack's side: one connection for each ticket, envelopes through it, and an answer to each within three seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use crate::sandbox::exchange::Answer;
use crate::sandbox::world::Shared;

/// Listens for the bot's connections.
pub(crate) async fn listen(shared: Shared) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    shared.lock().sockets.address = Some(listener.local_addr()?.to_string());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shared = shared.clone();
            tokio::spawn(async move {
                let mut asked = String::new();
                #[expect(clippy::result_large_err, reason = "the library's own type")]
                let read = |request: &tokio_tungstenite::tungstenite::handshake::server::Request, response| {
                    request.uri().query().unwrap_or_default().clone_into(&mut asked);
                    Ok(response)
                };
                let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, read).await else { return };
                let ticket = asked.trim_start_matches("ticket=").to_owned();
                let (sender, mut outgoing) = mpsc::unbounded_channel::<String>();
                {
                    let mut world = shared.lock();
                    // A ticket is valid once.
                    let before = world.sockets.tickets.len();
                    world.sockets.tickets.retain(|one| *one != ticket);
                    if world.sockets.tickets.len() == before {
                        return;
                    }
                    world.sockets.opened.send_modify(|opened| *opened += 1);
                    world.sockets.out = Some(sender);
                }
                let (mut out, mut into) = socket.split();
                let hello = json!({"type": "hello", "num_connections": 1, "debug_info": {"host": "sandbox"}, "connection_info": {"app_id": "A0MUSTER00"}});
                let _ = out.send(Message::text(hello.to_string())).await;
                loop {
                    tokio::select! {
                        text = outgoing.recv() => match text {
                            Some(text) => { let _ = out.send(Message::text(text)).await; }
                            // Another connection took over, or the sandbox closed this one.
                            None => { let _ = out.close().await; return; }
                        },
                        next = into.next() => match next {
                            Some(Ok(Message::Text(text))) => {
                                let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                                let id = answer["envelope_id"].as_str().unwrap_or_default().to_owned();
                                let waiting = shared.lock().sockets.waiting.remove(&id);
                                if let Some(waiting) = waiting { let _ = waiting.send(answer["payload"].clone()); }
                            }
                            Some(Ok(_)) => {}
                            _ => return,
                        },
                    }
                }
            });
        }
    });
    Ok(())
}

/// Sends through the connection what would be a request to the bot; `None` if the bot has no connection.
pub(crate) async fn send(shared: &Shared, path: &str, body: &str) -> Option<Answer> {
    let (kind, payload): (&str, Value) = match path {
        "/slack/commands" => {
            let fields: BTreeMap<String, String> = serde_urlencoded::from_str(body).unwrap_or_default();
            ("slash_commands", json!(fields))
        }
        "/slack/interactions" => {
            let fields: BTreeMap<String, String> = serde_urlencoded::from_str(body).unwrap_or_default();
            let payload = fields.get("payload").map(String::as_str).unwrap_or_default();
            ("interactive", serde_json::from_str(payload).unwrap_or_default())
        }
        "/slack/events" => ("events_api", serde_json::from_str(body).unwrap_or_default()),
        _ => return None,
    };
    let (answer, answered) = oneshot::channel();
    {
        let mut world = shared.lock();
        let sockets = &mut world.sockets;
        sockets.count += 1;
        let id = format!("envelope-{}", sockets.count);
        let frame = json!({"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": kind != "events_api"});
        sockets.out.as_ref()?.send(frame.to_string()).ok()?;
        sockets.waiting.insert(id, answer);
    }
    Some(match tokio::time::timeout(Duration::from_secs(3), answered).await {
        Ok(Ok(json)) => {
            let body = if json.is_null() { String::new() } else { json.to_string() };
            Answer { status: 200, body, json }
        }
        _ => Answer { status: 0, body: "no answer within three seconds".to_owned(), json: Value::Null },
    })
}

/// Closes the connection, as Slack does every few hours.
pub(crate) fn refresh(shared: &Shared) {
    let mut world = shared.lock();
    if let Some(out) = world.sockets.out.take() {
        let _ = out.send(json!({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}).to_string());
    }
}
