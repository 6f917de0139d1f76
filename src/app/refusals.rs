//! What monitors send and Muster refuses: logged, counted, in `/readyz`, and said once in the announcement channel. Nobody else would notice,
//! since most monitors do not send again what was refused.

use serde_json::json;

use super::App;
use super::transient::Refused;
use crate::domain::counted;
use crate::records::outbox::Job;

/// A wrong token is said at most this often, because a stranger who knows a source's name can send one at any time.
const WRONG_TOKEN_AGAIN_HOURS: i64 = 24;

impl App {
    /// A request of a monitor was refused. `source` is its name, if there is such a source.
    pub async fn refused(&self, source: Option<&str>, status: u16, why: &str) {
        self.metrics.refused.get_or_create(&[("status", status.to_string())]).inc();
        let Some(source) = source else {
            tracing::warn!(status, why, "a request of an unknown source was refused");
            return;
        };
        tracing::warn!(source, status, why, "what a monitor sent was refused");
        // What is to be sent again later is not lost.
        if status >= 500 || !self.is_new_refusal(source, status, why) {
            return;
        }
        let view = json!({"source": source, "status": status, "why": why.trim_end_matches('.')});
        let markdown = self.templates.render("source_refused", &view);
        let job = Job::Announce { channel: None, markdown, buttons: Vec::new(), asks: None };
        if let Err(failure) = self.enqueue(&self.errand(), job).await {
            tracing::error!(error = %failure, source, "nobody can be told that a monitor is refused");
        }
    }

    /// Remembers a refusal. Returns whether people must be told.
    fn is_new_refusal(&self, source: &str, status: u16, why: &str) -> bool {
        let now = self.now();
        let mut refusals = self.refusals.0.lock();
        let new = || Refused { since: now, times: 0, status, why: String::new(), wrong_token_said: None };
        let refused = refusals.entry(source.to_owned()).or_insert_with(new);
        let is_first = refused.times == 0;
        if is_first {
            refused.since = now;
        }
        refused.times += 1;
        refused.status = status;
        why.clone_into(&mut refused.why);
        if status != 401 {
            return is_first;
        }
        let again =
            refused.wrong_token_said.is_none_or(|said| said + chrono::Duration::hours(WRONG_TOKEN_AGAIN_HOURS) <= now);
        if is_first && again {
            refused.wrong_token_said = Some(now);
        }
        is_first && again
    }

    /// A source was heard.
    pub fn heard_source(&self, source: &str) {
        if let Some(refused) = self.refusals.0.lock().get_mut(source) {
            refused.times = 0;
        }
    }

    /// The sources that are refused now, in words.
    pub fn refused_sources(&self) -> Vec<String> {
        let refusals = self.refusals.0.lock();
        let now = refusals.iter().filter(|(_, refused)| refused.times > 0);
        now.map(|(source, Refused { since, times, status, why, .. })| {
            let times = counted(*times, "request");
            format!(
                "the source {source} is refused since {}: {times}, the last with {status}: {why}",
                crate::domain::times::stamp(*since)
            )
        })
        .collect()
    }
}
