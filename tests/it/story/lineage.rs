//! The lineage: one graph out of genuine files, the root and the blast radius of an incident, telling people, trust and gates.

use chrono::Duration;
use serde_json::{Value, json};

use super::{press, whispered};
use crate::harness::*;

fn stale_raw_orders() -> Value {
    json!({"title": "raw_orders has not been loaded", "key": "raw", "asset": "source.shop.shop.raw_orders", "pillar": "freshness", "severity": "error", "at": "2026-11-23T03:00:00Z"})
}

fn nulls_in_orders() -> Value {
    json!({"title": "order_id has nulls", "key": "nulls", "asset": "\"shop\".\"main\".\"orders\"", "pillar": "volume", "severity": "error", "at": "2026-11-23T05:00:00Z"})
}

/// One asset: how an incident's story begins in most of these.
async fn broken_shop(extra: &str) -> Bot {
    let bot = Bot::set_up(Setup { extra: extra.to_owned(), ..Setup::default() }).await;
    for name in ["data-orders", "data-ingest"] {
        bot.sandbox.slack().add_channel(name, &[CHLOE]);
    }
    bot.shop().await;
    bot.alert("dq", nulls_in_orders()).await;
    bot
}

#[tokio::test]
async fn genuine_files_of_several_tools_give_one_graph_without_doubles() {
    let bot = Bot::start().await;
    let first = bot.shop().await;
    assert_eq!(first, json!({"named": 8, "written": 8, "joined": 0, "left_out": 0, "assets": 8, "edges": 8}));
    let again = bot.shop().await;
    assert_eq!((again["written"].as_u64(), again["assets"].as_u64()), (Some(0), Some(8)), "twice changes nothing");
    for number in 1..=3 {
        let event: Value = serde_json::from_str(&fixture(&format!("openlineage/00{number}.body.json"))).unwrap();
        assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
        assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
    }
    let mart = bot.get("/api/v1/assets/analytics.mart.orders").await;
    assert_eq!(mart["kind"], "table");
    assert_eq!(mart["owners"], json!([{"name": "orders"}]));
    assert_eq!(mart["upstream"][0]["asset"], "airflow-prod/orders_daily.build_orders");
    let way = bot.get("/api/v1/path?from=RAW.SHOP.ORDERS&to=analytics.mart.orders").await;
    insta::assert_json_snapshot!(way["path"], @r#"
    [
      "raw.shop.orders",
      "airflow-prod/orders_daily.build_orders",
      "analytics.mart.orders"
    ]
    "#);
    // What failed and ran is known of the job and of what it makes.
    let changes: Vec<_> = mart["changes"].as_array().unwrap().iter().map(|change| change["what"].clone()).collect();
    assert_eq!(changes, ["ran", "a run failed"]);
    // dbt's own events name tables by their relation: they are the manifest's models.
    let event = json!({"eventTime": "2026-11-23T05:00:00Z", "eventType": "COMPLETE", "run": {"runId": "r"}, "job": {"namespace": "dbt", "name": "shop.orders"},
        "inputs": [{"namespace": "duckdb://shop.db", "name": "shop.main.stg_orders"}], "outputs": [{"namespace": "duckdb://shop.db", "name": "shop.main.orders"}]});
    assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
    let orders = bot.get("/api/v1/assets/shop.main.orders").await;
    assert_eq!((orders["name"].as_str(), orders["tier"].as_u64()), (Some("model.shop.orders"), Some(1)));
    assert_eq!(orders["sources"], json!(["dbt:shop", "openlineage"]));
    let doctor = bot.get("/api/v1/catalog/doctor").await;
    assert_eq!(doctor["doubles"], json!([]), "{doctor}");
    // The seed that is also declared as a source is one asset.
    assert_eq!(bot.get("/api/v1/assets/seed.shop.raw_orders").await["name"], "source.shop.shop.raw_orders");
    // What is not understood is refused in words.
    let (status, problem) =
        bot.post("/api/v1/lineage", Some(API_TOKEN), &json!({"eventTime": "2026-11-23T05:00:00Z"})).await;
    assert_eq!(
        (status, problem["detail"].as_str().unwrap()),
        (422, "An OpenLineage event has a `job` or a `dataset`. This one has neither")
    );
    let (status, problem) = bot.put("/api/v1/catalog/dbt", "{\"metadata\": {}}".to_owned()).await;
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("target/manifest.json"), "{problem}");
    assert_eq!(bot.post("/api/v1/lineage", Some("no token of ours"), &event).await.0, 401);
    bot.end().await;
}

/// Whatever comes first, the result is one graph: names that only an event knew become dbt's.
#[tokio::test]
async fn the_order_in_which_tools_report_does_not_matter() {
    let bot = Bot::start().await;
    let event = json!({"eventTime": "2026-11-23T05:00:00Z", "eventType": "COMPLETE", "run": {"runId": "r"}, "job": {"namespace": "dbt", "name": "shop.orders"},
        "inputs": [{"namespace": "duckdb://shop.db", "name": "shop.main.stg_orders"}], "outputs": [{"namespace": "duckdb://shop.db", "name": "shop.main.orders"}]});
    assert_eq!(bot.post("/api/v1/lineage", Some(API_TOKEN), &event).await.0, 201);
    assert_eq!(bot.get("/api/v1/assets/orders").await["name"], "shop.main.orders", "the table, not its job");
    let answer = bot.shop().await;
    assert_eq!((answer["joined"].as_u64(), answer["assets"].as_u64()), (Some(2), Some(9)), "{answer}");
    assert_eq!(bot.get("/api/v1/assets/shop.main.orders").await["name"], "model.shop.orders");
    let up = bot.get("/api/v1/assets/model.shop.orders/upstream?depth=1").await;
    assert_eq!(up["total"], 3, "two models and the job: {up}");
    // And it is the same after a restart.
    let setup = bot.crash();
    let bot = Bot::set_up(setup).await;
    assert_eq!(bot.get("/api/v1/assets/model.shop.orders/upstream?depth=1").await, up);
    assert_eq!(bot.shop().await["written"], 0);
    bot.end().await;
}

/// A start reads the image of the graph and what changed since; an image that is damaged, or is of another past, only costs time.
#[tokio::test]
async fn a_start_knows_the_lineage_whatever_became_of_its_image() {
    let folder = crate::harness::folder();
    let image = folder.path().join("lineage.image");
    let store = muster::store::sled::open(folder.path()).unwrap();
    let bot = Bot::set_up(Setup { store: Some(store), ..Setup::default() }).await;
    let edges = |n: usize| (1..n).map(|n| format!("  - [t{}, t{n}]\n", n - 1)).collect::<String>();
    assert_eq!(bot.put("/api/v1/catalog/yaml", format!("edges:\n{}", edges(150))).await.0, 200);
    let first = std::fs::read(&image).expect("many changes at once make an image");
    assert_eq!(bot.put("/api/v1/catalog/yaml", "edges: [[t149, dash], [x, t0]]".to_owned()).await.0, 200);
    assert_eq!(std::fs::read(&image).unwrap(), first, "a few are only written to the log");
    let ask = async |bot: &Bot| {
        (bot.get("/api/v1/assets/t0/downstream?depth=999").await, bot.get("/api/v1/assets/t7/upstream?depth=9").await)
    };
    let answers = ask(&bot).await;
    assert_eq!((answers.0["total"].as_u64(), answers.1["total"].as_u64()), (Some(150), Some(8)));
    let bot = Bot::set_up(bot.crash()).await;
    assert_eq!(ask(&bot).await, answers, "from the image and the log");
    let mut damaged = first.clone();
    damaged[first.len() / 2] ^= 1;
    let mut bot = bot;
    for bytes in [&damaged[..], &first[..first.len() / 2], b""] {
        std::fs::write(&image, bytes).unwrap();
        bot = Bot::set_up(bot.crash()).await;
        assert_eq!(ask(&bot).await, answers, "from the records");
    }
    // An image of a past that this store never had: its log does not know the mark.
    let mut foreign = first.clone();
    let mark = first.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    foreign[mark] ^= 1;
    let end = foreign.len() - 4;
    let sum = crc32fast::hash(&foreign[..end]);
    foreign[end..].copy_from_slice(&sum.to_le_bytes());
    std::fs::write(&image, &foreign).unwrap();
    bot = Bot::set_up(bot.crash()).await;
    assert_eq!(ask(&bot).await, answers, "from the records");
    // The next import makes a new one.
    assert_eq!(bot.put("/api/v1/catalog/yaml", "edges: [[dash, board]]".to_owned()).await.0, 200);
    assert_ne!(std::fs::read(&image).unwrap(), foreign);
    bot.end().await;
}

#[tokio::test]
async fn the_card_names_the_root_and_the_size_and_follows_both_alerts_and_graph() {
    let bot = broken_shop("").await;
    let inc = bot.inc(1);
    let card = inc.card();
    assert!(
        card.text().contains("Likeliest root: model.shop.orders (it shows the issue itself (volume)"),
        "{}",
        card.text()
    );
    assert!(card.text().contains("Blast radius: 1 table, 1 dashboard, 1 ML output, 4 teams"), "{}", card.text());
    // The one broken asset is its own root; nobody needs a message to see that.
    assert!(inc.view().name.contains("order-id") && !bot.sandbox.transcript().contains("🧭"));
    // The source above it goes stale: it joins, and the root moves up.
    bot.alert("dq", stale_raw_orders()).await;
    bot.alert("dq", json!({"title": "customer_revenue is empty", "key": "rev", "asset": "model.shop.customer_revenue", "pillar": "volume"})).await;
    bot.slash(ANA, &inc.name, "note waiting for the source").await;
    // dbt's next manifest comes with one more dashboard: the card follows the graph.
    let mut manifest: Value = serde_json::from_str(&fixture("dbt/manifest.json")).unwrap();
    let mut exposure = manifest["exposures"]["exposure.shop.finance_dashboard"].clone();
    exposure["name"] = json!("board_pack");
    exposure["owner"] = json!({"name": "Board", "email": "board@example.com"});
    manifest["exposures"]["exposure.shop.board_pack"] = exposure;
    assert_eq!(bot.put("/api/v1/catalog/dbt", manifest.to_string()).await.0, 200);
    inc.find("🧭");
    let card = inc.card();
    assert!(card.text().contains("Likeliest root: source.shop.shop.raw_orders"), "{}", card.text());
    assert!(card.text().contains("2 dashboards"), "{}", card.text());
    insta::assert_snapshot!(inc.slash(BEN, "impact").await);
    inc.enter(CHLOE);
    assert!(inc.card().button("Impact").click(CHLOE).await.contains("source.shop.shop.raw_orders"));
    let impact = bot.get("/api/v1/incidents/INC-1/impact").await;
    assert_eq!(impact["candidates"][0]["asset"], "source.shop.shop.raw_orders");
    assert_eq!(bot.incident(1).await["root_cause_candidates"][0]["asset"], "source.shop.shop.raw_orders");
    // A look at the lineage begins with what is known.
    assert_eq!(inc.slash(BEN, "look lineage").await, "");
    bot.submit(BEN, json!({"text": "raw_orders is stale; the loader failed"})).await;
    inc.find("Ben looked at the lineage");
    assert_eq!(
        inc.slash(BEN, "look code no deployment since Friday").await,
        "INC-1: Ben looked at the code: no deployment since Friday."
    );
    bot.end().await;
}

#[tokio::test]
async fn the_picture_is_in_the_channel_once_and_as_it_is_now() {
    let bot = broken_shop("").await;
    let pictures = || {
        let messages = bot.sandbox.slack().messages(&bot.inc(1).name);
        messages
            .into_iter()
            .filter(|message| message.file.as_ref().is_some_and(|file| file.name == "inc-1-lineage.png"))
            .collect::<Vec<_>>()
    };
    let first = pictures();
    assert_eq!(first.len(), 1);
    insta::assert_snapshot!(first[0].text, @"The lineage of INC-1: likeliest root: model.shop.orders; affected: exposure.shop.churn_model, exposure.shop.finance_dashboard, model.shop.customer_revenue");
    bot.alert("dq", json!({"title": "still nulls", "key": "nulls2", "asset": "model.shop.orders"})).await;
    assert_eq!(pictures()[0].ts, first[0].ts, "nothing new to see");
    bot.alert("dq", stale_raw_orders()).await;
    bot.alert("dq", json!({"title": "more nulls", "key": "nulls3", "asset": "model.shop.orders"})).await;
    let second = pictures();
    assert_eq!(second.len(), 1, "the old one is taken away");
    assert_ne!(second[0].ts, first[0].ts);
    let (status, kind, svg) = bot.look("/api/v1/incidents/INC-1/lineage.svg").await;
    assert_eq!((status, kind.as_str()), (200, "image/svg+xml"));
    assert!(String::from_utf8(svg).unwrap().contains("BROKEN · ROOT?"));
    let (_, kind, png) = bot.look("/api/v1/incidents/INC-1/lineage.png").await;
    assert_eq!((kind.as_str(), &png[1..4]), ("image/png", b"PNG".as_slice()));
    if let Ok(folder) = std::env::var("MUSTER_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join("lineage.png"), &png).unwrap();
    }
    bot.end().await;
}

#[tokio::test]
async fn people_outside_are_told_once_hear_updates_and_the_end() {
    let bot = broken_shop("[[teams]]\nname = \"Finance analytics\"\nslack = \"#finance\"\n[[teams]]\nname = \"ML\"\nslack = \"U0CHLOE001\"\n").await;
    bot.sandbox.slack().add_channel("finance", &[ANA]);
    let inc = bot.inc(1);
    inc.skip_rest();
    // A form shows whom it reaches and what they read.
    assert_eq!(inc.slash(ANA, "notify downstream").await, "");
    let view = bot.sandbox.slack().open_views(ANA).pop().unwrap().view;
    let options = view["blocks"].as_array().unwrap().iter().find_map(|block| block["element"]["options"].as_array());
    let names: Vec<_> =
        options.unwrap().iter().map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect();
    insta::assert_debug_snapshot!(names, @r##"
    [
        "Finance analytics (1 asset) #finance",
        "ML (1 asset) U0CHLOE001",
        "Orders team (1 asset) #data-orders",
    ]
    "##);
    // ML is left out for now.
    bot.submit(
        ANA,
        json!({"teams": ["finance analytics", "orders team"], "text": "Use yesterday's figures until 09:00."}),
    )
    .await;
    inc.expect("Telling downstream: Finance analytics, Orders team");
    let finance = bot.channel("finance");
    let notice = finance.expect("What you use may be wrong (noticed");
    insta::assert_snapshot!(notice.text());
    bot.channel("data-orders").expect("model.shop.customer_revenue");
    // Nobody is told twice, and the one who was left out still can be.
    inc.slash(BEN, "impact").await;
    press(&bot, BEN, &whispered(&bot, &inc.name, BEN), "Tell consumers").await;
    bot.submit(BEN, json!({})).await;
    inc.expect("Telling downstream: ML");
    let dm = bot.channel("dm-chloe");
    dm.expect("exposure.shop.churn_model");
    insta::assert_snapshot!(inc.slash(BEN, "notify downstream").await, @"Everybody downstream who can be reached was told already, or is being told; updates, and how it ends, reach them by themselves.");
    // Somebody who reads it there wants to hear too.
    bot.channel("finance").find("What you use").button("Tell me too").click(ANA).await;
    bot.channel("dm-ana").expect("You or your team asked to hear of this");
    assert_eq!(inc.slash(ANA, "subscribe").await, "You hear of INC-1 already.");
    // Updates go into the thread of the first message; who is muted hears none.
    assert_eq!(inc.slash(ANA, "mute ml").await, "INC-1: ML hears no more of it.");
    insta::assert_snapshot!(inc.slash(ANA, "mute nobody").await, @"“nobody” does not hear of INC-1, so there is nothing to mute. These do: Finance analytics, ML, Orders team, Ana.");
    inc.slash(ANA, "update the backfill runs next 30m").await;
    inc.expect("the backfill runs");
    let update = finance.expect("the backfill runs");
    assert_eq!(update.view.thread.as_deref(), Some(notice.view.ts.as_str()));
    bot.channel("data-orders").expect("the backfill runs");
    bot.channel("dm-ana").expect("the backfill runs");
    // Owners upstream are told apart, and in their own words.
    assert_eq!(inc.slash(ANA, "notify upstream").await, "");
    bot.submit(ANA, json!({})).await;
    inc.expect("Telling upstream: Ingest team");
    bot.channel("data-ingest").expect("Something of yours may be where it started");
    // The end reaches everyone who heard of the beginning, but for the muted.
    inc.slash(ANA, "resolve reloaded").await;
    inc.expect("reloaded");
    for channel in ["finance", "data-orders", "data-ingest", "dm-ana"] {
        bot.channel(channel).expect("INC-1 is resolved");
    }
    inc.slash(ANA, "reopen it is back").await;
    inc.expect("it is back");
    inc.skip_rest();
    for channel in ["finance", "data-orders", "data-ingest", "dm-ana"] {
        bot.channel(channel).expect("INC-1 is not over");
    }
    bot.finish_quietly().await;
}

#[tokio::test]
async fn owners_of_the_configured_tiers_are_told_without_being_asked() {
    let bot = Bot::set_up(Setup { extra: "[lineage]\nnotify_tiers = [1]\n".to_owned(), ..Setup::default() }).await;
    bot.sandbox.slack().add_channel("data-orders", &[CHLOE]);
    bot.shop().await;
    bot.alert("dq", stale_raw_orders()).await;
    // Tier 1 is `model.shop.orders`; its owners are told, those of tier 4 are not.
    bot.inc(1).find("Telling downstream: Orders team");
    bot.channel("data-orders").expect("model.shop.orders");
    // Another alert of the same incident tells nobody again.
    bot.alert("dq", json!({"title": "raw_orders is empty", "key": "raw2", "asset": "source.shop.shop.raw_orders"}))
        .await;
    assert_eq!(bot.incident(1).await["told"], 1);
    bot.end().await;
}

#[tokio::test]
async fn the_asset_page_the_badge_and_the_gate_say_whether_data_can_be_trusted() {
    let bot = Bot::start().await;
    bot.shop().await;
    let gate = |name: &'static str| {
        let bot = &bot;
        async move {
            let (status, _, body) = bot.look(&format!("/api/v1/assets/{name}/gate")).await;
            (status, serde_json::from_slice::<Value>(&body).unwrap())
        }
    };
    assert_eq!(gate("model.shop.orders").await.0, 200);
    assert_eq!(bot.get("/api/v1/assets/finance_dashboard/status").await["words"], "no open incident");
    bot.alert("dq", stale_raw_orders()).await;
    let (status, body) = gate("exposure.shop.finance_dashboard").await;
    assert_eq!(status, 409);
    assert_eq!(body["words"], "INC-1 open upstream (source.shop.shop.raw_orders), noticed 2026-11-23 03:00 UTC");
    assert_eq!((&body["incidents"][0]["id"], &body["incidents"][0]["hops"]), (&json!("INC-1"), &json!(3)));
    assert_eq!(gate("model.shop.stg_customers").await.0, 200, "the other branch is well");
    assert_eq!(gate("never.heard.of").await.0, 200, "nothing is known against it");
    // What is not grave does not stop a pipeline, and is told all the same.
    bot.slash(ANA, &bot.inc(1).name, "sev 4").await;
    assert_eq!(gate("exposure.shop.finance_dashboard").await.0, 200);
    assert_eq!(bot.get("/api/v1/assets/finance_dashboard/status").await["status"], "upstream");
    // People ask in Slack, by as much of the name as they remember.
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "asset orders").await);
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "asset nothing.like.it").await, @"There is no asset “nothing.like.it” in the catalog. Names are matched from their end; give its last parts, as in main.orders.");
    assert!(bot.slash(ANA, "data-incidents", "impact stg_orders").await.contains("1 dashboard"));
    // A dashboard can show it without a token, by a key for this one asset.
    let url = bot.get("/api/v1/assets/finance_dashboard").await["badge_url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    let open = bot.http.get(format!("{}{path}", bot.base)).send().await.unwrap();
    assert_eq!(open.status(), 200);
    let svg = open.text().await.unwrap();
    assert!(svg.contains("INC-1 open upstream"), "{svg}");
    let other = path.replace("finance_dashboard", "churn_model");
    assert_eq!(bot.http.get(format!("{}{other}", bot.base)).send().await.unwrap().status(), 401);
    bot.slash(ANA, &bot.inc(1).name, "resolve loaded").await;
    assert_eq!(bot.get("/api/v1/assets/finance_dashboard/status").await["status"], "ok");
    bot.end().await;
}

#[tokio::test]
async fn what_nobody_names_fades_and_is_forgotten_only_long_after() {
    let bot = Bot::start().await;
    bot.shop().await;
    let yaml = "assets:\n  - name: by.hand\n    upstream: [model.shop.orders]\n    owners: [people]\n";
    assert_eq!(bot.put("/api/v1/catalog/yaml", yaml.to_owned()).await.0, 200);
    bot.clock.advance(Duration::days(60));
    // Only the YAML and a part of the project are named again.
    let mut manifest: Value = serde_json::from_str(&fixture("dbt/manifest.json")).unwrap();
    manifest["exposures"].as_object_mut().unwrap().remove("exposure.shop.churn_model");
    assert_eq!(bot.put("/api/v1/catalog/dbt", manifest.to_string()).await.0, 200);
    bot.muster.app.forget_old_lineage("").await.unwrap();
    let reached = bot.slash(ANA, "data-incidents", "impact model.shop.orders").await;
    assert!(
        reached.contains("churn_model")
            && reached.contains("Reached only over edges that nobody has seen for a while: 2"),
        "{reached}"
    );
    bot.clock.advance(Duration::days(60));
    assert_eq!(bot.put("/api/v1/catalog/dbt", manifest.to_string()).await.0, 200);
    bot.muster.app.forget_old_lineage("").await.unwrap();
    let reached = bot.slash(ANA, "data-incidents", "impact model.shop.orders").await;
    assert!(!reached.contains("churn_model"), "{reached}");
    assert!(
        bot.slash(ANA, "data-incidents", "asset churn_model").await.contains("There is no asset"),
        "it is forgotten"
    );
    assert!(bot.slash(ANA, "data-incidents", "asset by.hand").await.contains("people"), "what a person wrote stays");
    bot.end().await;
}

#[tokio::test]
async fn a_link_to_an_assets_page_shows_the_asset() {
    let bot = Bot::start().await;
    bot.shop().await;
    bot.alert("dq", stale_raw_orders()).await;
    let answer = bot.slash(ANA, "data-incidents", "asset finance_dashboard").await;
    assert!(answer.contains("INC-1 open upstream"), "{answer}");
    let link = "http://127.0.0.1:8080/assets/exposure.shop.finance_dashboard";
    let data = bot.channel("data-incidents");
    for (who, text, shown) in [
        (ANA, format!("is {link} right?"), true),
        (ANA, "and http://127.0.0.1:8080/assets/nothing ?".to_owned(), false),
        (ANA, "https://elsewhere.example.com/assets/model.shop.orders".to_owned(), false),
        (GUEST, link.to_owned(), true),
        (STRANGER, link.to_owned(), false),
    ] {
        let ts = data.say(who, &text).await;
        let messages = bot.sandbox.slack().messages("data-incidents");
        let message = messages.into_iter().find(|message| message.ts == ts).unwrap();
        assert_eq!(message.unfurls.to_string().contains("INC-1 open upstream"), shown, "{who}: {text}");
    }
    // Whoever sees there that something is wrong says so with two presses.
    let shown = bot.sandbox.slack().messages("data-incidents").into_iter().find(|one| !one.unfurls.is_null()).unwrap();
    bot.sandbox.slack().press_below_link(CHLOE, &shown, "Something is wrong with it").await;
    bot.submit(CHLOE, json!({"title": "last week is missing"})).await;
    // INC-1 is shown first, since it may be the same.
    bot.submit(CHLOE, json!({})).await;
    assert_eq!(bot.incident(2).await["assets"], json!(["exposure.shop.finance_dashboard"]));
    // The page itself asks for the token, as a password where a browser asks.
    let page = format!("{}/assets/finance_dashboard", bot.base);
    let closed = bot.http.get(&page).send().await.unwrap();
    assert_eq!(closed.status(), 401);
    assert!(closed.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    let open = bot.http.get(&page).basic_auth("anyone", Some(API_TOKEN)).send().await.unwrap().text().await.unwrap();
    assert!(
        open.contains("<h1>exposure.shop.finance_dashboard</h1>") && open.contains("INC-2 open, noticed"),
        "{open}"
    );
    bot.end().await;
}

#[tokio::test]
async fn the_post_mortem_says_what_the_lineage_knew() {
    let bot = broken_shop("").await;
    bot.alert("dq", stale_raw_orders()).await;
    bot.alert("dq", json!({"title": "more nulls", "key": "nulls3", "asset": "model.shop.orders"})).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "notify upstream").await;
    bot.submit(ANA, json!({})).await;
    inc.slash(BEN, "look lineage the loader of raw_orders failed").await;
    inc.slash(ANA, "resolve reloaded").await;
    let text = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    let section =
        |name: &str| text.split(&format!("## {name}\n\n")).nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    insta::assert_snapshot!(section("Impact"));
    insta::assert_snapshot!(section("Causes"));
    assert!(section("Open questions").contains("No check is known of"), "{text}");
    // The next incident of this asset remembers that it was the root.
    bot.alert("dq", json!({"title": "stale again", "key": "again", "asset": "source.shop.shop.raw_orders"})).await;
    let impact = bot.get("/api/v1/incidents/INC-2/impact").await;
    assert!(impact["candidates"].to_string().contains("it was the root before, once"), "{impact}");
    bot.end().await;
}
