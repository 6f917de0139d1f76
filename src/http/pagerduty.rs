//! PagerDuty's webhooks. The answer is 202 if the news is stored or of no use, 401 for a wrong signature, and 503 if it cannot be
//! stored. It is never another 4xx, because three of those switch the subscription off for a day.

use axum::http::StatusCode;

use super::Problem;
use super::doors::PagerDutyWebhook;
use crate::app::{App, DeliveryId, Failure, RequestMeta};
use crate::domain::incident;
use crate::domain::permission::Standing;
use crate::domain::{Actor, Command, IncidentId};
use crate::pagerduty::webhooks::{News, read};

/// Signed news from PagerDuty.
#[utoipa::path(
    post, path = "/pagerduty/webhooks", request_body(content = Object, description = "A webhook v3 of PagerDuty's"),
    responses((status = 202, description = "Stored, or nothing to us"), (status = 503, body = Problem)),
)]
pub(crate) async fn webhook(webhook: PagerDutyWebhook) -> Result<StatusCode, Problem> {
    let Some(news) = read(&webhook.body) else {
        return Ok(StatusCode::ACCEPTED);
    };
    let delivery = webhook.delivery.unwrap_or_else(|| news.event_id.clone());
    match apply(&webhook.app, news, delivery).await {
        Ok(()) | Err(Failure::Duplicate | Failure::NotFound(_) | Failure::Refused(_)) => Ok(StatusCode::ACCEPTED),
        Err(failure) => Err(failure.into()),
    }
}

async fn apply(app: &App, news: News, delivery: String) -> Result<(), Failure> {
    let Some((uid, key)) = page_of(app, &news).await? else {
        return Ok(());
    };
    let command = Command::PagerSays { key, news: news.news, url: news.url };
    let request = RequestMeta {
        actor: Actor::PagerDuty { name: news.agent },
        standing: Standing::Pager,
        delivery: Some(DeliveryId(format!("pagerduty/{delivery}"))),
        also: crate::store::Batch::new(),
    };
    app.execute(&uid, &command, request).await.map(|_| ())
}

/// Finds our page: by its key if PagerDuty sent it, otherwise by our incident's name in the title.
async fn page_of(app: &App, news: &News) -> Result<Option<(IncidentId, String)>, Failure> {
    let instance = &app.config.server.instance;
    if let Some(key) = &news.key
        && let Some(rest) = key.strip_prefix(&format!("{instance}:inc-"))
        && let Some((uid, _)) = rest.split_once(':')
    {
        return Ok(Some((uid.to_uppercase().into(), key.clone())));
    }
    let number = news.title.strip_prefix('[').and_then(|title| title.split(']').next()).and_then(incident::number);
    let Some(number) = number else {
        return Ok(None);
    };
    let uid = app.uid_of_number(number).await?;
    let page = app.incident(&uid).await?.and_then(|incident| incident.pages.into_keys().next());
    Ok(page.map(|key| (uid, key)))
}
