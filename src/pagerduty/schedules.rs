//! PagerDuty's REST API, as far as Muster reads it: who is on call on a schedule.
//! <https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls>

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::events::PagerError;

/// Somebody on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    /// The name in PagerDuty.
    pub name: String,
    /// The address, which tells who it is in Slack.
    pub email: Option<String>,
}

/// The client.
pub struct Schedules {
    http: reqwest::Client,
    url: String,
    token: SecretString,
}

impl Schedules {
    /// A client for an account.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(base: &str, token: SecretString, timeout: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, url: format!("{}/oncalls", base.trim_end_matches('/')), token })
    }

    /// Who is on call on a schedule at this moment; PagerDuty's answer is about now where no time is asked for.
    ///
    /// # Errors
    /// What to do about it.
    pub async fn on_call(&self, schedule: &str) -> Result<Vec<OnCall>, PagerError> {
        let request = self
            .http
            .get(&self.url)
            .query(&[("schedule_ids[]", schedule), ("include[]", "users"), ("limit", "100")])
            .header("authorization", format!("Token token={}", self.token.expose_secret()))
            .header("accept", "application/vnd.pagerduty+json;version=2");
        let answer = request.send().await.map_err(|error| {
            let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
            PagerError::Retry { after: None, why: why.to_owned() }
        })?;
        match answer.status().as_u16() {
            200 => {}
            status @ (429 | 500..=599) => {
                return Err(PagerError::Retry { after: None, why: format!("PagerDuty answered {status}") });
            }
            status => {
                let why = format!(
                    "PagerDuty answered {status} for the schedule {schedule}; look at MUSTER_PAGERDUTY__API_TOKEN and the schedule's id"
                );
                return Err(PagerError::Permanent { why });
            }
        }
        let told: Value = answer
            .json()
            .await
            .map_err(|_| PagerError::Retry { after: None, why: "PagerDuty's answer cannot be read".to_owned() })?;
        let mut all: Vec<OnCall> = Vec::new();
        for call in told["oncalls"].as_array().into_iter().flatten() {
            let text = |key: &str| call["user"][key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let one = OnCall {
                name: text("name").or_else(|| text("summary")).unwrap_or_else(|| "somebody".to_owned()),
                email: text("email"),
            };
            // A schedule of several escalation policies names the same person several times.
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }
}
