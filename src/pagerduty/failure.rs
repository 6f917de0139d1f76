//! Why a call of PagerDuty did not succeed, and whether to try again: what a 429 means, for both of its APIs.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::domain::Undelivered;

/// How long a 429 is waited for where PagerDuty does not say.
const WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PagerError {
    /// Try again, but not before `after`. Sending again is safe, because with the same key it is the same page.
    Retry { after: Option<Duration>, why: Undelivered },
    /// Trying again does not help. People must be told.
    Permanent { why: Undelivered },
}

impl PagerError {
    /// No answer came. The error may hold the address of a proxy, so only its kind is kept.
    pub(super) fn unsent(error: &reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
        Self::Retry { after: None, why: why.into() }
    }

    /// A 429 or a 5xx: the same call may succeed later.
    pub(super) fn later(status: u16, after: Option<Duration>) -> Self {
        match status {
            429 => Self::Retry { after: after.or(Some(WAIT)), why: "PagerDuty asks for fewer calls".into() },
            _ => Self::Retry { after, why: Undelivered::PagerDuty { status } },
        }
    }
}

/// How long PagerDuty asks to wait.
pub(super) fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The table of PagerDuty's answers.
pub(super) fn verdict(status: u16, after: Option<Duration>, told: &Value) -> Result<(), PagerError> {
    match status {
        202 => Ok(()),
        429 | 500..=599 => Err(PagerError::later(status, after)),
        _ => {
            let errors: Vec<&str> = told["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let said = |words: &str| words.chars().take(300).collect::<String>().into();
            let why = match (errors.is_empty(), told["message"].as_str()) {
                (false, _) => said(&errors.join("; ")),
                (true, Some(message)) => said(message),
                (true, None) => Undelivered::PagerDuty { status },
            };
            Err(PagerError::Permanent { why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_answers() {
        let none = Value::Null;
        let waits = PagerError::Retry { after: Some(WAIT), why: "PagerDuty asks for fewer calls".into() };
        assert_eq!(verdict(429, None, &none), Err(waits));
        assert_eq!(verdict(202, None, &none), Ok(()));
        for status in [429, 500, 502, 503] {
            assert!(matches!(verdict(status, None, &none), Err(PagerError::Retry { .. })), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 413] {
            assert!(matches!(verdict(status, None, &none), Err(PagerError::Permanent { .. })), "{status}");
        }
        let told = serde_json::json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["'summary' is missing"]});
        assert_eq!(verdict(400, None, &told), Err(PagerError::Permanent { why: "'summary' is missing".into() }));
    }
}
