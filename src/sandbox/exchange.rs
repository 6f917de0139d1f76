//! Requests and answers, in both directions.

use serde_json::Value;

use super::slack::render;

/// A request to the sandbox and its answer, for checks against the services' own schemas.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `slack` or `pagerduty`.
    pub service: &'static str,
    pub verb: String,
    /// `chat.postMessage`, `/v2/enqueue`.
    pub path: String,
    /// The query, form or JSON of the request.
    pub request: Value,
    /// The HTTP status; 0 for an answer that was lost.
    pub status: u16,
    pub response: Value,
}

/// The bot's answer to an action of a person.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    pub body: String,
    /// The body as JSON, or null.
    pub json: Value,
}

impl Answer {
    /// The words that only the person who asked sees.
    pub fn text(&self) -> String {
        match self.json.get("blocks") {
            Some(blocks) => render::blocks(blocks, &|id| format!("@{id}")),
            None => self.json["text"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
