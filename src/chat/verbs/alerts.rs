//! `alerts`: the alerts of an incident, numbered, in pages. `move` takes these numbers.

use serde_json::json;

use crate::app::{App, Failure};
use crate::chat::asker::Chat;
use crate::chat::choices::page_of;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::{Alert, IncidentId, SignalStatus, permission};

/// How many alerts a page shows.
const ALERTS: usize = 40;

pub(crate) static VERB: Verb = Verb {
    words: &["alerts"],
    arguments: "",
    help: "the alerts of this incident, numbered",
    parse: |line| {
        let page = line.page();
        line.act(permission::Verb::Read, move |chat, number| Box::pin(said(chat, number, page)))
    },
};

/// In order of arrival.
pub(crate) async fn in_order(app: &App, uid: &IncidentId) -> Result<Vec<Alert>, Failure> {
    let mut alerts = app.alerts(uid).await?;
    alerts.sort_by(|one, other| (one.first_seen, &one.id).cmp(&(other.first_seen, &other.id)));
    Ok(alerts)
}

async fn said(chat: &Chat<'_>, number: Option<u64>, page: usize) -> Result<Reply, Failure> {
    let incident = chat.incident(number).await?;
    let alerts = in_order(chat.app, &incident.uid).await?.into_iter().enumerate().map(|(place, alert)| {
        json!({
            "number": place + 1, "firing": alert.signal.status == SignalStatus::Firing,
            "title": alert.signal.title, "because": alert.joined_because.words(&|id| chat.app.name(id)),
        })
    });
    let (alerts, more) = page_of(alerts.collect(), page, ALERTS);
    Ok(chat.paged("alerts", &incident, &alerts, Vec::new(), more.then_some("More"), page))
}
