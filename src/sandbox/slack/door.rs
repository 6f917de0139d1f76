//! The workspace for tests and the demo, and requests of any kind to the bot.

use chrono::{DateTime, Utc};

use super::{deliveries, socket};
use crate::sandbox::exchange::Answer;
use crate::sandbox::signing::hmac_hex;
use crate::sandbox::world::Shared;

pub struct Slack(pub(crate) Shared);

impl Slack {
    pub(crate) async fn post(&self, path: &str, body: String) -> Answer {
        let headers = deliveries::headers(&self.0, &body, "application/x-www-form-urlencoded");
        self.0.send(path, headers, body).await
    }

    /// Sends any request, with any headers.
    pub async fn raw(&self, path: &str, headers: Vec<(String, String)>, body: String) -> Answer {
        self.0.send(path, headers, body).await
    }

    /// The signature headers for a body that is sent at this time.
    pub fn sign(&self, body: &str, at: DateTime<Utc>) -> Vec<(String, String)> {
        let timestamp = at.timestamp().to_string();
        let secret = self.0.lock().config.signing_secret.clone();
        let signature = format!("v0={}", hmac_hex(&secret, &[b"v0:", timestamp.as_bytes(), b":", body.as_bytes()]));
        vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("x-slack-request-timestamp".to_owned(), timestamp),
            ("x-slack-signature".to_owned(), signature),
        ]
    }

    /// Closes the connection of Socket Mode, as Slack does every few hours.
    pub fn refresh_connection(&self) {
        socket::refresh(&self.0);
    }

    /// Waits until there were this many connections of Socket Mode.
    pub async fn connected(&self, count: usize) {
        let mut opened = self.0.lock().sockets.opened.subscribe();
        let _ = opened.wait_for(|opened| *opened >= count).await;
    }
}
