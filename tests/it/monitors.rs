//! Every format on genuine bodies (recorded from the tools) and, where none could be had, on the bodies that the vendor documents
//! (`fixtures/documented`); every way of signing; and no body that breaks anything.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, TimeZone as _, Utc};
use muster::config::{Source, SourceKind};
use muster::domain::lineage::Check;
use muster::domain::{Pillar, SignalStatus};
use muster::monitors::credentials::{Denied, Request, verify};
use muster::monitors::{self, Context, Known, Reading};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{fixture, start_time};

fn kind(name: &str) -> SourceKind {
    serde_json::from_value(name.into()).unwrap()
}

const KINDS: [&str; 18] = [
    "airflow",
    "alertmanager",
    "cloudevents",
    "dagster",
    "datadog",
    "dbt_artifacts",
    "dbt_cloud",
    "elementary",
    "gcp",
    "generic",
    "grafana",
    "great_expectations",
    "monte_carlo",
    "openlineage",
    "prefect",
    "sentry",
    "sns",
    "soda",
];

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

/// The catalog of the shop, as far as bodies ask it.
struct Shop;

impl Known for Shop {
    fn check(&self, id: &str) -> Option<Check> {
        let manifest: Value = serde_json::from_str(&fixture("dbt/manifest.json")).unwrap();
        let asset = manifest["nodes"][id]["attached_node"].as_str()?.to_owned();
        Some(Check { asset, pillar: Pillar::Distribution, column: None, owner: None })
    }

    fn is_asset(&self, name: &str) -> bool {
        name.starts_with("model.shop.") || name == "shop.raw_orders"
    }
}

fn read_with(name: &str, body: &[u8], headers: &HeaderMap, known: &dyn Known) -> Result<Reading, monitors::Unreadable> {
    let source = Source::named("s", kind(name));
    monitors::read(&Context { source: &source, headers, known, now: start_time() }, body)
}

fn told(name: &str, body: &str, headers: &HeaderMap, known: &dyn Known) -> String {
    let reading = match read_with(name, body.as_bytes(), headers, known) {
        Ok(reading) => reading,
        Err(error) => return format!("refused: {error}\n"),
    };
    let mut text = String::new();
    if let Some(delivery) = &reading.delivery {
        text.push_str(&format!("delivery {delivery}\n"));
    }
    for signal in &reading.signals {
        let status = if signal.status == SignalStatus::Firing { "FIRING  " } else { "resolved" };
        let asset = signal.asset.as_ref().map_or("-", |asset| asset.as_str());
        text.push_str(&format!(
            "{status} {:8} {:12} {asset} · {} · {} · owner {} · {}\n",
            signal.level.as_str(),
            signal.pillar.as_str(),
            signal.key,
            signal.title,
            signal.owner.as_deref().unwrap_or("-"),
            signal.at.format("%m-%d %H:%M:%S"),
        ));
        if let Some(description) = &signal.description {
            text.push_str(&format!("         {}\n", description.replace('\n', " / ")));
        }
    }
    for unusable in &reading.unusable {
        text.push_str(&format!("refused {}: {}\n", unusable.at, unusable.why));
    }
    if text.is_empty() { "nothing\n".to_owned() } else { text }
}

#[test]
fn genuine_and_documented_bodies_are_understood() {
    let plain = HeaderMap::new();
    let binary = headers(&[
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/dq/runner-1"),
        ("ce-type", "com.example.dataquality.check.failed"),
        ("ce-subject", "analytics.orders"),
    ]);
    let resource = |name: &str| headers(&[("sentry-hook-resource", name), ("request-id", "r-1")]);
    let mut text = String::new();
    for (name, file, headers, known) in [
        ("alertmanager", "alertmanager/001.body.json", &plain, &() as &dyn Known),
        ("alertmanager", "alertmanager/002.body.json", &plain, &()),
        ("alertmanager", "alertmanager/004.body.json", &plain, &()),
        ("grafana", "signatures/grafana.raw", &plain, &()),
        ("datadog", "documented/datadog.json", &plain, &()),
        ("dbt_cloud", "signatures/dbt_cloud.raw", &plain, &()),
        ("dbt_cloud", "documented/dbt_cloud_completed.json", &plain, &()),
        ("dbt_artifacts", "dbt/fail/run_results.json", &plain, &Shop),
        ("dbt_artifacts", "dbt/fail/run_results.json", &plain, &()),
        ("dbt_artifacts", "dbt/fail/sources.json", &plain, &Shop),
        ("dbt_artifacts", "dbt/pass/run_results.json", &plain, &Shop),
        ("dbt_artifacts", "dbt/pass/sources.json", &plain, &Shop),
        ("dbt_artifacts", "dbt/manifest.json", &plain, &Shop),
        ("great_expectations", "great_expectations/validation_result.json", &plain, &()),
        ("great_expectations", "great_expectations/checkpoint_describe.json", &plain, &()),
        ("great_expectations", "great_expectations/checkpoint_result.json", &plain, &()),
        ("great_expectations", "great_expectations/slack_action/001.body.json", &plain, &()),
        ("soda", "soda/scan_results.json", &plain, &Shop),
        ("soda", "documented/soda_cloud.json", &plain, &()),
        ("monte_carlo", "signatures/monte_carlo_0.raw", &plain, &()),
        ("monte_carlo", "documented/monte_carlo_resolved.json", &plain, &()),
        ("elementary", "documented/elementary.json", &plain, &()),
        ("airflow", "airflow/001.body.json", &plain, &()),
        ("airflow", "documented/airflow_retry.json", &plain, &()),
        ("dagster", "dagster/001.body.json", &plain, &()),
        ("dagster", "dagster/002.body.json", &plain, &()),
        ("prefect", "prefect/001.body.json", &plain, &()),
        ("openlineage", "openlineage/001.body.json", &plain, &()),
        ("openlineage", "openlineage/002.body.json", &plain, &()),
        ("openlineage", "openlineage/003.body.json", &plain, &()),
        ("sns", "signatures/sns_Notification_v1.raw", &plain, &()),
        ("gcp", "documented/gcp.json", &plain, &()),
        ("sentry", "signatures/sentry.raw", &resource("metric_alert"), &()),
        ("sentry", "documented/sentry_event_alert.json", &resource("event_alert"), &()),
        ("sentry", "documented/sentry_issue_resolved.json", &resource("issue"), &()),
        ("cloudevents", "cloudevents-python/001.body.json", &plain, &()),
        ("cloudevents", "cloudevents-python/002.body.json", &binary, &()),
        ("cloudevents", "documented/cloudevents_batch.json", &plain, &()),
    ] {
        text.push_str(&format!("== {name} {file}\n{}", told(name, &fixture(file), headers, known)));
    }
    for (place, event) in fixture("dbt/fail/openlineage.jsonl").lines().enumerate() {
        let read = told("openlineage", event, &plain, &());
        if read.contains("FIRING") || read.contains("resolved") {
            text.push_str(&format!("== openlineage dbt/fail {place}\n{read}"));
        }
    }
    insta::assert_snapshot!(text);
}

/// A form is as good as JSON for Datadog, and what Datadog had no value for is not taken as one.
#[test]
fn datadogs_form_is_read_like_its_json() {
    let form = "title=rows+low&transition=Recovered&aggreg_key=a&cycle_key=7&tags=table%3Aw.orders%2Cx&priority=%24ALERT_PRIORITY&type=success";
    let read = read_with("datadog", form.as_bytes(), &HeaderMap::new(), &()).unwrap();
    let signal = &read.signals[0];
    assert_eq!((signal.status, signal.key.as_str()), (SignalStatus::Resolved, "a-7"));
    assert_eq!(signal.asset.as_ref().unwrap().as_str(), "w.orders");
}

fn vectors() -> Vec<Value> {
    let all: Value = serde_json::from_str(&fixture("signatures/vectors.json")).unwrap();
    all["vectors"].as_array().unwrap().clone()
}

const SECRET: &str = "example-not-secret";
/// What the vector with a timestamp was signed at.
const SIGNED_AT: i64 = 1_795_407_600;

fn checked(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&str],
    now: DateTime<Utc>,
) -> Result<(), Denied> {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    verify(source, &[], &secrets, &Request { headers, query: None, body }, now)
}

#[test]
fn every_way_of_signing() {
    let now = Utc.timestamp_opt(SIGNED_AT + 60, 0).unwrap();
    let mut tried = 0;
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let Some(value) = vector["value"].as_str() else { continue };
        let of =
            ["dbt_cloud", "grafana", "sentry", "monte_carlo"].into_iter().find(|kind| name.starts_with(kind)).unwrap();
        let mut source = Source::named("s", kind(of));
        let header = vector["header"].as_str().unwrap().to_lowercase();
        let mut pairs = vec![(header.as_str(), value)];
        let timestamp = vector["timestamp_header_value"].as_str();
        if let Some(timestamp) = timestamp {
            source.timestamp_header = Some("X-Grafana-Timestamp".to_owned());
            pairs.push(("x-grafana-timestamp", timestamp));
        }
        let body = fixture(&format!("signatures/{}", vector["file"].as_str().unwrap()));
        let body = body.as_bytes();
        let right = headers(&pairs);
        let check = |headers: &HeaderMap, body: &[u8], secrets: &[&str]| checked(&source, headers, body, secrets, now);
        assert_eq!(check(&right, body, &[SECRET]), Ok(()), "{name}");
        assert_eq!(check(&right, body, &["another", SECRET]), Ok(()), "{name}: rotated");
        assert_eq!(check(&right, body, &["another"]), Err(Denied::Wrong), "{name}: revoked");
        let with = |value: &str| {
            let mut pairs = pairs.clone();
            pairs[0].1 = value;
            headers(&pairs)
        };
        assert_eq!(check(&with(&value.to_uppercase()), body, &[SECRET]), Ok(()), "{name}: other case");
        for wrong in [&value[..value.len() - 2], &value[1..], "", "zz", "00"] {
            assert_eq!(check(&with(wrong), body, &[SECRET]), Err(Denied::Wrong), "{name}: {wrong:?}");
        }
        assert_eq!(check(&HeaderMap::new(), body, &[SECRET]), Err(Denied::Nothing), "{name}: unsigned");
        let mut tampered = body.to_vec();
        let place = tampered.iter().position(u8::is_ascii_digit).unwrap();
        tampered[place] ^= 1;
        assert_eq!(check(&right, &tampered, &[SECRET]), Err(Denied::Wrong), "{name}: tampered");
        if timestamp.is_some() {
            for off in [-301, 301] {
                let then = Utc.timestamp_opt(SIGNED_AT + off, 0).unwrap();
                assert_eq!(checked(&source, &right, body, &[SECRET], then), Err(Denied::Stale), "{name}: {off}");
            }
        }
        tried += 1;
    }
    assert_eq!(tried, 5);
}

/// Python itself made these: 400 bodies with every kind of value, and what Monte Carlo would sign of them.
#[test]
fn monte_carlo_signs_as_python_prints() {
    let source = Source::named("s", kind("monte_carlo"));
    let mut wrong = Vec::new();
    for line in fixture("signatures/monte_carlo_python.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| vector[key].as_str().unwrap();
        let headers = headers(&[("x-mcd-signature", text("signature"))]);
        if checked(&source, &headers, text("body").as_bytes(), &[SECRET], start_time()).is_err() {
            wrong.push(format!("{} is signed as {}", text("body"), text("signed")));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
}

/// Tokens: as Bearer, as Basic's password, in the address only for those who can do no better.
#[test]
fn tokens_are_taken_where_they_belong() {
    let token = [SecretString::from("a-token-of-a-source"), SecretString::from("the-one-before-that")];
    let check = |of: &str, pairs: &[(&str, &str)], query: Option<&str>| {
        let headers = headers(pairs);
        verify(
            &Source::named("s", kind(of)),
            &token,
            &[],
            &Request { headers: &headers, query, body: b"" },
            start_time(),
        )
    };
    assert_eq!(check("generic", &[("authorization", "Bearer a-token-of-a-source")], None), Ok(()));
    assert_eq!(check("generic", &[("authorization", "bearer the-one-before-that")], None), Ok(()));
    // user:a-token-of-a-source
    assert_eq!(check("gcp", &[("authorization", "Basic dXNlcjphLXRva2VuLW9mLWEtc291cmNl")], None), Ok(()));
    assert_eq!(check("gcp", &[], Some("x=1&auth_token=a-token-of-a-source")), Ok(()));
    assert_eq!(check("generic", &[], Some("auth_token=a-token-of-a-source")), Err(Denied::Nothing));
    for wrong in ["Bearer a-token-of-a-sourc", "Bearer ", "a-token-of-a-source", "Basic x", "Basic dXNlcg=="] {
        assert!(check("generic", &[("authorization", wrong)], None).is_err(), "{wrong}");
    }
}

#[test]
fn sns_believes_amazon_and_known_topics_only() {
    use muster::monitors::sns::envelope;
    let topics = ["arn:aws:sns:us-east-1:123456789012:bot".to_owned()];
    let pem = fixture("signatures/sns.pem");
    for file in ["sns_Notification_v1", "sns_SubscriptionConfirmation_v1"] {
        let body: Value = serde_json::from_str(&fixture(&format!("signatures/{file}.raw"))).unwrap();
        let message = envelope(&body, &topics).unwrap();
        assert_eq!(message.confirm.is_some(), file.contains("Confirmation"));
        let valid = valid_from(&pem);
        assert!(message.is_signed_with(pem.as_bytes(), valid), "{file}");
        assert!(!message.is_signed_with(pem.as_bytes(), valid - chrono::Duration::days(36500)), "not valid yet");
        assert!(!message.is_signed_with(b"no certificate", valid));
        let mut tampered = body.clone();
        tampered["Message"] = "other".into();
        assert!(!envelope(&tampered, &topics).unwrap().is_signed_with(pem.as_bytes(), valid), "tampered");
        assert!(envelope(&body, &["arn:aws:sns:us-east-1:123456789012:other".to_owned()]).is_err(), "another topic");
        for url in [
            "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
            "http://sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
            "https://evil.example/sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com:8443/x.pem",
            "https://sns.eu-west-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com/x.txt",
            "file:///etc/passwd.pem",
        ] {
            let mut forged = body.clone();
            forged["SigningCertURL"] = url.into();
            assert!(envelope(&forged, &topics).is_err(), "{url}");
        }
        let mut raw = body;
        raw.as_object_mut().unwrap().remove("Type");
        assert!(envelope(&raw, &topics).unwrap_err().to_string().contains("Is raw message delivery on?"));
    }
}

fn valid_from(pem: &str) -> DateTime<Utc> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let from = pem.parse_x509().unwrap().validity().not_before.timestamp();
    Utc.timestamp_opt(from + 1, 0).unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "title|status|key|asset|at|labels|alerts|fingerprint|payload|data|results|unique_id|metadata|dbt_schema_version|incident|state|\
                 checks|outcome|name|event|eventType|eventTime|run|job|inputs|outputs|namespace|facets|expectation_config|type|kwargs|success|\
                 Type|Message|TopicArn|dag_id|event_type|job_name|flow_name|id|source|specversion|[a-z]{1,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "FAIL|COMPLETE|firing|fail|pass|open|job.run.errored|https://schemas.getdbt.com/dbt/run-results/v6.json|2026-11-23T04:00:00Z".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            3 => prop::collection::btree_map(words, inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A genuine body with something else somewhere in it.
fn mutated() -> impl Strategy<Value = Value> {
    let files = vec![
        "alertmanager/001.body.json",
        "dbt/fail/run_results.json",
        "dbt/fail/sources.json",
        "great_expectations/checkpoint_result.json",
        "soda/scan_results.json",
        "airflow/001.body.json",
        "dagster/002.body.json",
        "prefect/001.body.json",
        "openlineage/002.body.json",
        "signatures/sns_Notification_v1.raw",
        "documented/gcp.json",
        "signatures/sentry.raw",
        "signatures/monte_carlo_0.raw",
        "documented/elementary.json",
        "documented/datadog.json",
        "cloudevents-python/001.body.json",
        "signatures/dbt_cloud.raw",
    ];
    (prop::sample::select(files), prop::collection::vec(any::<prop::sample::Index>(), 1..6), any_json()).prop_map(
        |(file, way, other)| {
            let mut body: Value = serde_json::from_str(&fixture(file)).unwrap();
            let mut pointer = String::new();
            for step in way {
                let next = match body.pointer(&pointer).unwrap() {
                    Value::Object(map) if !map.is_empty() => map.keys().nth(step.index(map.len())).unwrap().clone(),
                    Value::Array(items) if !items.is_empty() => step.index(items.len()).to_string(),
                    _ => break,
                };
                pointer.push_str(&format!("/{}", next.replace('~', "~0").replace('/', "~1")));
            }
            let at = body.pointer_mut(&pointer).unwrap();
            *at = other;
            body
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_body_breaks_a_format(body in prop_oneof![any_json(), mutated()], bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let text = body.to_string();
        for name in KINDS {
            for body in [text.as_bytes(), &bytes[..]] {
                if let Ok(reading) = read_with(name, body, &HeaderMap::new(), &()) {
                    for signal in reading.signals {
                        prop_assert!(!signal.title.is_empty() && !signal.key.is_empty());
                        prop_assert!(signal.title.chars().count() <= 1100 && !signal.title.contains('\n'));
                    }
                }
            }
        }
        let source = Source::named("s", kind("monte_carlo"));
        let _ = checked(&source, &headers(&[("x-mcd-signature", "00")]), text.as_bytes(), &[SECRET], start_time());
    }
}

/// States that are neither green nor red, and words that are none: what is said of each.
#[test]
fn every_state_is_firing_over_nothing_or_refused() {
    let dbt = |id: &str, status: &str| json!({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}, "results": [{"unique_id": id, "status": status}]});
    let with_rows = |mut artifact: Value, rows: u64| {
        artifact["results"][0]["failures"] = rows.into();
        artifact
    };
    let run = |kind: &str| {
        json!({"eventType": kind, "eventTime": "2026-11-27T10:00:00", "run": {"runId": "r"}, "job": {"namespace": "n", "name": "j"},
            "inputs": [{"namespace": "s3://lake", "name": "a"}], "outputs": [{"namespace": "s3://lake", "name": "b"}]})
    };
    let cloud = |event: &str, status: &str| json!({"eventType": event, "data": {"jobId": 1, "runStatus": status}});
    let soda = |outcome: Value| json!({"checks": [{"name": "rows", "outcome": outcome, "table": "orders"}]});
    let elementary = |status: &str| json!({"alert_class_id": "a", "status": status, "test_name": "unique", "model_unique_id": "model.a.b"});
    let gx = |success: Value, raised: bool| json!({"success": false, "results": [{"success": success, "expectation_config": {"type": "expect_column_values_to_be_unique", "kwargs": {}}, "exception_info": {"raised_exception": raised}}]});
    let (firing, over, nothing, refused) = ("firing", "over", "nothing", "refused");
    for (kind, body, becomes) in [
        ("dbt_artifacts", dbt("model.a.b", "success"), over),
        ("dbt_artifacts", dbt("test.a.b", "pass"), over),
        ("dbt_artifacts", dbt("test.a.b", "Fail"), firing),
        ("dbt_artifacts", dbt("test.a.b", "warn"), firing),
        ("dbt_artifacts", dbt("test.a.b", "error"), "firing pipeline"),
        ("dbt_artifacts", with_rows(dbt("test.a.b", "error"), 3), "firing distribution"),
        ("dbt_artifacts", dbt("source.a.b.c", "runtime error"), "firing freshness"),
        ("dbt_artifacts", dbt("model.a.b", "partial success"), firing),
        ("dbt_artifacts", dbt("model.a.b", "skipped"), nothing),
        ("dbt_artifacts", dbt("exposure.a.b", "no-op"), nothing),
        ("dbt_artifacts", dbt("model.a.b", "reused"), nothing),
        ("dbt_artifacts", dbt("model.a.b", "quarantined"), refused),
        ("dbt_artifacts", dbt("model.a.b", ""), refused),
        ("dbt_cloud", cloud("job.run.completed", "Success"), over),
        ("dbt_cloud", cloud("job.run.completed", "Errored"), firing),
        ("dbt_cloud", cloud("job.run.errored", "Errored"), firing),
        ("dbt_cloud", cloud("job.run.started", "Running"), nothing),
        ("dbt_cloud", cloud("job.run.completed", "Cancelled"), nothing),
        ("dbt_cloud", cloud("job.run.completed", "Melted"), refused),
        ("soda", soda("pass".into()), over),
        ("soda", soda("PASSED".into()), over),
        ("soda", soda("warn".into()), firing),
        ("soda", soda("fail".into()), firing),
        ("soda", soda("error".into()), "firing pipeline"),
        ("soda", soda(Value::Null), nothing),
        ("soda", soda("NOT_EVALUATED".into()), nothing),
        ("soda", soda("unevaluated".into()), nothing),
        ("soda", soda("meh".into()), refused),
        ("elementary", elementary("pass"), over),
        ("elementary", elementary("fail"), firing),
        ("elementary", elementary("warn"), firing),
        ("elementary", elementary("error"), "firing pipeline"),
        ("elementary", elementary("skipped"), nothing),
        ("elementary", elementary("no_data"), nothing),
        ("elementary", elementary("meh"), refused),
        ("great_expectations", gx(true.into(), false), over),
        ("great_expectations", gx(false.into(), false), firing),
        ("great_expectations", gx(false.into(), true), "firing pipeline"),
        ("great_expectations", gx(Value::Null, false), refused),
        ("openlineage", run("COMPLETE"), over),
        ("openlineage", run("FAIL"), "firing pipeline"),
        ("openlineage", run("START"), nothing),
        ("openlineage", run("RUNNING"), nothing),
        ("openlineage", run("OTHER"), nothing),
        ("openlineage", run("ABORT"), nothing),
        ("openlineage", run("FAILED"), refused),
    ] {
        let reading = read_with(kind, body.to_string().as_bytes(), &HeaderMap::new(), &()).unwrap();
        let became = match (&reading.signals[..], &reading.unusable[..]) {
            ([], []) => nothing.to_owned(),
            ([], _) => refused.to_owned(),
            ([one, ..], _) if one.status == SignalStatus::Firing => format!("firing {}", one.pillar.as_str()),
            _ => over.to_owned(),
        };
        assert!(became.starts_with(becomes), "{kind} {body}: {became}");
    }
}

/// What an asset is called, in every way that tools write it.
#[test]
fn an_asset_is_called_by_what_names_it() {
    let result = |id: &str, relation: &str| json!({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}, "results": [{"unique_id": id, "status": "error", "relation_name": relation}]});
    let elementary = |fields: Value| {
        let mut alert = json!({"alert_class_id": "a", "status": "fail", "test_name": "unique"});
        alert.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        alert
    };
    let soda = |fields: Value| {
        let mut check = json!({"name": "rows", "outcome": "fail", "identities": {"vc1": "1"}});
        check.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"checks": [check]})
    };
    let gx = |meta: Value| json!({"success": false, "meta": meta, "results": [{"success": false, "expectation_config": {"type": "t", "kwargs": {}}}]});
    let assertion = |namespace: &str, name: &str| {
        json!({"eventType": "COMPLETE", "eventTime": "2026-11-27T10:00:00Z", "run": {"runId": "r"}, "job": {"namespace": "n", "name": "j"},
            "inputs": [{"namespace": namespace, "name": name, "inputFacets": {"dataQualityAssertions": {"assertions": [{"assertion": "unique", "success": false}]}}}]})
    };
    for (kind, body, asset) in [
        ("dbt_artifacts", result("model.shop.orders.v2", r#""w"."main"."orders_v2""#), "w.main.orders_v2"),
        ("dbt_artifacts", result("model.shop.orders", "`p`.`d`.`orders`"), "p.d.orders"),
        ("dbt_artifacts", result("model.shop.orders", "[w].[dbo].[orders]"), "w.dbo.orders"),
        ("dbt_artifacts", result("model.shop.orders", ""), "model.shop.orders"),
        ("dbt_artifacts", result("unit_test.shop.orders.adds_tax", ""), "model.shop.orders"),
        ("dbt_artifacts", result("operation.shop.shop-on-run-end-0", ""), "-"),
        ("dbt_artifacts", result("source.shop.raw.payments", ""), "source.shop.raw.payments"),
        ("elementary", elementary(json!({"table_full_name": "A.B.ORDERS"})), "a.b.orders"),
        ("elementary", elementary(json!({"full_table_name": "A.B.ORDERS", "table_name": "ORDERS"})), "a.b.orders"),
        (
            "elementary",
            elementary(json!({"database_name": "A", "schema_name": "B", "table_name": "ORDERS"})),
            "a.b.orders",
        ),
        (
            "elementary",
            elementary(json!({"schema_name": "B", "alias": "orders", "model_unique_id": "model.x.orders"})),
            "b.orders",
        ),
        (
            "elementary",
            elementary(json!({"table_name": "ORDERS", "model_unique_id": "model.x.orders"})),
            "model.x.orders",
        ),
        ("elementary", elementary(json!({"table_name": "ORDERS"})), "orders"),
        (
            "great_expectations",
            gx(json!({"active_batch_definition": {"data_asset_name": "orders", "datasource_name": "w"}})),
            "orders",
        ),
        (
            "great_expectations",
            gx(json!({"batch_spec": {"schema_name": "main", "table_name": "orders"}})),
            "main.orders",
        ),
        ("great_expectations", gx(json!({"batch_kwargs": {"datasource": "w", "table": "orders"}})), "orders"),
        ("soda", soda(json!({"table": "orders"})), "orders"),
        ("soda", soda(json!({"table": "orders", "dataSource": "w"})), "w.orders"),
        (
            "soda",
            soda(json!({"table": "orders", "dataSource": "w", "datasetPrefix": ["db", "main"]})),
            "db.main.orders",
        ),
        ("openlineage", assertion("bigquery", "p.d.orders$20261127"), "p.d.orders"),
        ("openlineage", assertion("bigquery", "p.d.events_20261127"), "p.d.events_*"),
        ("openlineage", assertion("snowflake://ORG-ACC/", "RAW.SHOP.ORDERS"), "raw.shop.orders"),
        ("openlineage", assertion("postgresql://db:5432", "shop.public.Orders"), "shop.public.orders"),
        ("openlineage", assertion("s3a://lake/", "/raw/orders/"), "s3://lake/raw/orders"),
        ("openlineage", assertion("arn:aws:glue:eu-west-1:1", "table/shop/orders"), "shop.orders"),
    ] {
        let reading = read_with(kind, body.to_string().as_bytes(), &HeaderMap::new(), &()).unwrap();
        let signal = &reading.signals[0];
        assert_eq!(signal.asset.as_ref().map_or("-", |asset| asset.as_str()), asset, "{kind} {body}");
    }
}
