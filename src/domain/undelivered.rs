//! Why something was not delivered, as values, and their words. What a service said of it stays as it said it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why something was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[rustfmt::skip]
pub enum Undelivered {
    #[error("Slack {}; {}", answered(method, code), advice(code))]
    Slack { method: String, code: String },
    #[error("Slack lets Muster make no channel here ({code}), so the incident lives in this thread; {}", advice(code))]
    OnlyThread { code: String },
    #[error("Slack lets Muster make no channel ({code}), and there is no announcement channel whose thread could serve")]
    NoThread { code: String },
    #[error("all names from #{name} to #{name}-9 are taken")]
    NamesTaken { name: String },
    #[error("people of another workspace read {channel}")]
    Strangers { channel: String },
    #[error("no routing key is configured for {target}")]
    NoRoutingKey { target: String },
    #[error("no service of PagerDuty's REST API is configured for it")]
    NoService,
    #[error("no e-mail address of {name} is known; `/incident link <e-mail>` tells the one in PagerDuty")]
    NoAddress { name: String },
    #[error("PagerDuty knows nobody with the address {address}. If you have another address there, say so with `/incident link <e-mail>`")]
    UnknownAddress { address: String },
    #[error("PagerDuty answered {status}")]
    PagerDuty { status: u16 },
    /// Its REST API refuses a call.
    #[error("PagerDuty answered {status}: {said}. Check MUSTER_PAGERDUTY__API_TOKEN, `[pagerduty] from` and the service's `pagerduty_service_id`")]
    PagerDutyRest { status: u16, said: String },
    #[error("the incident was over before the message could be sent")]
    Over,
    #[error("no mail server is configured ([mail] smtp_url)")]
    NoMailServer,
    #[error("{address} is not an address: {error}")]
    BadAddress { address: String, error: String },
    #[error("SNS answered the confirmation with {status}; let it send another")]
    Sns { status: u16 },
    #[error("the entry cannot be read: {error}")]
    Unreadable { error: String },
    /// As a service or a library said it, or in the words of an earlier Muster.
    #[error("{0}")]
    #[serde(untagged)]
    Said(String),
}

impl<T: Into<String>> From<T> for Undelivered {
    fn from(said: T) -> Self {
        Self::Said(said.into())
    }
}

fn answered(method: &str, code: &str) -> String {
    match code {
        "no_connection" | "timeout" => format!("did not answer {method}"),
        _ => format!("answered `{code}` to {method}"),
    }
}

/// Advice for the codes of Slack that need a person.
pub fn advice(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            "the bot token is not valid any more; install the app again and set MUSTER_SLACK__BOT_TOKEN"
        }
        "missing_scope" => "the app lacks a permission; compare it with manifest.yml and install it again",
        "channel_not_found" | "is_archived" | "not_in_channel" => {
            "the channel is gone or archived, or Muster was removed from it. Invite it again"
        }
        "restricted_action" => "the workspace does not let the app do this. Ask a workspace admin",
        "invalid_blocks" | "msg_too_long" | "msg_blocks_too_long" => {
            "Slack finds the message malformed; this is a fault of Muster or of a template"
        }
        "user_not_found" => "Slack does not know this person",
        "no_connection" | "timeout" => "look whether Muster can reach it",
        _ => "Slack refuses it",
    }
}
