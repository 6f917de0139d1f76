//! What comes through SNS and is no alarm of `CloudWatch`: events of `EventBridge`, of RDS and of other services, and plain text. Raw JSON
//! is never a title or a key. <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>

use serde_json::Value;

use super::{Context, labelled, time, word};
use crate::domain::{Level, Pillar, Signal, SignalStatus, Time};

/// Where an event of `EventBridge` names what it is about. An id of a run is never that.
#[rustfmt::skip]
const NAMES: &[&str] = &["/jobName", "/job-name", "/alarmName", "/configuration/alarmName", "/pipeline", "/project-name", "/stateMachineArn",
    "/rulesetNames/0", "/crawlerName", "/workgroupName", "/dataSetName", "/projectName", "/clusterArn", "/name", "/group", "/eventTypeCode"];
/// Where it says how it is.
#[rustfmt::skip]
const STATES: &[&str] = &["/state/value", "/state", "/status", "/currentState", "/build-status", "/lastStatus", "/statusCode"];
/// Subjects that are the same for everything that a service sends.
const SAYING_NOTHING: &[&str] =
    &["AWS Notification Message", "RDS Notification Message", "Amazon Redshift Notification"];

/// One message. `None` if it says neither that something is broken nor that it is good again.
pub(super) fn read(context: &Context<'_>, message: &Value, envelope: &Value, at: Option<Time>) -> Option<Signal> {
    let subject = word(envelope.get("Subject")).filter(|subject| !SAYING_NOTHING.contains(&subject.as_str()));
    if message.get("detail-type").is_some() {
        return event(context, message, at);
    }
    if let Some(id) = word(message.get("Source ID")) {
        return Some(of_service(context, &id, message, at));
    }
    let text = word(envelope.get("Message"));
    let is_json = message.is_object() || message.is_array();
    let title = subject.or_else(|| text.clone().filter(|_| !is_json)).unwrap_or_else(|| {
        let topic = word(envelope.get("TopicArn")).unwrap_or_default();
        format!("A message through the topic {}", topic.rsplit(':').next().unwrap_or_default())
    });
    Some(Signal { description: text.filter(|text| *text != title), ..context.signal(&title, &title, at) })
}

fn event(context: &Context<'_>, event: &Value, at: Option<Time>) -> Option<Signal> {
    let detail = &event["detail"];
    let found = |places: &[&str]| places.iter().find_map(|place| word(detail.pointer(place)));
    let (kind, source) = (word(event.get("detail-type"))?, word(event.get("source")).unwrap_or_default());
    let resource = || word(event.pointer("/resources/0"));
    // Of an ARN, the last part is the name.
    let name = found(NAMES).or_else(resource).map(|name| match name.strip_prefix("arn:") {
        Some(arn) => arn.rsplit([':', '/']).next().unwrap_or_default().to_owned(),
        None => name,
    });
    let state = found(STATES);
    let status = match &state {
        Some(state) => status(state)?,
        None => SignalStatus::Firing,
    };
    let about = name.clone().unwrap_or_else(|| source.clone());
    let title = format!("{kind}: {about} {}", state.as_deref().unwrap_or_default());
    let labels = labelled([
        ("service", Some(source.clone())),
        ("job", name),
        ("region", word(event.get("region"))),
        ("account", word(event.get("account"))),
    ]);
    let words = context.words();
    let pillar = if state.is_some() { Pillar::Pipeline } else { Pillar::Other };
    Some(Signal {
        status,
        asset: words.asset(&labels),
        pillar: words.pillar_of(&labels, &[&kind], pillar),
        level: word(detail.get("severity")).and_then(|word| words.level(&word)).unwrap_or(Level::Error),
        description: found(&[
            "/message",
            "/stateChangeReason",
            "/cause",
            "/stoppedReason",
            "/statusReason",
            "/errorMessage",
        ]),
        ..context.labelled(
            &format!("{source}|{kind}|{about}"),
            title.trim_end(),
            time(event.get("time")).or(at),
            labels,
        )
    })
}

/// What a state of a job means. `None` if it goes on, or if a person stopped it.
fn status(state: &str) -> Option<SignalStatus> {
    match state.to_ascii_uppercase().replace(['-', ' '], "_").as_str() {
        "SUCCEEDED" | "SUCCESS" | "COMPLETED" | "COMPLETE" | "OK" | "CLOSED" => Some(SignalStatus::Resolved),
        "STARTING" | "STARTED" | "RUNNING" | "SUBMITTED" | "PENDING" | "RUNNABLE" | "QUEUED" | "IN_PROGRESS"
        | "PROVISIONING" | "WAITING" | "CREATED" | "STOPPING" | "STOPPED" | "CANCELLED" | "CANCELED" | "UPCOMING"
        | "RESUMED" | "SUPERSEDED" | "INSUFFICIENT_DATA" => None,
        _ => Some(SignalStatus::Firing),
    }
}

/// An event of RDS, and of the services that write the same fields.
fn of_service(context: &Context<'_>, id: &str, message: &Value, at: Option<Time>) -> Signal {
    let get = |name: &str| word(message.get(name));
    let kind = get("Event Source").unwrap_or_default();
    // `…#RDS-EVENT-0007`
    let event = get("Event ID").unwrap_or_default();
    let event = event.rsplit('#').next().unwrap_or_default();
    let what = get("Event Message").unwrap_or_else(|| event.to_owned());
    let labels = labelled([
        ("service", get("Event Source")),
        ("source_id", Some(id.to_owned())),
        ("event", word(Some(&event.into()))),
    ]);
    Signal {
        asset: context.words().asset(&labels),
        ..context.labelled(
            &format!("{kind}|{id}|{event}"),
            &format!("{id}: {what}"),
            time(message.get("Event Time")).or(at),
            labels,
        )
    }
}
