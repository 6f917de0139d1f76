//! What monitors may send, and what they are answered.

use muster::store::{CommitError, Store};
use serde_json::{Value, json};

use crate::harness::engine::Between;
use crate::harness::*;

#[tokio::test]
async fn a_genuine_alertmanager_is_one_incident_and_status_is_per_alert() {
    let bot = Bot::start().await;
    let body =
        |name: &str| -> Value { serde_json::from_str(&fixture(&format!("alertmanager/{name}.body.json"))).unwrap() };
    let answer = bot.alert("prom", body("001")).await;
    assert_eq!(
        answer["alerts"].as_array().unwrap().iter().map(|alert| alert["outcome"].as_str().unwrap()).collect::<Vec<_>>(),
        ["opened", "attached"]
    );
    // The group still fires, one of its members is over.
    let answer = bot.alert("prom", body("002")).await;
    assert_eq!(
        answer["alerts"].as_array().unwrap().iter().map(|alert| alert["outcome"].as_str().unwrap()).collect::<Vec<_>>(),
        ["resolved", "repeated"]
    );
    assert_eq!(bot.incident(1).await["alerts_firing"], 1);
    bot.alert("prom", body("004")).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 0);
    bot.inc(1).find("🟢 All alerts are green.");
    assert_eq!(bot.sandbox.pagerduty().pages(), 1);
    bot.end().await;
}

#[tokio::test]
async fn refusals_are_problems_that_say_what_to_do() {
    let bot = Bot::start().await;
    let problem = |answer: (u16, Value)| {
        assert_eq!(answer.1["status"], answer.0, "{answer:?}");
        format!("{} {}", answer.0, answer.1["detail"].as_str().unwrap())
    };
    let ok = stale_orders();
    insta::assert_snapshot!(problem(bot.post("/hooks/dq", None, &ok).await), @"401 There is no source of this name with this token or signature. Send the source's token in the header `Authorization: Bearer …`, or sign the body as the source's kind does");
    insta::assert_snapshot!(problem(bot.post("/hooks/dq", Some("wrong"), &ok).await), @"401 There is no source of this name with this token or signature. Send the source's token in the header `Authorization: Bearer …`, or sign the body as the source's kind does");
    insta::assert_snapshot!(problem(bot.post("/hooks/nobody", Some(TOKEN), &ok).await), @"401 There is no source of this name with this token or signature. Send the source's token in the header `Authorization: Bearer …`, or sign the body as the source's kind does");
    insta::assert_snapshot!(problem(bot.post("/hooks/dq", Some(TOKEN), &json!("text")).await), @"422 the body is not an object or a list of objects");
    insta::assert_snapshot!(problem(bot.post("/hooks/dq", Some(TOKEN), &json!({"pillar": "volume"})).await), @"422 The alert could not be used: `title` is missing");
    insta::assert_snapshot!(problem(bot.post("/hooks/prom", Some(TOKEN), &ok).await), @"422 the body has no list `alerts`, so it is not a webhook of Alertmanager. Is the source's kind right?");
    insta::assert_snapshot!(problem(bot.post("/nowhere", Some(TOKEN), &ok).await), @"404 There is nothing at this address");
    let large = json!({"title": "x".repeat(600 * 1024)});
    insta::assert_snapshot!(problem(bot.post("/hooks/dq", Some(TOKEN), &large).await), @"413 The body is larger than this address takes. Split it, or raise `[server] body_limit_kib`");
    for garbage in ["{", "\u{0}", "[[[[", "nul"] {
        let answer =
            bot.http.post(format!("{}/hooks/dq", bot.base)).bearer_auth(TOKEN).body(garbage).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(
        bot.http.post(format!("{}/hooks/dq", bot.base)).bearer_auth(TOKEN).body(deep).send().await.unwrap().status(),
        400
    );
    let answer = bot.alert("dq", json!([stale_orders(), {"status": "red"}])).await;
    assert_eq!(
        answer["refused"][0],
        json!({"at": "/1", "why": "`status` is \"red\". It must be \"firing\" or \"resolved\""})
    );
    bot.end().await;
}

#[tokio::test]
async fn any_body_with_a_mapping_and_any_pagerduty_client() {
    let bot = Bot::start().await;
    let checks = |outcome: &str| json!({"scan": 7, "checks": [{"id": "c1", "name": "row count of payments", "outcome": outcome, "table": "warehouse.payments"}]});
    bot.alert("mapped", checks("fail")).await;
    assert_eq!(bot.incident(1).await["pillar"], "volume");
    let answer = bot.alert("mapped", checks("pass")).await;
    assert_eq!(answer["alerts"][0]["outcome"], "resolved");

    let mut genuine: Value = serde_json::from_str(&fixture("pagerduty-python/001.body.json")).unwrap();
    genuine["routing_key"] = json!(PD_TOKEN);
    let (status, answer) = bot.post("/v2/enqueue", None, &genuine).await;
    assert_eq!((status, &answer["status"], &answer["message"]), (202, &json!("success"), &json!("Event processed")));
    assert_eq!(answer["dedup_key"], genuine["dedup_key"]);
    bot.settle().await;
    assert_eq!(bot.incident(2).await["title"], genuine["payload"]["summary"]);
    let (status, answer) = bot
        .post(
            "/v2/enqueue",
            None,
            &json!({"routing_key": PD_TOKEN, "event_action": "trigger", "payload": {"source": "x"}}),
        )
        .await;
    assert_eq!((status, answer["errors"].as_array().unwrap().len()), (400, 2));
    let (status, _) =
        bot.post("/v2/enqueue", None, &json!({"routing_key": "x", "event_action": "resolve", "dedup_key": "k"})).await;
    assert_eq!(status, 400);
    bot.end().await;
}

#[tokio::test]
async fn hostile_words_in_every_field_stay_words() {
    let bot = Bot::start().await;
    let hostile = "<!channel> <@U0ANA00001> <!subteam^S0ORDERS01> [Ack](https://evil.example) `x` *b* {{person}} </script> \u{202E}txt.exe";
    bot.alert("dq", json!({
        "title": hostile, "key": hostile, "asset": hostile, "owner": hostile, "url": "javascript:alert(1)", "description": hostile,
        "labels": {hostile: hostile}, "severity": "critical",
    })).await;
    let inc = bot.inc(1);
    inc.slash(ANA, &format!("update {hostile}")).await;
    inc.slash(ANA, &format!("note {hostile}")).await;
    inc.slash(ANA, &format!("task {hostile}")).await;
    inc.slash(ANA, &format!("fix {hostile}")).await;
    inc.slash(ANA, &format!("resolve {hostile}")).await;
    for channel in [inc.name.as_str(), "data-incidents"] {
        for message in bot.sandbox.slack().messages(channel).into_iter().filter(|message| message.user == "muster") {
            let unwanted: Vec<_> = message.mentions.iter().filter(|one| *one != ANA).collect();
            assert!(unwanted.is_empty(), "{unwanted:?} in {}", message.text);
            assert!(!message.blocks.to_string().contains("evil.example\""), "a forged link: {}", message.blocks);
            assert!(!message.text.contains('\u{202E}'));
        }
    }
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("\\<!channel\\>") && !draft.contains("[Ack]("), "{draft}");
    bot.end().await;
}

#[tokio::test]
async fn the_api_pages_filters_and_is_closed_without_a_token() {
    let bot = Bot::start().await;
    for index in 0..7 {
        bot.slash(ANA, "data-incidents", &format!("declare! incident number {index}")).await;
    }
    bot.alert("dq", stale_orders()).await;
    bot.slash(ANA, "data-incidents", "INC-2 resolve done").await;
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = bot.get(&format!("/api/v1/incidents?limit=3{cursor}")).await;
        seen.extend(
            page["incidents"].as_array().unwrap().iter().map(|incident| incident["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["INC-8", "INC-7", "INC-6", "INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]);
    let ids = async |query: &str| -> Vec<String> {
        bot.get(&format!("/api/v1/incidents?{query}")).await["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("status=resolved").await, ["INC-2"]);
    assert_eq!(ids("status=open&severity=SEV2").await, ["INC-8"]);
    assert_eq!(ids("asset=warehouse.orders").await, ["INC-8"]);
    assert!(ids("asset=warehouse.order").await.is_empty());
    for (path, status) in [
        ("/api/v1/incidents?status=red", 400),
        ("/api/v1/incidents?status=pending:", 400),
        ("/api/v1/incidents?limit=0", 400),
        ("/api/v1/incidents?cursor=x", 400),
        ("/api/v1/incidents/INC-99", 404),
    ] {
        assert_eq!(
            bot.http.get(format!("{}{path}", bot.base)).bearer_auth(API_TOKEN).send().await.unwrap().status(),
            status,
            "{path}"
        );
    }
    assert_eq!(bot.http.get(format!("{}/api/v1/incidents", bot.base)).send().await.unwrap().status(), 401);
    let timeline = bot.get("/api/v1/incidents/INC-8/timeline?limit=2").await;
    assert_eq!(
        (timeline["entries"][0]["event"]["type"].as_str(), timeline["next_cursor"].as_str()),
        (Some("opened"), Some("2"))
    );
    let document: Value =
        bot.http.get(format!("{}/api/openapi.json", bot.base)).send().await.unwrap().json().await.unwrap();
    assert!(document["paths"]["/api/v1/incidents/{id}/postmortem"]["get"].is_object());
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(bot.http.get(format!("{}{path}", bot.base)).send().await.unwrap().status(), 200, "{path}");
    }
    let metrics = bot.http.get(format!("{}/metrics", bot.base)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("muster_incidents_opened_total 8"), "{metrics}");
    bot.end().await;
}

/// What was posted can be looked at later, without its secrets, until it was kept long enough.
#[tokio::test]
async fn bodies_are_kept_for_a_while_without_secrets() {
    let bot = Bot::start().await;
    let mut body = stale_orders();
    body["labels"] = json!({"api_token": "s3cret-value"});
    bot.alert("dq", body).await;
    let list = bot.get("/api/v1/received").await;
    let id = list["received"][0]["id"].as_str().unwrap();
    let kept = bot.get(&format!("/api/v1/received/{id}")).await;
    assert_eq!(
        (kept["source"].as_str(), kept["body"]["title"].as_str()),
        (Some("dq"), Some("orders are stale for 9 h"))
    );
    assert!(!kept.to_string().contains("s3cret-value"), "{kept}");
    // PagerDuty's events are kept, too, whichever of its APIs they come through.
    for (path, event, _) in pagerdutys_doors(PD_TOKEN) {
        assert!(bot.post(path, None, &event).await.0 < 300, "{path}");
    }
    let list = bot.get("/api/v1/received?limit=2").await;
    let next = list["next_after"].as_str().unwrap();
    let rest = bot.get(&format!("/api/v1/received?after={next}")).await;
    let lines = [&list, &rest].map(|page| page["received"].as_array().unwrap().clone()).concat();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(rest["next_after"], Value::Null);
    for (line, of) in lines[1..].iter().zip(["payload", "description"]) {
        let kept = bot.get(&format!("/api/v1/received/{}", line["id"].as_str().unwrap())).await;
        assert!(!kept["body"][of].is_null() && !kept.to_string().contains(PD_TOKEN), "{kept}");
    }
    bot.clock.advance(chrono::Duration::days(4));
    assert_eq!(bot.muster.app.forget_old_bodies().await.unwrap(), 2);
    assert_eq!(bot.get("/api/v1/received").await["received"], json!([]));
    bot.end().await;
}

/// A source that is too fast is asked to wait, in the way that its clients understand; others are not.
#[tokio::test]
async fn a_source_keeps_its_pace() {
    let extra = "[[sources]]\nname = \"fast\"\nkind = \"generic\"\ntoken_env = \"SOURCE_TOKEN\"\nrate_per_minute = 6\n\
                 [[sources]]\nname = \"fast-pd\"\nkind = \"pagerduty_v2\"\ntoken_env = \"FAST_TOKEN\"\nrate_per_minute = 6\n";
    let setup = Setup {
        extra: extra.to_owned(),
        variables: vec![("FAST_TOKEN", "0000111122223333".to_owned())],
        ..Setup::default()
    };
    let bot = Bot::set_up(setup).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(bot.post("/hooks/fast", Some(TOKEN), &stale_orders()).await.0);
    }
    assert_eq!(answers, [202, 202, 503, 503]);
    assert_eq!(bot.post("/hooks/dq", Some(TOKEN), &stale_orders()).await.0, 202);
    bot.clock.advance(chrono::Duration::seconds(10));
    assert_eq!(bot.post("/hooks/fast", Some(TOKEN), &stale_orders()).await.0, 202);
    let event = json!({"routing_key": "0000111122223333", "event_action": "trigger", "payload": {"summary": "x", "source": "y", "severity": "info"}});
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(bot.post("/v2/enqueue", None, &event).await.0);
    }
    assert_eq!(answers, [202, 202, 429]);
    for (path, event, status) in pagerdutys_doors("0000111122223333") {
        let (answered, told) = bot.post(path, None, &event).await;
        assert_eq!((answered, &told["status"]), (status, &json!("throttle exceeded")), "{path}: {told}");
    }
    bot.end().await;
}

/// PagerDuty's three doors: an event for each, and the status at which its clients wait and try again. Alertmanager, for one, does so at 429
/// and 5xx in v2, and at 403 and 5xx in v1.
fn pagerdutys_doors(key: &str) -> [(&'static str, Value, u16); 3] {
    let payload = json!({"summary": "orders are stale", "source": "w.pd", "severity": "error"});
    [
        ("/v2/enqueue", json!({"routing_key": key, "event_action": "trigger", "payload": payload}), 429),
        ("/v2/change/enqueue", json!({"routing_key": key, "payload": payload}), 429),
        (
            "/generic/2010-04-15/create_event.json",
            json!({"service_key": key, "event_type": "trigger", "description": "orders are stale"}),
            403,
        ),
    ]
}

/// While the store cannot write, PagerDuty's clients are asked to try again, and what they send again is taken in.
#[tokio::test]
async fn pagerdutys_clients_try_again_while_the_store_cannot_write() {
    let between = Between::of(Engine::of_stories().store().await.unwrap());
    let bot = Bot::set_up(Setup { store: Some(Store::new(between.clone())), ..Setup::default() }).await;
    between.refuse(|_| Some(CommitError::Unavailable("the disk is full".to_owned())));
    let send = async |path: &str, event: &Value| bot.http.post(format!("{}{path}", bot.base)).json(event).send().await;
    for (path, event, status) in pagerdutys_doors(PD_TOKEN) {
        let answer = send(path, &event).await.unwrap();
        // The first API has no word for this but 5xx, and every client tries again at that.
        assert_eq!(answer.status(), if status == 403 { 503 } else { status }, "{path}");
        assert_eq!(answer.headers()["retry-after"], "5", "{path}");
        let told: Value = answer.json().await.unwrap();
        let why = if status == 403 { &told["detail"] } else { &told["message"] };
        assert_eq!(why, "Nothing was saved; please send it again in a few seconds", "{path}: {told}");
        assert_eq!(told["status"] == "throttle exceeded", status != 403, "{path}: {told}");
    }
    between.refuse(|_| None);
    for (path, event, _) in pagerdutys_doors(PD_TOKEN) {
        assert!(send(path, &event).await.unwrap().status().is_success(), "{path}");
    }
    bot.end().await;
}

/// A delivery that names itself counts once, even when something else happened in between.
#[tokio::test]
async fn a_delivery_counts_once() {
    let bot = Bot::set_up(Setup { extra: "[[sources]]\nname = \"cloud\"\nkind = \"dbt_cloud\"\ntoken_env = \"SOURCE_TOKEN\"\non_green = \"resolve\"\n".to_owned(), ..Setup::default() }).await;
    let failed: Value = serde_json::from_str(&fixture("signatures/dbt_cloud.raw")).unwrap();
    let passed: Value = serde_json::from_str(&fixture("documented/dbt_cloud_completed.json")).unwrap();
    let outcome = |answer: Value| answer["alerts"][0]["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(bot.alert("cloud", failed.clone()).await), "opened");
    assert_eq!(outcome(bot.alert("cloud", passed).await), "resolved");
    assert_eq!(bot.incident(1).await["status"], "resolved");
    // dbt Cloud sends the first again, late: it is no new failure.
    let answer = bot.alert("cloud", failed.clone()).await;
    assert_eq!(
        (answer["alerts"][0]["incident"].as_str(), outcome(answer.clone()).as_str()),
        (Some("INC-1"), "repeated")
    );
    // The other event of that run is old news too.
    let mut other = failed;
    other["eventId"] = "wev_other".into();
    other["eventType"] = "job.run.completed".into();
    assert_eq!(outcome(bot.alert("cloud", other.clone()).await), "ignored");
    // A later run fails. Its two events are one alert.
    other["eventId"] = "wev_later".into();
    for time in ["runErroredAt", "runFinishedAt"] {
        other["data"][time] = "2026-11-30T00:00:00Z".into();
    }
    assert_eq!(outcome(bot.alert("cloud", other.clone()).await), "opened");
    other["eventId"] = "wev_third".into();
    assert_eq!(outcome(bot.alert("cloud", other).await), "repeated");
    bot.end().await;
}

/// PagerDuty's other doors: changes tell the lineage what happened, and the first events API still works.
#[tokio::test]
async fn pagerdutys_older_and_other_doors() {
    let bot = Bot::start().await;
    bot.shop().await;
    let mut change: Value = serde_json::from_str(&fixture("pagerduty-python/005.body.json")).unwrap();
    change["routing_key"] = PD_TOKEN.into();
    change["payload"]["custom_details"]["asset"] = "model.shop.orders".into();
    let (status, answer) = bot.post("/v2/change/enqueue", None, &change).await;
    assert_eq!((status, answer["message"].as_str()), (202, Some("Change event processed")));
    let page = bot.get("/api/v1/assets/model.shop.customer_revenue").await;
    assert!(page["changed_upstream"].to_string().contains("deploy dbt project 1.4.2"), "{page}");
    change["routing_key"] = "wrong".into();
    assert_eq!(bot.post("/v2/change/enqueue", None, &change).await.0, 400);
    let event = |kind: &str| json!({"service_key": PD_TOKEN, "event_type": kind, "incident_key": "k", "description": "old tool: row count is low", "details": {"table": "w.old"}});
    let (status, answer) = bot.post("/generic/2010-04-15/create_event.json", None, &event("trigger")).await;
    assert_eq!((status, answer["incident_key"].as_str()), (200, Some("k")), "{answer}");
    bot.settle().await;
    assert_eq!(bot.incident(1).await["pillar"], "volume");
    bot.post("/generic/2010-04-15/create_event.json", None, &event("resolve")).await;
    assert_eq!(bot.incident(1).await["alerts_firing"], 0);
    assert_eq!(bot.post("/generic/2010-04-15/create_event.json", None, &event("explode")).await.0, 400);
    bot.end().await;
}

/// `CloudWatch` through SNS: the certificate is fetched, the subscription confirmed, a forged message refused. A server on this
/// machine stands for Amazon's.
#[tokio::test]
async fn cloudwatch_comes_through_sns() {
    use axum::routing::get;
    let pem = fixture("signatures/sns.pem");
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = asked.clone();
    let app = axum::Router::new().route("/SimpleNotificationService-x.pem", get(move || async move { pem })).route(
        "/",
        get(
            move |query: axum::extract::RawQuery| async move { seen.lock().unwrap().push(query.0.unwrap_or_default()) },
        ),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let aws = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let extra = format!(
        "[[sources]]\nname = \"aws\"\nkind = \"sns\"\ntopics = [\"arn:aws:sns:us-east-1:123456789012:bot\"]\naws_url = \"{aws}\"\n"
    );
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    let body = |name: &str| -> Value { serde_json::from_str(&fixture(&format!("signatures/{name}.raw"))).unwrap() };
    let (status, answer) = bot.post("/hooks/aws", None, &body("sns_SubscriptionConfirmation_v1")).await;
    assert_eq!((status, answer), (202, json!({"alerts": [], "confirming": true})));
    bot.settle().await;
    assert_eq!(*asked.lock().unwrap(), ["Action=ConfirmSubscription&TopicArn=x&Token=2336412f"]);
    let (status, answer) = bot.post("/hooks/aws", None, &body("sns_Notification_v1")).await;
    assert_eq!((status, answer["alerts"][0]["outcome"].as_str()), (202, Some("opened")), "{answer}");
    let (_, again) = bot.post("/hooks/aws", None, &body("sns_Notification_v1")).await;
    assert_eq!(again["alerts"][0]["outcome"], "repeated");
    let mut forged = body("sns_Notification_v1");
    forged["Subject"] = "another".into();
    assert_eq!(bot.post("/hooks/aws", None, &forged).await.0, 401);
    forged["TopicArn"] = "arn:aws:sns:us-east-1:123456789012:other".into();
    assert_eq!(bot.post("/hooks/aws", None, &forged).await.0, 401);
    bot.settle().await;
    assert_eq!(bot.incident(1).await["assets"][0], "analytics.orders");
    bot.end().await;
}

/// An artifact is read while it arrives: its megabytes of SQL are passed over, a bad result spoils no other, and too much is refused.
#[tokio::test]
async fn an_artifact_of_many_megabytes_is_read_as_it_arrives() {
    let extra = "[lineage]\nupload_limit_mib = 24\n[[sources]]\nname = \"dbt\"\nkind = \"dbt_artifacts\"\ntoken_env = \"SOURCE_TOKEN\"";
    let bot = Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await;
    let mut results: Value = serde_json::from_str(&fixture("dbt/fail/run_results.json")).unwrap();
    let long = "select 1 -- ".repeat(60_000);
    for result in results["results"].as_array_mut().unwrap() {
        result["compiled_code"] = json!(long);
    }
    results["results"].as_array_mut().unwrap().push(json!({"unique_id": "model.shop.odd", "status": 7}));
    assert!(results.to_string().len() > 5 * 1024 * 1024);
    let answer = bot.alert("dbt", results.clone()).await;
    insta::assert_snapshot!(answer["refused"][0]["why"].as_str().unwrap(), @"invalid type: integer `7`, expected a string at line 1 column 11");
    assert_eq!(bot.get("/api/v1/incidents?status=open").await["incidents"].as_array().unwrap().len(), 1);
    let (status, problem) = bot.post("/hooks/dbt", Some(TOKEN), &json!({"results": [long.repeat(40)]})).await;
    assert!(status == 413 && problem["detail"].as_str().unwrap().contains("`[lineage] upload_limit_mib`"), "{problem}");
    let (status, problem) = bot.post("/hooks/dbt", Some(TOKEN), &json!({"metadata": {}, "results": []})).await;
    assert_eq!(status, 422, "{problem}");
    let (status, _) = bot.post("/hooks/dbt", Some("wrong"), &results).await;
    assert_eq!(status, 401);
    bot.end().await;
}
