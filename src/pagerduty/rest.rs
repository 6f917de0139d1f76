//! The parts of PagerDuty's REST API that Muster uses: who is on call on a schedule, and pages to one person.
//! <https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls>,
//! <https://developer.pagerduty.com/api-reference/a7d81b0e9200f-create-an-incident>

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::failure::{PagerError, retry_after};
use crate::domain::Undelivered;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    pub name: String,
    /// The e-mail address, by which Muster finds the person in Slack.
    pub email: Option<String>,
}

pub struct PersonalPage<'a> {
    /// The key. A repeat with the same key is the same page.
    pub key: &'a str,
    /// The id of the service on which it is opened.
    pub service: &'a str,
    pub email: &'a str,
    pub title: &'a str,
    pub details: &'a str,
}

pub struct Rest {
    http: reqwest::Client,
    base: String,
    token: SecretString,
    /// The e-mail address of the user in whose name incidents are opened. PagerDuty requires one.
    from: String,
}

impl Rest {
    /// A client for an account.
    pub fn new(base: &str, token: SecretString, from: &str, timeout: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token, from: from.to_owned() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("authorization", format!("Token token={}", self.token.expose_secret()))
            .header("accept", "application/vnd.pagerduty+json;version=2")
    }

    /// Sends a request. Returns the status and the answer. A failure that may pass is returned as an error.
    async fn ask(&self, request: RequestBuilder) -> Result<(u16, Value), PagerError> {
        let answer = request.send().await.map_err(|error| PagerError::unsent(&error))?;
        match answer.status().as_u16() {
            status @ (429 | 500..=599) => Err(PagerError::later(status, retry_after(&answer))),
            status @ 200..=299 => {
                let unread = |_| PagerError::Retry { after: None, why: "PagerDuty's answer cannot be read".into() };
                Ok((status, answer.json().await.map_err(unread)?))
            }
            // A refusal may not be JSON.
            status => Ok((status, answer.json().await.unwrap_or_default())),
        }
    }

    /// Who is on call on a schedule now. PagerDuty's answer is about now if no time is given.
    pub async fn on_call(&self, schedule: &str) -> Result<Vec<OnCall>, PagerError> {
        let query = [("schedule_ids[]", schedule), ("include[]", "users"), ("limit", "100")];
        let (status, told) = self.ask(self.request(Method::GET, "/oncalls").query(&query)).await?;
        if status != 200 {
            let why = format!(
                "PagerDuty answered {status} for the schedule {schedule}. Check MUSTER_PAGERDUTY__API_TOKEN and the schedule's id"
            );
            return Err(PagerError::Permanent { why: why.into() });
        }
        let mut all: Vec<OnCall> = Vec::new();
        for call in told["oncalls"].as_array().into_iter().flatten() {
            let text = |key: &str| call["user"][key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            let one = OnCall {
                name: text("name").or_else(|| text("summary")).unwrap_or_else(|| "somebody".to_owned()),
                email: text("email"),
            };
            // If several escalation policies use a schedule, the same person comes several times.
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// Pages one person, with an incident that is assigned to that person. If one is open under the same key, it is this page already.
    pub async fn page(&self, page: &PersonalPage<'_>) -> Result<(), PagerError> {
        let query = [("query", page.email), ("limit", "100")];
        let (status, told) = self.ask(self.request(Method::GET, "/users").query(&query)).await?;
        refused(status, &told)?;
        let user = told["users"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|user| user["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(page.email)));
        let Some(user) = user.and_then(|user| user["id"].as_str()) else {
            let why = Undelivered::UnknownAddress { address: page.email.to_owned() };
            return Err(PagerError::Permanent { why });
        };
        let body = json!({"incident": {
            "type": "incident", "title": page.title, "incident_key": page.key, "urgency": "high",
            "service": {"id": page.service, "type": "service_reference"},
            "assignments": [{"assignee": {"id": user, "type": "user_reference"}}],
            "body": {"type": "incident_body", "details": page.details},
        }});
        let request = self.request(Method::POST, "/incidents").header("from", &self.from).json(&body);
        let (status, told) = self.ask(request).await?;
        let there =
            told.pointer("/error/errors").is_some_and(|errors| errors.to_string().contains("matching dedup key"));
        if status == 400 && there {
            return Ok(());
        }
        refused(status, &told)
    }

    /// Acknowledges or resolves the page to one person. If it is over already, nothing happens.
    pub async fn settle(&self, key: &str, status_wanted: &str) -> Result<(), PagerError> {
        let query = [("incident_key", key), ("statuses[]", "triggered"), ("statuses[]", "acknowledged")];
        let (status, told) = self.ask(self.request(Method::GET, "/incidents").query(&query)).await?;
        refused(status, &told)?;
        let open = told["incidents"].as_array().into_iter().flatten().find(|one| one["incident_key"] == key);
        let Some(id) = open.and_then(|one| one["id"].as_str()) else { return Ok(()) };
        let body = json!({"incident": {"type": "incident_reference", "status": status_wanted}});
        let request = self.request(Method::PUT, &format!("/incidents/{id}")).header("from", &self.from).json(&body);
        let (status, told) = self.ask(request).await?;
        refused(status, &told)
    }
}

/// An error for a refusal that will not pass.
fn refused(status: u16, told: &Value) -> Result<(), PagerError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let said = told.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason").to_owned();
    Err(PagerError::Permanent { why: Undelivered::PagerDutyRest { status, said } })
}
