//! Sends signed webhooks v3 to the bot.

use super::account::Webhook;
use crate::sandbox::exchange::Answer;
use crate::sandbox::signing::hmac_hex;
use crate::sandbox::world::Shared;

/// Sends a webhook, and returns whether PagerDuty is done with it. After a 4xx other than 429 it is dropped at once. After any other
/// failure it is sent again later (in the real service for 48 hours), and newer webhooks wait behind it.
pub(crate) async fn deliver(shared: &Shared, webhook: &Webhook, twice: bool) -> bool {
    for _ in 0..if twice { 2 } else { 1 } {
        let mut settled = false;
        for _ in 0..4 {
            let status = post_webhook(shared, webhook).await.status;
            settled = (200..300).contains(&status) || ((400..500).contains(&status) && status != 429);
            if settled {
                break;
            }
        }
        if !settled {
            return false;
        }
    }
    true
}

async fn post_webhook(shared: &Shared, webhook: &Webhook) -> Answer {
    let signature = sign(shared, &webhook.body);
    let headers =
        [("content-type", "application/json"), ("x-pagerduty-signature", &signature), ("x-webhook-id", &webhook.id)];
    shared
        .send(
            "/pagerduty/webhooks",
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            webhook.body.clone(),
        )
        .await
}

pub(crate) fn sign(shared: &Shared, body: &str) -> String {
    let secret = shared.lock().config.pagerduty_webhook_secret.clone();
    // During a rotation there are two signatures. The first is made with the old secret.
    format!("v1={},v1={}", hmac_hex("the-secret-before", &[body.as_bytes()]), hmac_hex(&secret, &[body.as_bytes()]))
}
