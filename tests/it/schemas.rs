//! What people read and what is exchanged, held against judges that we did not write: a Block Kit validator, Slack's own
//! list of parameters, PagerDuty's own schema.

use std::sync::OnceLock;

use muster::sandbox::{Exchange, MessageView};
use serde_json::{Value, json};

use crate::harness::fixture;

/// Every message is one that Slack takes, and pings nobody by accident.
pub fn check_message(message: &MessageView) {
    check_blocks(&message.blocks);
    for unfurl in message.unfurls.as_object().into_iter().flat_map(|all| all.values()) {
        check_blocks(&unfurl["blocks"]);
    }
    for broadcast in ["channel", "here", "everyone"] {
        assert!(!message.mentions.iter().any(|one| one == broadcast), "{}", message.text);
    }
}

/// Every block is one that Slack takes; there may be none.
pub fn check_blocks(blocks: &Value) {
    for block in blocks.as_array().into_iter().flatten() {
        let block = &without_dates(block.clone());
        let checked: Result<slackblocks::Block, _> = serde_json::from_value(block.clone());
        assert!(checked.is_ok(), "{:?}\n{block:#}", checked.err());
    }
}

/// Every form is one that Slack opens.
pub fn check_modal(view: &Value) {
    let view = without_dates(view.clone());
    let checked: Result<slackblocks::ModalView, _> = serde_json::from_value(view.clone());
    assert!(checked.is_ok(), "{:?}\n{view:#}", checked.err());
}

/// The judge does not know Slack's `date` element yet (its reference lists it among the rich-text elements), so its shape
/// is checked here and it is shown to the judge as its fallback.
fn without_dates(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) if map.get("type") == Some(&json!("date")) => {
            assert!(map["timestamp"].is_i64() && map["format"].is_string(), "{map:?}");
            json!({"type": "text", "text": map["fallback"]})
        }
        Value::Object(map) => {
            Value::Object(std::mem::take(map).into_iter().map(|(key, value)| (key, without_dates(value))).collect())
        }
        Value::Array(list) => Value::Array(std::mem::take(list).into_iter().map(without_dates).collect()),
        _ => value,
    }
}

fn slack_methods() -> &'static Value {
    static METHODS: OnceLock<Value> = OnceLock::new();
    METHODS.get_or_init(|| serde_json::from_str(&fixture("specs/web-api.json")).unwrap())
}

/// Parameters that Slack documents and its specification of 2021 does not have yet.
const NEWER: &[(&str, &str)] = &[
    ("chat.postMessage", "metadata"),
    ("conversations.history", "include_all_metadata"),
    ("conversations.invite", "force"),
    ("conversations.replies", "include_all_metadata"),
];

fn pagerduty_schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let document: Value = serde_json::from_str(&fixture("specs/events-v2.json")).unwrap();
        let mut schema =
            document["paths"]["/v2/enqueue"]["post"]["requestBody"]["content"]["application/json"]["schema"].clone();
        schema["components"] = document["components"].clone();
        jsonschema::validator_for(&schema).unwrap()
    })
}

/// Every request and answer is one that the services' own documents allow.
pub fn check_exchanges(exchanges: &[Exchange]) {
    for exchange in exchanges {
        match exchange.service {
            "slack" => check_slack(exchange),
            _ => check_pagerduty(exchange),
        }
    }
}

fn check_slack(exchange: &Exchange) {
    let Some(method) = slack_methods().get(&exchange.path) else {
        return;
    };
    let request = exchange.request.as_object().cloned().unwrap_or_default();
    let parameters = method["params"].as_object().unwrap();
    for name in request.keys() {
        let known = parameters.contains_key(name) || NEWER.contains(&(exchange.path.as_str(), name.as_str()));
        assert!(known, "{} has no parameter {name}: {:#}", exchange.path, exchange.request);
    }
    for (name, parameter) in parameters {
        let needed = parameter["required"] == json!(true) && name != "token";
        assert!(!needed || request.contains_key(name), "{} needs {name}: {:#}", exchange.path, exchange.request);
    }
    if exchange.status == 200 && exchange.response["ok"] == json!(false) {
        let error = exchange.response["error"].as_str().unwrap();
        let general = [
            "ratelimited",
            "internal_error",
            "invalid_blocks",
            "message_not_found",
            "already_pinned",
            "not_in_channel",
            "is_archived",
            "invalid_auth",
            "restricted_action",
            "channel_not_found",
            "name_taken",
        ];
        let documented = method["errors"].as_array().unwrap();
        // Of some methods the specification lists none.
        let known = documented.is_empty() || documented.iter().any(|known| known == error) || general.contains(&error);
        assert!(known, "{} never answers {error}", exchange.path);
    }
}

fn check_pagerduty(exchange: &Exchange) {
    if exchange.path == "/v2/enqueue" {
        let errors: Vec<_> = pagerduty_schema().iter_errors(&exchange.request).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{:#}", exchange.request);
        if exchange.status == 202 {
            assert_eq!(exchange.response["status"], "success");
            assert!(exchange.response["dedup_key"].is_string());
        }
    }
}
