//! PagerDuty's webhooks. 202 for what is stored or is nothing to us, 401 for a bad signature, 503 when it cannot be
//! stored; never another 4xx, because three of those switch the subscription off for a day.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};

use super::{AppState, Problem};
use crate::app::{DeliveryId, Failure, RequestMeta};
use crate::domain::permission::Standing;
use crate::domain::{Actor, Command};
use crate::pagerduty::webhooks::{News, read, verify};
use crate::slack::slash;
use crate::telemetry::RejectedLabels;

pub(crate) async fn webhook(
    State(doors): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let secrets = &doors.app.config.secrets.pagerduty_webhook_secrets;
    let Some(body) = verify(secrets, header("x-pagerduty-signature"), body?.to_vec()) else {
        doors.app.metrics.rejected.get_or_create(&RejectedLabels { kind: "pagerduty" }).inc();
        tracing::error!(
            "a PagerDuty webhook with a bad signature; if it is yours, MUSTER_PAGERDUTY__WEBHOOK_SECRETS is wrong, and PagerDuty will soon switch the subscription off"
        );
        return Err(Problem::new(401, "The signature does not fit"));
    };
    let Some(news) = read(&body) else {
        return Ok(StatusCode::ACCEPTED);
    };
    let delivery = header("x-webhook-id").unwrap_or(&news.event_id).to_owned();
    match apply(&doors, news, delivery).await {
        Ok(()) | Err(Failure::Duplicate | Failure::NotFound(_) | Failure::Refused(_)) => Ok(StatusCode::ACCEPTED),
        Err(failure) => Err(failure.into()),
    }
}

async fn apply(doors: &AppState, news: News, delivery: String) -> Result<(), Failure> {
    let Some((uid, key)) = page_of(doors, &news).await? else {
        return Ok(());
    };
    let command = Command::PagerSays { key, news: news.news, url: news.url };
    let asked = RequestMeta {
        actor: Actor::PagerDuty { name: news.agent },
        standing: Standing::Pager,
        delivery: Some(DeliveryId(format!("pagerduty/{delivery}"))),
        also: crate::store::Batch::new(),
    };
    doors.app.execute(Some(&uid), &command, asked).await.map(|_| ())
}

/// Our page that PagerDuty speaks of: by the key where it tells it, else by our incident's name in the title.
async fn page_of(doors: &AppState, news: &News) -> Result<Option<(String, String)>, Failure> {
    let instance = &doors.app.config.server.instance;
    if let Some(key) = &news.key
        && let Some(rest) = key.strip_prefix(&format!("{instance}:inc-"))
        && let Some((uid, _)) = rest.split_once(':')
    {
        return Ok(Some((uid.to_uppercase(), key.clone())));
    }
    let number = news.title.strip_prefix('[').and_then(|title| title.split(']').next()).and_then(slash::number);
    let Some(number) = number else {
        return Ok(None);
    };
    let uid = doors.app.uid_of_number(number).await?;
    let page = doors.app.incident(&uid).await?.and_then(|incident| incident.pages.into_keys().next());
    Ok(page.map(|key| (uid, key)))
}
