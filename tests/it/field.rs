//! Tables over kinds of monitors: pillars by words, states that are neither green nor red, times that are none, keys that stay, and what one
//! bad value costs. The bodies have the shapes that the tools send.

use axum::http::HeaderMap;
use muster::config::Source;
use muster::domain::SignalStatus;
use muster::monitors::{self, Context, Reading};
use serde_json::{Value, json};

use crate::harness::{fixture, start_time};

fn read_with(kind: &str, body: &Value, resource: Option<&str>) -> Result<Reading, monitors::Unreadable> {
    let source = Source::named("s", serde_json::from_value(kind.into()).unwrap());
    let mut headers = HeaderMap::new();
    if let Some(resource) = resource {
        headers.insert("sentry-hook-resource", resource.parse().unwrap());
    }
    monitors::read(
        &Context { source: &source, headers: &headers, known: &(), now: start_time() },
        body.to_string().as_bytes(),
    )
}

fn read(kind: &str, body: &Value) -> Reading {
    let resource =
        body["action"].as_str().map(|_| if body["data"]["issue"].is_object() { "issue" } else { "event_alert" });
    read_with(kind, body, resource).unwrap_or_else(|error| panic!("{kind}: {error}: {body}"))
}

fn case(path: &str) -> Value {
    serde_json::from_str(&fixture(&format!("cases/{path}"))).unwrap()
}

#[test]
fn pillars_are_told_by_whole_words() {
    let reading = read("alertmanager", &case("words/body.json"));
    let told: Vec<_> = reading.signals.iter().map(|signal| (signal.title.as_str(), signal.pillar.as_str())).collect();
    let right = [
        ("TestAlert", "other"),
        ("KubePersistentVolumeFillingUp", "other"),
        ("TokenRefreshFailed", "other"),
        ("NullPointerException", "other"),
        ("OrdersTableStale", "freshness"),
        ("OrdersRowCountLow", "volume"),
    ];
    assert_eq!(told, right);
}

/// Events that come through SNS and are no alarms.
#[test]
fn events_of_amazon_have_a_name_and_a_key_that_stays() {
    let told = |file: &str| {
        let reading = read("sns", &case(&format!("sns_events/{file}")));
        let signal = &reading.signals[0];
        (signal.key.clone(), signal.title.clone(), signal.status)
    };
    let (key, title, status) = told("body.json");
    assert_eq!(
        (key.as_str(), title.as_str()),
        ("aws.glue|Glue Job State Change|load_orders", "Glue Job State Change: load_orders FAILED")
    );
    assert_eq!(status, SignalStatus::Firing);
    assert_eq!((told("body-2.json").0, told("body-2.json").2), (key.clone(), SignalStatus::Firing));
    assert_eq!((told("body-3.json").0, told("body-3.json").2), (key, SignalStatus::Resolved));
    assert_eq!(told("body-4.json").1, "orders-db: Allocated storage has been exhausted");
    assert_ne!(told("body-4.json").0, told("body-5.json").0);
    let unknown = sns(&json!({"Event": "autoscaling:TEST_NOTIFICATION", "RequestId": "1"}).to_string());
    assert_eq!(read("sns", &unknown).signals[0].title, "A message through the topic data-alarms");
    assert_eq!(read("sns", &sns("The disk is full")).signals[0].title, "The disk is full");
}

fn sns(message: &str) -> Value {
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:data-alarms", "Message": message,
        "Timestamp": "2026-11-22T10:00:00Z"})
}

fn alarm(state: &str) -> Value {
    sns(&json!({"AlarmName": "rows", "AlarmArn": "arn:1", "NewStateValue": state, "Trigger": {}, "StateChangeTime": "2026-11-22T10:00:00.000+0000"}).to_string())
}

fn prom(status: &str, reason: Option<&str>) -> Value {
    json!({"alerts": [{"status": status, "fingerprint": "1", "labels": {"alertname": "A"}, "annotations": {"grafana_state_reason": reason},
        "startsAt": "2026-11-22T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]})
}

fn datadog(transition: &str) -> Value {
    json!({"title": "rows low", "transition": transition, "aggreg_key": "a", "cycle_key": "1"})
}

fn issue(action: &str) -> Value {
    json!({"action": action, "data": {"issue": {"id": "1", "title": "t"}}})
}

fn glue(state: &str) -> Value {
    sns(&json!({"detail-type": "Glue Job State Change", "source": "aws.glue", "detail": {"jobName": "j", "state": state}}).to_string())
}

/// Each documented state: it fires, it is over, it ended without a recovery, it says nothing, or it is refused.
#[test]
fn every_documented_state_is_what_it_is() {
    let gcp = |state: &str| json!({"incident": {"incident_id": "1", "state": state, "policy_name": "p"}});
    let prefect = |state: &str| json!({"flow_name": "f", "state": {"type": state}});
    let airflow = |state: &str| json!({"dag_id": "d", "task_id": "t", "state": state});
    let dagster = |event: &str| json!({"event_type": event, "job_name": "j"});
    let dbt_cloud =
        |event: &str, status: &str| json!({"eventType": event, "data": {"jobId": "1", "runStatus": status}});
    for (kind, body, right) in [
        ("alertmanager", prom("firing", None), "firing"),
        ("alertmanager", prom("resolved", None), "over"),
        ("alertmanager", prom("suppressed", None), "refused"),
        ("grafana", prom("firing", Some("NoData")), "firing"),
        ("grafana", prom("resolved", None), "over"),
        ("grafana", prom("resolved", Some("MissingSeries")), "ended: its series is no longer there"),
        ("grafana", prom("resolved", Some("NoData")), "ended: there is no data to judge"),
        ("grafana", prom("resolved", Some("Error")), "ended: the rule cannot be evaluated"),
        ("grafana", prom("resolved", Some("Paused")), "ended: its rule was paused"),
        ("grafana", prom("resolved", Some("RuleDeleted")), "ended: its rule was deleted"),
        ("grafana", prom("resolved", Some("Updated")), "ended: its rule was changed"),
        ("sns", alarm("ALARM"), "firing"),
        ("sns", alarm("OK"), "over"),
        ("sns", alarm("INSUFFICIENT_DATA"), "ended: there is too little data to judge"),
        ("sns", glue("FAILED"), "firing"),
        ("sns", glue("TIMEOUT"), "firing"),
        ("sns", glue("SUCCEEDED"), "over"),
        ("sns", glue("STOPPED"), "nothing"),
        ("sns", glue("RUNNING"), "nothing"),
        ("datadog", datadog("Triggered"), "firing"),
        ("datadog", datadog("Re-Triggered"), "firing"),
        ("datadog", datadog("Renotify"), "firing"),
        ("datadog", datadog("Warn"), "firing"),
        ("datadog", datadog("No Data"), "firing"),
        ("datadog", datadog("Re-No Data"), "firing"),
        ("datadog", datadog("Recovered"), "over"),
        ("gcp", gcp("open"), "firing"),
        ("gcp", gcp("OPEN"), "firing"),
        ("gcp", gcp("closed"), "over"),
        ("sentry", issue("created"), "firing"),
        ("sentry", issue("unresolved"), "firing"),
        ("sentry", issue("resolved"), "over"),
        ("sentry", issue("ignored"), "ended: somebody archived it in Sentry"),
        ("sentry", issue("archived"), "ended: somebody archived it in Sentry"),
        ("sentry", issue("assigned"), "nothing"),
        ("prefect", prefect("FAILED"), "firing"),
        ("prefect", prefect("CRASHED"), "firing"),
        ("prefect", prefect("COMPLETED"), "over"),
        ("prefect", prefect("CANCELLED"), "nothing"),
        ("prefect", prefect("PAUSED"), "nothing"),
        ("airflow", airflow("failed"), "firing"),
        ("airflow", airflow("success"), "over"),
        ("airflow", airflow("up_for_retry"), "nothing"),
        ("airflow", airflow("skipped"), "nothing"),
        ("dagster", dagster("RUN_FAILURE"), "firing"),
        ("dagster", dagster("RUN_SUCCESS"), "over"),
        ("dagster", dagster("RUN_CANCELED"), "nothing"),
        ("dbt_cloud", dbt_cloud("job.run.errored", "Errored"), "firing"),
        ("dbt_cloud", dbt_cloud("job.run.completed", "Success"), "over"),
        ("dbt_cloud", dbt_cloud("job.run.completed", "Cancelled"), "nothing"),
        ("dbt_cloud", dbt_cloud("job.run.started", "Running"), "nothing"),
    ] {
        let reading = read(kind, &body);
        let told = match (reading.signals.first(), reading.unusable.first()) {
            (Some(signal), _) => match (signal.status, &signal.unrecovered) {
                (SignalStatus::Firing, _) => "firing".to_owned(),
                (SignalStatus::Resolved, None) => "over".to_owned(),
                (SignalStatus::Resolved, Some(why)) => format!("ended: {why}"),
            },
            (None, Some(_)) => "refused".to_owned(),
            (None, None) => "nothing".to_owned(),
        };
        assert_eq!(told, right, "{kind} {body}");
    }
}

/// Times that mean "not set" are none, in every kind that sends one.
#[test]
fn a_time_that_is_not_set_is_when_it_came() {
    let none = [
        json!("0001-01-01T00:00:00Z"),
        json!(0),
        json!("0"),
        json!(null),
        json!("1970-01-01T00:00:00Z"),
        json!(-62_135_596_800_i64),
        json!(""),
    ];
    for time in none {
        let message =
            json!({"AlarmName": "a", "NewStateValue": "ALARM", "Trigger": {}, "StateChangeTime": time}).to_string();
        for (kind, body) in [
            ("alertmanager", json!({"alerts": [{"status": "firing", "startsAt": time, "labels": {"alertname": "A"}}]})),
            ("grafana", json!({"alerts": [{"status": "firing", "startsAt": time, "labels": {"alertname": "A"}}]})),
            ("generic", json!({"title": "t", "at": time})),
            ("cloudevents", json!({"id": "1", "source": "s", "type": "t", "time": time, "data": {}})),
            ("gcp", json!({"incident": {"incident_id": "1", "state": "open", "started_at": time}})),
            ("datadog", json!({"title": "t", "transition": "Triggered", "date": time})),
            ("sentry", json!({"data": {"event": {"issue_id": "1", "title": "t", "datetime": time}}})),
            ("sns", json!({"Type": "Notification", "Message": message, "Timestamp": time})),
            ("monte_carlo", json!({"type": "open_x", "payload": {"incident_id": "1", "created_time": time}})),
            ("airflow", json!({"dag_id": "d", "state": "failed", "end_date": time})),
            ("dagster", json!({"event_type": "RUN_FAILURE", "job_name": "j", "timestamp": time})),
            ("prefect", json!({"flow_name": "f", "state": {"type": "FAILED", "timestamp": time}})),
            ("dbt_cloud", json!({"eventType": "job.run.errored", "data": {"jobId": "1", "runErroredAt": time}})),
            ("soda", json!({"scanEndTimestamp": time, "checks": [{"name": "c", "outcome": "fail"}]})),
            ("elementary", json!({"status": "fail", "name": "n", "alert_class_id": "c", "detected_at": time})),
        ] {
            let reading = read_with(kind, &body, None).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(reading.signals[0].at, start_time(), "{kind} {time}");
        }
    }
}

/// Where something runs is never what it is about.
#[test]
fn a_place_or_a_run_is_no_asset() {
    let labels = json!({"alertname": "A", "job": "scrape", "instance": "h:1", "pod": "p", "namespace": "n", "host": "h", "run_id": "r", "cluster": "c"});
    let tags = "job:scrape,instance:h,pod:p,namespace:n,host:h,run_id:r";
    for (kind, body) in [
        ("alertmanager", json!({"alerts": [{"status": "firing", "labels": labels}]})),
        ("grafana", json!({"alerts": [{"status": "firing", "labels": labels}]})),
        ("generic", json!({"title": "t", "labels": labels})),
        ("cloudevents", json!({"id": "1", "source": "/runner-1", "type": "t", "data": labels})),
        ("gcp", json!({"incident": {"incident_id": "1", "state": "open", "resource": {"labels": labels}}})),
        ("datadog", json!({"title": "t", "transition": "Triggered", "tags": tags})),
        (
            "sentry",
            json!({"data": {"event": {"issue_id": "1", "title": "t", "tags": [["job", "j"], ["server_name", "h"]]}}}),
        ),
        ("airflow", json!({"name": "t", "service": "etl", "status": "failed"})),
        ("dagster", json!({"event_type": "RUN_FAILURE", "job_name": "__ASSET_JOB", "run_id": "r"})),
    ] {
        let reading = read_with(kind, &body, None).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(reading.signals[0].asset, None, "{kind}");
    }
}

/// The key does not change with a run, a host or a message.
#[test]
fn a_key_stays_when_the_run_changes() {
    let airflow = |run: &str| json!({"dag_id": "d", "task_id": "t", "run_id": run, "state": "failed", "log_url": run});
    let prefect = |run: &str| json!({"flow_name": "f", "flow_run": {"id": run, "name": run}, "state": {"type": "FAILED", "message": run}});
    let dagster = |run: &str| json!({"event_type": "RUN_FAILURE", "job_name": "j", "run_id": run});
    let dbt = |run: &str| json!({"eventType": "job.run.errored", "eventId": run, "data": {"jobId": "1", "runId": run}});
    let glue = |run: &str| {
        sns(&json!({"id": run, "detail-type": "Glue Job State Change", "source": "aws.glue", "detail": {"jobName": "j", "state": "FAILED", "jobRunId": run}}).to_string())
    };
    let sentry = |run: &str| json!({"action": "triggered", "data": {"event": {"event_id": run, "title": "t", "web_url": format!("https://s.example/issues/7/events/{run}/")}}});
    for (kind, one, other) in [
        ("airflow", airflow("r1"), airflow("r2")),
        ("prefect", prefect("r1"), prefect("r2")),
        ("dagster", dagster("r1"), dagster("r2")),
        ("dbt_cloud", dbt("r1"), dbt("r2")),
        ("sns", glue("r1"), glue("r2")),
        ("sentry", sentry("r1"), sentry("r2")),
    ] {
        assert_eq!(read(kind, &one).signals[0].key, read(kind, &other).signals[0].key, "{kind}");
    }
    // Long keys that begin alike stay two.
    let long = |end: &str| json!({"title": "t", "key": format!("{}{end}", "k".repeat(3000))});
    assert_ne!(read("generic", &long("a")).signals[0].key, read("generic", &long("b")).signals[0].key);
}

/// An alert whose names were all left out is still an alert, and its end an end.
#[test]
fn an_alert_without_a_name_is_taken_in() {
    let alert = |labels: Value, note: Value| json!({"alerts": [{"status": "resolved", "fingerprint": "5", "labels": labels, "annotations": note}]});
    for (labels, note, title) in [
        (json!({"debug": "true"}), json!({}), "debug=true"),
        (json!({}), json!({"description": "it is late"}), "it is late"),
        (json!({}), json!({}), "An alert without a name"),
    ] {
        let reading = read("grafana", &alert(labels, note));
        assert_eq!((reading.signals[0].title.as_str(), reading.signals[0].key.as_str()), (title, "5"));
    }
}

/// What is cut is said: titles end with `…`, and labels that are left out are counted.
#[test]
fn what_is_cut_is_said() {
    let labels: serde_json::Map<String, Value> = (0..70).map(|n| (format!("l{n}"), json!("x"))).collect();
    let reading = read("generic", &json!({"title": "t".repeat(2000), "labels": labels}));
    assert!(reading.signals[0].title.ends_with("t…") && reading.signals[0].title.chars().count() == 1024);
    assert_eq!(
        reading.signals[0].labels[monitors::LEFT_OUT],
        "6 labels were left out, because an alert has at most 64"
    );
}
