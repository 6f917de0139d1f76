//! Sends to the bot: as a request, or through the connection that the bot opened.

use std::time::Duration;

use serde_json::Value;

use super::exchange::Answer;
use super::slack::socket;
use super::world::Shared;

impl Shared {
    /// Sends a request to the bot.
    pub(crate) async fn send(&self, path: &str, headers: Vec<(String, String)>, body: String) -> Answer {
        self.lock().sent.push((path.to_owned(), body.clone()));
        if let Some(answer) = socket::send(self, path, &body).await {
            return answer;
        }
        let Some(base) = self.lock().bot.clone() else {
            return Answer { status: 0, body: "the sandbox is connected to no bot".to_owned(), json: Value::Null };
        };
        let mut request = self.http.post(format!("{base}{path}")).body(body).timeout(Duration::from_secs(10));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body = answer.text().await.unwrap_or_default();
                let json = serde_json::from_str(&body).unwrap_or_default();
                Answer { status, body, json }
            }
            Err(error) => Answer { status: 0, body: error.to_string(), json: Value::Null },
        }
    }
}
