//! Slack and PagerDuty, by the signatures over their raw bytes.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;

use std::sync::Arc;

use super::state::{AppState, SlackDoor};
use super::unpack::as_sent;
use crate::app::App;
use crate::http::Problem;
use crate::pagerduty::webhooks;
use crate::slack::signature::{Rejected, Verified, verify};

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A request that Slack signed.
pub(crate) struct SlackRequest {
    pub(crate) door: SlackDoor,
    pub(crate) body: Verified,
}

impl FromRequest<AppState> for SlackRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        as_sent(&headers)?;
        let body = Bytes::from_request(request, state).await?.to_vec();
        let app = &state.app;
        let (at, signature) = (header(&headers, "x-slack-request-timestamp"), header(&headers, "x-slack-signature"));
        let body = verify(&app.config.secrets.slack_signing_secrets, at, signature, body, app.now());
        let body = body.map_err(|rejected| {
            app.metrics.rejected.get_or_create(&[("kind", "slack")]).inc();
            if rejected == Rejected::Stale {
                tracing::warn!("{rejected}");
            }
            Problem::new(401, rejected.to_string())
        })?;
        Ok(Self { door: state.slack.clone(), body })
    }
}

/// A webhook that PagerDuty signed.
pub(crate) struct PagerDutyWebhook {
    pub(crate) app: Arc<App>,
    pub(crate) body: webhooks::Verified,
    /// The id of this delivery, if PagerDuty sent one.
    pub(crate) delivery: Option<String>,
}

impl FromRequest<AppState> for PagerDutyWebhook {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        as_sent(&headers)?;
        let body = Bytes::from_request(request, state).await?.to_vec();
        let app = &state.app;
        let secrets = &app.config.secrets.pagerduty_webhook_secrets;
        let Some(body) = webhooks::verify(secrets, header(&headers, "x-pagerduty-signature"), body) else {
            app.metrics.rejected.get_or_create(&[("kind", "pagerduty")]).inc();
            tracing::error!(
                "a PagerDuty webhook has a wrong signature. If it is yours, MUSTER_PAGERDUTY__WEBHOOK_SECRETS is wrong, and PagerDuty will soon switch the subscription off"
            );
            return Err(Problem::new(401, "The signature is wrong"));
        };
        let delivery = header(&headers, "x-webhook-id").map(str::to_owned);
        Ok(Self { app: app.clone(), body, delivery })
    }
}
