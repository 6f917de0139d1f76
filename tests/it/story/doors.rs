//! Who is let in where: every route has a door, and each is shut for everybody else. What the API's description says of every value.

use muster::domain::Event;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ANA, API_TOKEN, Bot, Setup, TOKEN, fixture, stale_orders};

const READER: &str = "a-token-of-the-dashboards";
const WRITER: &str = "a-token-of-the-deployments";
const PIPELINE: &str = "a-token-of-the-pipelines";

async fn bot() -> Bot {
    let extra = "
[[api_tokens]]
name = \"dashboards\"
token_env = \"READER\"
scopes = [\"read\"]
[[api_tokens]]
name = \"deployments\"
token_env = \"WRITER\"
scopes = [\"write\"]
[[api_tokens]]
name = \"pipelines\"
token_env = \"PIPELINE\"
scopes = [\"catalog\"]
";
    let tokens = [("READER", READER), ("WRITER", WRITER), ("PIPELINE", PIPELINE)];
    let variables = tokens.map(|(name, token)| (name, token.to_owned())).to_vec();
    Bot::set_up(Setup { extra: extra.to_owned(), variables, ..Setup::default() }).await
}

/// A route, as the documentation has it: the method, the address, who is let in, each with scopes, and the answers. Who is let in is
/// what the handler's extractor says of itself.
struct Route {
    method: Method,
    path: String,
    doors: Vec<(String, Vec<String>)>,
    answers: Value,
}

async fn routes(bot: &Bot) -> Vec<Route> {
    let document: Value =
        bot.http.get(format!("{}/api/openapi.json", bot.base)).send().await.unwrap().json().await.unwrap();
    let schemes = &document["components"]["securitySchemes"];
    let mut routes = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{method} {path} has an id that another route has: {id}");
            let doors = operation["security"].as_array().into_iter().flatten().flat_map(|one| one.as_object().unwrap());
            let scopes = |scopes: &Value| serde_json::from_value::<Vec<String>>(scopes.clone()).unwrap();
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                doors: doors.map(|(name, of)| (name.clone(), scopes(of))).collect(),
                answers: operation["responses"].clone(),
            });
        }
    }
    assert!(routes.iter().flat_map(|route| &route.doors).all(|(name, _)| schemes[name].is_object()), "{schemes}");
    routes
}

/// Whether an answer is documented; a refusal, as a problem.
fn is_documented(route: &Route, status: StatusCode) -> bool {
    let answer = &route.answers[status.as_str()];
    let is_refusal = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
    answer.is_object() && (!is_refusal || answer["content"]["application/problem+json"].is_object())
}

async fn ask(bot: &Bot, route: &Route, token: Option<&str>) -> StatusCode {
    let path: Vec<_> = route.path.split('/').map(|part| if part.starts_with('{') { "7" } else { part }).collect();
    let request = bot.http.request(route.method.clone(), format!("{}{}", bot.base, path.join("/")));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.body("{}").send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_has_a_door_that_is_shut_for_everybody_else() {
    let bot = bot().await;
    let routes = routes(&bot).await;
    let mut table = String::new();
    for route in &routes {
        let doors: Vec<_> =
            route.doors.iter().map(|(name, of)| format!("{name} {}", of.join(" or ")).trim().to_owned()).collect();
        let doors = if doors.is_empty() { "anyone".to_owned() } else { doors.join(", or ") };
        table.push_str(&format!("{} {}: {doors}\n", route.method, route.path));
        let none = ask(&bot, route, None).await;
        assert!(is_documented(route, none), "{} {}: {none}", route.method, route.path);
        let is_open = route.doors.is_empty();
        let of_events = route.doors.iter().any(|(name, _)| name == "routing_key");
        match none {
            // PagerDuty says so of a wrong key.
            StatusCode::BAD_REQUEST => assert!(of_events, "{} {}: {none}", route.method, route.path),
            StatusCode::UNAUTHORIZED => assert!(!is_open, "{} {}: {none}", route.method, route.path),
            other => assert!(is_open && other.is_success(), "{} {}: {other}", route.method, route.path),
        }
        let Some((_, scopes)) = route.doors.iter().find(|(name, _)| name == "bearer") else {
            continue;
        };
        for (token, scope) in [(READER, "read"), (WRITER, "write"), (PIPELINE, "catalog")] {
            let status = ask(&bot, route, Some(token)).await;
            let is_good = scopes.iter().any(|one| one == scope);
            let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
            assert_eq!(!is_good, refused, "{} {} with {scope}: {status}", route.method, route.path);
            assert!(!refused || is_documented(route, status), "{} {}: {status}", route.method, route.path);
        }
        let all = ask(&bot, route, Some(API_TOKEN)).await;
        assert!(
            !matches!(all, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED),
            "{} {}: {all}",
            route.method,
            route.path
        );
        // A monitor's token is not a token of the API.
        assert_eq!(ask(&bot, route, Some(TOKEN)).await, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
    }
    insta::assert_snapshot!(table);
    bot.end().await;
}

/// No route is added without its handler's door, so none is missing in the description.
#[test]
fn every_route_is_added_with_its_door() {
    let text = crate::architecture::read("src/http/mod.rs");
    for other in [".route(", "routes!(", ".nest(", ".route_service(", ".fallback_service("] {
        assert!(!text.contains(other), "{other} adds a route without a door");
    }
    let handlers = text.matches("route!(").count();
    let described = std::fs::read_dir(crate::architecture::root().join("src/http")).unwrap().flatten();
    let described = described.filter(|file| file.path().extension().is_some_and(|ending| ending == "rs"));
    let described =
        described.map(|file| std::fs::read_to_string(file.path()).unwrap().matches("utoipa::path(").count());
    assert_eq!(handlers, described.sum::<usize>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_good_for_it_is_told_what_it_is_good_for() {
    let bot = bot().await;
    let silence = json!({"match": "asset=w.*", "until": "2026-11-23T09:00:00Z", "reason": "backfill", "owner": "ci"});
    let (status, answer) = bot.post("/api/v1/silences", Some(READER), &silence).await;
    assert_eq!(status, 403, "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.starts_with("The token `dashboards` is good for read, but this needs write"), "{detail}");
    let (status, _) = bot.post("/api/v1/silences", Some(WRITER), &silence).await;
    assert_eq!(status, 201);
    for (token, words) in [(None, "Send the API token"), (Some(TOKEN), "This is not a token of the API")] {
        let (status, answer) = bot.post("/api/v1/silences", token, &silence).await;
        let detail = answer["detail"].as_str().unwrap();
        assert!(status == 401 && detail.contains(words), "{detail}");
    }
    let ended = bot.http.delete(format!("{}/api/v1/silences/1", bot.base)).bearer_auth(READER).send().await.unwrap();
    assert_eq!(ended.status(), 403);
    bot.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_asked_for_the_password() {
    let bot = bot().await;
    let page = format!("{}/assets/warehouse.orders", bot.base);
    let asked = bot.http.get(&page).send().await.unwrap();
    assert_eq!(asked.status(), 401);
    assert!(asked.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    for (password, status) in [(READER, 404), (WRITER, 403), ("another", 401)] {
        let answer = bot.http.get(&page).basic_auth("ana", Some(password)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{password}");
    }
    bot.end().await;
}

/// What the description leaves open, and why: others decide how it looks.
const FREE: [(&str, &str); 13] = [
    ("get /api/openapi.json", "the form of OpenAPI itself"),
    ("ReceivedBody.body", "as the monitor sent it"),
    ("post /hooks/{source}", "each kind of source has its own form"),
    ("put /hooks/{source}", "each kind of source has its own form"),
    ("post /v2/enqueue", "PagerDuty's form"),
    ("post /v2/change/enqueue", "PagerDuty's form"),
    ("post /generic/2010-04-15/create_event.json", "PagerDuty's form"),
    ("post /pagerduty/webhooks", "PagerDuty's form"),
    ("post /slack/commands", "Slack's form"),
    ("post /slack/interactions", "Slack's form"),
    ("post /slack/events", "Slack's form"),
    ("post /api/v1/lineage", "OpenLineage's form"),
    ("put /api/v1/catalog/dbt", "dbt's form"),
];

/// The places of a schema where anything may be.
fn open_places(schema: &Value, at: &str, found: &mut Vec<String>) {
    let of_type =
        |name: &str| schema["type"] == name || schema["type"].as_array().is_some_and(|all| all.contains(&json!(name)));
    let parts = ["properties", "oneOf", "allOf", "anyOf", "prefixItems", "items", "additionalProperties"];
    let says = |part: &str| !schema[part].is_null();
    let is_named = says("$ref") || says("enum") || says("const");
    if !is_named && (of_type("object") || !says("type")) && !parts.iter().any(|part| says(part)) {
        found.push(at.to_owned());
    }
    for part in parts {
        match &schema[part] {
            Value::Object(properties) if part == "properties" => {
                properties.iter().for_each(|(name, one)| open_places(one, &format!("{at}.{name}"), found));
            }
            Value::Array(all) => all.iter().for_each(|one| open_places(one, at, found)),
            one @ Value::Object(_) => open_places(one, at, found),
            _ => {}
        }
    }
}

/// Every value that the API takes and gives has a form, and the answers have the form that is described.
#[tokio::test]
async fn the_description_says_how_every_value_looks() {
    let bot = bot().await;
    let document: Value =
        bot.http.get(format!("{}/api/openapi.json", bot.base)).send().await.unwrap().json().await.unwrap();
    let mut found = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        open_places(schema, name, &mut found);
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap().values();
            let bodies = answers.chain([&operation["requestBody"]]).filter_map(|body| body["content"].as_object());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for one in bodies.flat_map(|content| content.values()).chain(parameters) {
                open_places(&one["schema"], &format!("{method} {path}"), &mut found);
            }
        }
    }
    let free = FREE.map(|(place, _)| place.to_owned());
    let news: Vec<_> = found.iter().filter(|place| !free.contains(place)).collect();
    assert!(news.is_empty(), "say how these look: {news:?}");
    assert!(free.iter().all(|place| found.contains(place)), "not free any more: {free:?}, {found:?}");
    let judge = |name: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
        jsonschema::validator_for(&schema).unwrap()
    };
    let check = |name: &str, answer: &Value| {
        let wrong: Vec<_> = judge(name).iter_errors(answer).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{answer:#}");
    };
    // Every event, in the words of an earlier Muster and as values.
    let events = judge("Event");
    let samples: Value = serde_json::from_str(&fixture("samples.json")).unwrap();
    let kept = fixture("timeline.jsonl");
    let kept = kept.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take());
    for event in samples["events"].as_array().unwrap().iter().cloned().chain(kept) {
        let event = serde_json::to_value(serde_json::from_value::<Event>(event).unwrap()).unwrap();
        let wrong: Vec<_> = events.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{event:#}");
    }
    let catalog = "assets:\n- {name: warehouse.orders, tier: 1, owners: [{name: sales, slack: '#sales'}]}\n- {name: bi.sales, kind: dashboard, owners: [revenue]}\nedges: [[warehouse.raw, warehouse.orders], [warehouse.orders, bi.sales]]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.alert("dq", stale_orders()).await;
    bot.alert("dq", json!({"key": "k", "title": "odd", "asset": "w.unknown"})).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    inc.slash(ANA, "update we know next 30m").await;
    inc.slash(ANA, "task add look @ben friday").await;
    for (name, path) in [
        ("IncidentPage", "incidents"),
        ("IncidentView", "incidents/INC-1"),
        ("TimelinePage", "incidents/INC-1/timeline"),
        ("ImpactAnswer", "incidents/INC-1/impact"),
        ("AssetAnswer", "assets/warehouse.orders"),
        ("Walked", "assets/warehouse.orders/upstream"),
        ("Trust", "assets/bi.sales/status"),
        ("Checkup", "catalog/doctor"),
        ("ReceivedPage", "received"),
    ] {
        check(name, &bot.get(&format!("/api/v1/{path}")).await);
    }
    bot.end().await;
}
