//! Sends signed events to the bot.

use super::workspace::Event;
use crate::sandbox::signing::hmac_hex;
use crate::sandbox::world::Shared;

/// The signature headers for a body that is sent now.
fn signed(shared: &Shared, body: &str) -> (String, String) {
    let world = shared.lock();
    let timestamp = (world.config.now)().timestamp().to_string();
    let signature = format!(
        "v0={}",
        hmac_hex(&world.config.signing_secret, &[b"v0:", timestamp.as_bytes(), b":", body.as_bytes()])
    );
    (timestamp, signature)
}

pub(crate) fn headers(shared: &Shared, body: &str, content_type: &str) -> Vec<(String, String)> {
    let (timestamp, signature) = signed(shared, body);
    [("content-type", content_type), ("x-slack-request-timestamp", &timestamp), ("x-slack-signature", &signature)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub(crate) async fn deliver(shared: &Shared, event: &Event, twice: bool) {
    for _ in 0..if twice { 2 } else { 1 } {
        for retry in 0..4 {
            let mut headers = headers(shared, &event.body, "application/json");
            if retry > 0 {
                headers.push(("x-slack-retry-num".to_owned(), retry.to_string()));
                headers.push(("x-slack-retry-reason".to_owned(), "http_error".to_owned()));
            }
            if (200..300).contains(&shared.send("/slack/events", headers, event.body.clone()).await.status) {
                break;
            }
            let _ = &event.id;
        }
    }
}
