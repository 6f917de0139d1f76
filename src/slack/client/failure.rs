//! What a failed call means: a table that says which failures pass.

use std::time::Duration;

use slack_morphism::errors::SlackClientError;

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Not done. Try again, but not before `after`.
    Retry { after: Option<Duration> },
    /// Perhaps done: there was no answer, or an unclear one. Check before trying again.
    Unknown,
    /// Not done, and trying again does not help.
    Permanent,
}

/// A failed call. It contains no token and no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Slack answered `{code}` to {method}")]
pub struct SlackError {
    pub method: &'static str,
    /// Slack's error code, or our own for a failure of the connection.
    pub code: String,
    pub verdict: FailureKind,
}

impl SlackError {
    /// A call that could not even be made.
    pub fn not_called(method: &'static str) -> Self {
        Self { method, code: "not_called".to_owned(), verdict: FailureKind::Retry { after: None } }
    }
}

/// The codes that pass by themselves. Every other code is permanent.
/// Source: the `errors` of Slack's published specification and its documentation.
const PASSING: &[(&str, bool)] = &[
    // (code, whether it may have been done anyway)
    ("ratelimited", false),
    ("rate_limited", false),
    ("internal_error", true),
    ("fatal_error", true),
    ("request_timeout", true),
    ("service_unavailable", true),
    ("team_added_to_org", false),
    ("org_login_required", false),
    // A person must mend these. Deliveries wait until then.
    ("invalid_auth", false),
    ("not_authed", false),
    ("token_revoked", false),
    ("token_expired", false),
    ("account_inactive", false),
    ("missing_scope", false),
];

fn kind_of_code(code: &str) -> FailureKind {
    match PASSING.iter().find(|(passing, _)| *passing == code) {
        Some((_, true)) => FailureKind::Unknown,
        Some((_, false)) => FailureKind::Retry { after: None },
        None => FailureKind::Permanent,
    }
}

pub(super) fn classify(method: &'static str, error: &SlackClientError) -> SlackError {
    let (code, verdict) = match error {
        SlackClientError::ApiError(error) => (error.code.clone(), kind_of_code(&error.code)),
        SlackClientError::RateLimitError(error) => {
            ("ratelimited".to_owned(), FailureKind::Retry { after: error.retry_after })
        }
        SlackClientError::HttpError(error) if error.status_code.as_u16() == 429 => {
            ("ratelimited".to_owned(), FailureKind::Retry { after: None })
        }
        SlackClientError::HttpError(error) if error.status_code.is_server_error() => {
            (format!("http_{}", error.status_code.as_u16()), FailureKind::Unknown)
        }
        SlackClientError::HttpError(error) => (format!("http_{}", error.status_code.as_u16()), FailureKind::Permanent),
        SlackClientError::HttpProtocolError(_)
        | SlackClientError::EndOfStream(_)
        | SlackClientError::SystemError(_) => ("no_connection".to_owned(), FailureKind::Unknown),
        SlackClientError::ProtocolError(_) | SlackClientError::SocketModeProtocolError(_) => {
            ("unreadable_answer".to_owned(), FailureKind::Unknown)
        }
    };
    SlackError { method, code, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_failures() {
        for code in ["internal_error", "fatal_error", "request_timeout", "service_unavailable"] {
            assert_eq!(kind_of_code(code), FailureKind::Unknown, "{code}");
        }
        for code in ["ratelimited", "invalid_auth", "token_revoked", "missing_scope"] {
            assert_eq!(kind_of_code(code), FailureKind::Retry { after: None }, "{code}");
        }
        for code in ["channel_not_found", "is_archived", "invalid_blocks", "user_not_found", "something_new"] {
            assert_eq!(kind_of_code(code), FailureKind::Permanent, "{code}");
        }
    }
}
