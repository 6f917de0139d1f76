//! Sentry's integration platform: issue alerts, metric alerts and issues, told apart by `Sentry-Hook-Resource`.
//! <https://docs.sentry.io/organization/integrations/integration-platform/webhooks/>

use serde_json::Value;

use super::{Context, Labels, Reading, Unreadable, labelled, time, word};
use crate::domain::{Level, Pillar, Signal, SignalStatus};

/// Reads a body.
///
/// # Errors
/// Its resource is unknown.
pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let header = |name: &str| context.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let data = &body["data"];
    let resource = header("sentry-hook-resource").unwrap_or_else(|| {
        ["metric_alert", "issue", "event", "error"]
            .into_iter()
            .find(|key| data[*key].is_object())
            .unwrap_or_default()
            .to_owned()
    });
    let action = word(body.get("action")).unwrap_or_default().to_lowercase();
    let delivery = header("request-id");
    // When Sentry said so. An issue's own times are those of its events.
    let said = header("sentry-hook-timestamp").and_then(|at| time(Some(&Value::String(at))));
    let words = context.words();
    let get = |pointer: &str| word(data.pointer(pointer));
    let found = match resource.as_str() {
        "metric_alert" => {
            let id = get("/metric_alert/id").ok_or_else(|| wrong("data.metric_alert.id"))?;
            let level = words.level(&action);
            let title = get("/description_title").or_else(|| get("/metric_alert/title"));
            let over = matches!(&*action, "resolved" | "ok");
            let at = if over { said } else { time(data.pointer("/metric_alert/date_started")) };
            Some((format!("metric/{id}"), title, over, level, get("/web_url"), at))
        }
        "event_alert" | "event" | "error" => {
            let event = if data["event"].is_object() { &data["event"] } else { &data["error"] };
            let in_url = |field: &str| word(event.get(field)).as_deref().and_then(issue_in);
            // An event's own id never says which issue it belongs to.
            let id = word(event.get("issue_id")).or_else(|| in_url("issue_url")).or_else(|| in_url("web_url"));
            let id = id.ok_or_else(|| wrong("data.event.issue_id"))?;
            let level = word(event.get("level")).and_then(|word| words.level(&word));
            let title = word(event.get("title")).or_else(|| word(event.get("message")));
            Some((format!("issue/{id}"), title, false, level, word(event.get("web_url")), time(event.get("datetime"))))
        }
        "issue" => {
            let id = get("/issue/id").ok_or_else(|| wrong("data.issue.id"))?;
            let level = get("/issue/level").and_then(|word| words.level(&word));
            let url = get("/issue/permalink").or_else(|| get("/issue/web_url"));
            // Assigned: nothing new of the data.
            let over = match action.as_str() {
                "created" | "unresolved" => Some(false),
                "resolved" | "ignored" | "archived" => Some(true),
                _ => None,
            };
            let at = said.or_else(|| time(data.pointer("/issue/lastSeen")));
            over.map(|over| (format!("issue/{id}"), get("/issue/title"), over, level, url, at))
        }
        // An installation or a comment.
        "installation" | "comment" => None,
        other => {
            return Err(Unreadable::shape(format!(
                "the resource {other:?} says nothing about data. Send issue alerts and metric alerts"
            )));
        }
    };
    let Some((key, title, over, level, url, at)) = found else {
        return Ok(Reading { delivery, ..Reading::default() });
    };
    let tags = data.pointer("/event/tags").and_then(Value::as_array).into_iter().flatten().take(super::MAX_LABELS);
    let mut labels: Labels = tags.filter_map(|tag| Some((word(tag.get(0))?, word(tag.get(1))?))).collect();
    labels.extend(labelled([("project", get("/issue/project/slug").or_else(|| get("/event/project_name")))]));
    let title = title.unwrap_or_else(|| key.clone());
    let signal = Signal {
        status: SignalStatus::resolved_if(over),
        // Somebody put it aside. The error goes on.
        unrecovered: matches!(&*action, "ignored" | "archived").then(|| "somebody archived it in Sentry".to_owned()),
        asset: words.asset(&labels),
        pillar: words.pillar_of(&labels, &[], Pillar::Pipeline),
        level: level.unwrap_or(Level::Error),
        url,
        ..context.labelled(&key, &title, at, labels)
    };
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}

/// The id of the issue in an address of Sentry: `…/issues/4711/…`.
fn issue_in(url: &str) -> Option<String> {
    let mut parts = url.split('/').skip_while(|part| *part != "issues").skip(1);
    parts.next().filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
}

fn wrong(what: &str) -> Unreadable {
    Unreadable::shape(format!("the body has no `{what}`"))
}
