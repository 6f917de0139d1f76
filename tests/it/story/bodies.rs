//! Bodies as the tools of the field send them, through the real doors: what they mean, how they may be written and packed, and what is refused.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster::domain::{Alert, SignalStatus};
use muster::store::Range;
use serde_json::{Value, json};

use crate::harness::*;

const KINDS: [&str; 6] = ["elementary", "great_expectations", "soda", "generic", "dbt_artifacts", "openlineage"];

/// A bot with a source for each kind, which has the kind's name.
async fn bot() -> Bot {
    let sources =
        KINDS.map(|kind| format!("[[sources]]\nname = \"{kind}\"\nkind = \"{kind}\"\ntoken_env = \"SOURCE_TOKEN\"\n"));
    let signed = "[[sources]]\nname = \"signed\"\nkind = \"generic\"\nsecret_env = \"SOURCE_TOKEN\"\n";
    Bot::set_up(Setup { extra: format!("{}{signed}", sources.concat()), ..Setup::default() }).await
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/fixtures/cases/{name}")).unwrap()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

impl Bot {
    async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method.parse().unwrap(), url).body(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        if status == 415 {
            assert_eq!(answer.headers()["accept-encoding"], "gzip");
        }
        let answer = answer.json().await.unwrap_or_default();
        self.settle().await;
        (status, answer)
    }

    async fn hook(&self, source: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
        self.send("POST", &format!("/hooks/{source}"), TOKEN, headers, body).await
    }

    /// All alerts that came in, in lines.
    async fn told(&self) -> Vec<String> {
        let kept: Vec<Alert> = self.muster.app.store.values(Range::all()).await.unwrap();
        let mut lines: Vec<_> = kept
            .iter()
            .map(|Alert { signal, .. }| {
                let status = if signal.status == SignalStatus::Firing { "firing" } else { "resolved" };
                let asset = signal.asset.as_ref().map_or("-", |asset| asset.as_str());
                let description = signal.description.as_deref().unwrap_or("-");
                format!(
                    "{status} {} {} {asset} | {} | {description}",
                    signal.pillar,
                    signal.level.as_str(),
                    signal.title
                )
            })
            .collect();
        lines.sort();
        lines
    }
}

const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// The fields that tools really send, and what they mean.
#[tokio::test]
async fn bodies_of_the_field_are_understood() {
    for (kind, files, incidents, means) in [
        (
            "elementary",
            &["elementary-own-fields/body.json"][..],
            3,
            &[
                "firing distribution error analytics.crm.orders | not_null failed on analytics.crm.orders | Got 3 results, configured to fail if != 0",
                "firing distribution error analytics.prod.orders | not_null failed on analytics.prod.orders | Got 3 results, configured to fail if != 0",
                "firing freshness error analytics.raw.payments | payments is stale: last loaded 10.0 h ago | -",
            ][..],
        ),
        (
            "great_expectations",
            &["infinity-in-json/body.json"],
            1,
            &[
                "firing distribution critical orders | orders: column max to be between (amount) | -",
                "firing distribution critical orders | orders: column values to be unique (id) | 2 of 3 rows",
            ],
        ),
        (
            "soda",
            &["soda-outcome-error/body.json"],
            1,
            &["firing pipeline error orders | orders: check 0 cannot be checked | -"],
        ),
        (
            "soda",
            &["soda-outcome-error/body-2.json"],
            1,
            &[
                "firing distribution error orders | orders: check 0 | Measured 0",
                "firing pipeline error orders | orders: check 1 cannot be checked | -",
            ],
        ),
        ("generic", &["byte-order-mark/body.json"], 1, &["firing other error w.orders | orders late | -"]),
        (
            "openlineage",
            &["openlineage-time-without-zone/body.json"],
            1,
            &["firing pipeline error etl/load | Job failed: load | -"],
        ),
        (
            "dbt_artifacts",
            &["dbt-unit-test-name/body.json"],
            1,
            &[
                "firing distribution error w.main.orders | dbt unit test failed on orders: adds_tax | actual differs from expected:\n",
                "firing distribution error w.main.orders | dbt unit test failed on orders: drops_refunds | actual differs from expected:",
            ],
        ),
    ] {
        let bot = bot().await;
        for file in files {
            let (status, answer) = bot.hook(kind, &[], bytes(file)).await;
            assert_eq!(status, 202, "{file}: {answer}");
            assert_eq!(answer.get("refused"), None, "{file}: {answer}");
        }
        let told: Vec<_> = bot.told().await.iter().map(|line| line.split('\n').next().unwrap().to_owned()).collect();
        let means: Vec<_> = means.iter().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(told, means, "{kind}");
        assert_eq!(super::open_incidents(&bot).await, incidents, "{kind}");
        bot.end().await;
    }
}

/// A check that broke is over when it passes again.
#[tokio::test]
async fn a_check_that_broke_ends_when_it_passes() {
    let bot = bot().await;
    let mut body: Value = serde_json::from_slice(&bytes("soda-outcome-error/body.json")).unwrap();
    bot.hook("soda", &[], body.to_string().into()).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    body["checkResults"][0]["outcome"] = json!("pass");
    bot.hook("soda", &[], body.to_string().into()).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 0);
    bot.inc(1).find("🟢");
    bot.end().await;
}

/// A dashboard made of a metric is made of the tables of that metric: the gate is closed while one of them is broken.
#[tokio::test]
async fn a_dashboard_of_a_metric_is_not_trusted_while_its_model_is_broken() {
    let bot = bot().await;
    let mut manifest: Value = serde_json::from_slice(&bytes("exposure-of-a-metric/body.json")).unwrap();
    // Also: a metric of metrics in a saved query, names in the place of ids, a function, and a circle.
    manifest["metrics"]["metric.shop.share"] =
        json!({"depends_on": {"nodes": ["metric.shop.revenue", "metric.shop.share"]}});
    manifest["saved_queries"]["saved_query.shop.weekly"] = json!({"depends_on": {"nodes": ["metric.shop.share"]}});
    manifest["functions"] =
        json!({"function.shop.net": {"depends_on": {"nodes": []}, "refs": [{"name": "orders", "package": null}]}});
    let exposure =
        |of: &str| json!({"resource_type": "exposure", "name": of, "type": "dashboard", "depends_on": {"nodes": [of]}});
    manifest["exposures"]["exposure.shop.board"] = exposure("saved_query.shop.weekly");
    manifest["exposures"]["exposure.shop.sheet"] = exposure("function.shop.net");
    manifest["exposures"]["exposure.shop.bad"] = json!({"resource_type": 7});
    let (status, answer) = bot.put("/api/v1/catalog/dbt", manifest.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["refused"][0]["at"], "/exposures/exposure.shop.bad", "{answer}");
    bot.hook("generic", &[], json!({"title": "rows are missing", "asset": "model.shop.orders"}).to_string().into())
        .await;
    for dashboard in ["exposure.shop.ceo_dashboard", "exposure.shop.board", "exposure.shop.sheet"] {
        let above = bot.get(&format!("/api/v1/assets/{dashboard}/upstream")).await;
        assert_eq!(above["assets"][0]["asset"], "model.shop.orders", "{dashboard}: {above}");
        assert_eq!(bot.get(&format!("/api/v1/assets/{dashboard}/status")).await["status"], "upstream", "{dashboard}");
        assert_eq!(bot.look(&format!("/api/v1/assets/{dashboard}/gate")).await.0, 409, "{dashboard}");
    }
    bot.end().await;
}

/// With a manifest, too, a unit test is called by its own name and is about its model.
#[tokio::test]
async fn a_unit_test_is_about_its_model() {
    let bot = bot().await;
    let mut manifest: Value = serde_json::from_slice(&bytes("exposure-of-a-metric/body.json")).unwrap();
    let test = json!({"name": "adds_tax", "model": "orders", "depends_on": {"nodes": ["model.shop.orders"]}});
    manifest["unit_tests"]["unit_test.shop.orders.adds_tax"] = test;
    bot.put("/api/v1/catalog/dbt", manifest.to_string()).await;
    bot.hook("dbt_artifacts", &[], bytes("dbt-unit-test-name/body.json")).await;
    let told = bot.told().await;
    assert!(told[0].contains("model.shop.orders | dbt unit test failed on orders: adds_tax |"), "{told:?}");
    bot.end().await;
}

/// Every address that takes a body takes gzip, a byte order mark, and what Python writes.
#[tokio::test]
async fn every_door_reads_gzip_a_mark_and_pythons_words() {
    let alert = |title: &str| {
        format!("\u{feff}{{\"title\": \"{title}\", \"asset\": \"w.orders\", \"value\": NaN}}").into_bytes()
    };
    let run = format!(
        "\u{feff}{}",
        String::from_utf8(bytes("openlineage-gzip/body.json")).unwrap().replacen(
            "\"facets\": {}",
            "\"facets\": {\"x\": -Infinity}",
            1
        )
    );
    let artifact = String::from_utf8(bytes("dbt-unit-test-name/body.json")).unwrap().replacen("0.1", "Infinity", 1);
    let manifest = String::from_utf8(bytes("exposure-of-a-metric/body.json")).unwrap().replacen(
        "\"meta\": {}",
        "\"meta\": {\"x\": NaN}",
        1,
    );
    let event = json!({"routing_key": PD_TOKEN, "event_action": "trigger", "payload": {"summary": "late", "source": "w.orders", "severity": "error"}});
    let v1 = json!({"service_key": PD_TOKEN, "event_type": "trigger", "description": "late"});
    let change = json!({"routing_key": PD_TOKEN, "payload": {"summary": "deployed", "source": "w.orders"}});
    let silence = json!({"match": "asset=x", "until": "2026-11-24T00:00:00Z", "reason": "a test", "owner": "ana"});
    for (method, path, token, body, good) in [
        ("POST", "/hooks/generic", TOKEN, alert("one"), 202),
        ("PUT", "/hooks/generic", TOKEN, alert("two"), 202),
        ("POST", "/hooks/dbt_artifacts", TOKEN, format!("\u{feff}{artifact}").into_bytes(), 202),
        ("POST", "/hooks/openlineage", TOKEN, run.clone().into_bytes(), 202),
        ("POST", "/api/v1/lineage", API_TOKEN, run.into_bytes(), 201),
        ("PUT", "/api/v1/catalog/dbt", API_TOKEN, format!("\u{feff}{manifest}").into_bytes(), 200),
        ("PUT", "/api/v1/catalog/yaml", API_TOKEN, "\u{feff}edges: [[a, b]]".to_owned().into_bytes(), 200),
        ("POST", "/v2/enqueue", "", format!("\u{feff}{event}").into_bytes(), 202),
        ("POST", "/v2/change/enqueue", "", format!("\u{feff}{change}").into_bytes(), 202),
        ("POST", "/generic/2010-04-15/create_event.json", "", format!("\u{feff}{v1}").into_bytes(), 200),
        ("POST", "/api/v1/silences", API_TOKEN, format!("\u{feff}{silence}").into_bytes(), 201),
    ] {
        let bot = bot().await;
        let (status, answer) = bot.send(method, path, token, &[], body.clone()).await;
        assert_eq!(status, good, "{path}: {answer}");
        let (status, answer) = bot.send(method, path, token, &[GZIP], gzip(&body)).await;
        assert_eq!(status, good, "{path}, packed: {answer}");
        // Packed in another way, it is refused by name, whatever it is.
        for encoding in ["deflate", "br", "zstd", "gzip, gzip", "compress"] {
            let (status, answer) = bot.send(method, path, token, &[("content-encoding", encoding)], body.clone()).await;
            assert_eq!(status, 415, "{path}, {encoding}: {answer}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("`Content-Encoding: {encoding}`")) && detail.contains("gzip"), "{detail}");
        }
        // Not gzip, or cut: the words say so.
        for broken in [body.clone(), gzip(&body)[..gzip(&body).len() - 9].to_vec()] {
            let (status, answer) = bot.send(method, path, token, &[GZIP], broken).await;
            assert_eq!(status, 400, "{path}: {answer}");
            assert!(answer["detail"].as_str().unwrap().contains("`Content-Encoding` says gzip"), "{path}: {answer}");
        }
        bot.end().await;
    }
}

/// A small body that unpacks into a huge one is refused by the limit of its address, as a huge one is.
#[tokio::test]
async fn what_unpacks_into_too_much_is_refused() {
    let bot = bot().await;
    let bomb = gzip(&[b"{\"title\": \"".to_vec(), vec![b' '; 300 * 1024 * 1024]].concat());
    assert!(bomb.len() < 400 * 1024, "{}", bomb.len());
    let over = gzip(&[b"{\"title\": \"".to_vec(), vec![b'x'; 600 * 1024], b"\"}".to_vec()].concat());
    for (path, token, body, setting) in [
        ("/hooks/generic", TOKEN, &over, "[server] body_limit_kib"),
        ("/hooks/generic", TOKEN, &bomb, "[server] body_limit_kib"),
        ("/v2/enqueue", "", &bomb, "[server] body_limit_kib"),
        ("/hooks/dbt_artifacts", TOKEN, &bomb, "[lineage] upload_limit_mib"),
        ("/api/v1/lineage", API_TOKEN, &bomb, "[lineage] upload_limit_mib"),
    ] {
        let (status, answer) = bot.send("POST", path, token, &[GZIP], body.clone()).await;
        assert_eq!(status, 413, "{path}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(setting), "{path}: {answer}");
    }
    bot.end().await;
}

/// A signature is over the bytes as they were sent: those of the gzip.
#[tokio::test]
async fn a_signature_is_over_the_bytes_as_sent() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let bot = bot().await;
    let sign = |body: &[u8]| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(TOKEN.as_bytes()).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    };
    let body = stale_orders().to_string().into_bytes();
    let packed = gzip(&body);
    let over_the_text = [("x-signature", sign(&body)), ("content-encoding", "gzip".to_owned())];
    let over_the_gzip = [("x-signature", sign(&packed)), ("content-encoding", "gzip".to_owned())];
    for (headers, good) in [(over_the_text, 401), (over_the_gzip, 202)] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, answer) = bot.send("POST", "/hooks/signed", "", &headers, packed.clone()).await;
        assert_eq!(status, good, "{answer}");
    }
    // Slack and PagerDuty pack nothing.
    for path in ["/slack/commands", "/slack/interactions", "/slack/events", "/pagerduty/webhooks"] {
        assert_eq!(bot.send("POST", path, "", &[GZIP], packed.clone()).await.0, 415, "{path}");
    }
    let kept = bot.get("/api/v1/received").await;
    let id = kept["received"][0]["id"].as_str().unwrap();
    assert_eq!(bot.get(&format!("/api/v1/received/{id}")).await["body"], stale_orders());
    bot.end().await;
}

/// What is no UTF-8, or packed without saying so, is called by its name.
#[tokio::test]
async fn another_encoding_is_called_by_its_name() {
    let bot = bot().await;
    let wide: Vec<u8> = "\u{feff}{\"title\": \"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (path, token) in [("/hooks/generic", TOKEN), ("/hooks/dbt_artifacts", TOKEN), ("/api/v1/lineage", API_TOKEN)] {
        let (status, answer) = bot.send("POST", path, token, &[], wide.clone()).await;
        assert_eq!(
            (status, answer["detail"].as_str().unwrap()),
            (400, "the body is not JSON: it is UTF-16; send it as UTF-8")
        );
        let (status, answer) = bot.send("POST", path, token, &[], gzip(b"{}")).await;
        assert_eq!(status, 400);
        assert!(answer["detail"].as_str().unwrap().contains("send the header `Content-Encoding: gzip`"), "{answer}");
    }
    bot.end().await;
}

/// What one event of OpenLineage gets wrong costs itself only, and is said.
#[tokio::test]
async fn one_bad_value_of_an_event_costs_itself_only() {
    let bot = bot().await;
    let mut event: Value = serde_json::from_slice(&bytes("openlineage-gzip/body.json")).unwrap();
    event["eventTime"] = json!("yesterday");
    event["inputs"].as_array_mut().unwrap().push(json!({"namespace": "s3://lake"}));
    // Known only by the columns that it gives, and by the name of its table.
    event["outputs"][0]["facets"] = json!({
        "columnLineage": {"fields": {"id": {"inputFields": [{"namespace": "s3a://lake/", "name": "/more", "field": "id"}]}}},
        "symlinks": {"identifiers": [{"namespace": "hive://metastore:9083", "name": "shop.Out", "type": "TABLE"}]},
    });
    let (status, answer) = bot.hook("openlineage", &[], event.to_string().into()).await;
    assert_eq!(status, 202, "{answer}");
    let refused: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|one| one["at"].as_str().unwrap()).collect();
    assert_eq!(refused, ["/eventTime", "/inputs/1"]);
    let above = bot.get("/api/v1/assets/shop.out/upstream").await;
    let names: Vec<_> = above["assets"].as_array().unwrap().iter().map(|one| one["asset"].as_str().unwrap()).collect();
    assert_eq!(names, ["etl/load", "s3://lake/more", "s3://lake/raw"], "{above}");
    // The newer facet says edges itself: of a dataset, and of a job for many.
    let warehouse = |name: &str, kind: &str| json!({"namespace": "postgresql://db:5432", "name": name, "type": kind});
    let mut entry = warehouse("shop.main.report", "DATASET");
    entry["inputs"] =
        json!([warehouse("shop.main.orders", "DATASET"), {"namespace": "airflow", "name": "daily", "type": "JOB"}]);
    let mut dataset = warehouse("shop.main.board", "DATASET");
    dataset["facets"] = json!({"lineage": {"inputs": [warehouse("shop.main.report", "DATASET")]}});
    let job = json!({"namespace": "n", "name": "j", "facets": {"lineage": {"entries": [entry]}}});
    let told = json!({"eventTime": "2026-11-27T10:00:00Z", "job": job, "dataset": dataset});
    assert_eq!(bot.hook("openlineage", &[], told.to_string().into()).await.0, 202);
    let above = bot.get("/api/v1/assets/shop.main.board/upstream").await;
    let names: Vec<_> = above["assets"].as_array().unwrap().iter().map(|one| one["asset"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop.main.report", "airflow/daily", "shop.main.orders"], "{above}");
    event["eventType"] = json!("FAILED");
    let (status, answer) = bot.hook("openlineage", &[], event.to_string().into()).await;
    assert!(status == 202 && answer["refused"].to_string().contains("`eventType` is"), "{answer}");
    bot.end().await;
}
