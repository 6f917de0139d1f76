//! The sandbox keeps its word: what it says it supports is what it serves.

use muster::clock::Clock;
use muster::sandbox::COVERAGE;
use serde_json::{Value, json};

use crate::harness::{sandbox, start_time};

async fn call(url: &str, token: Option<&str>, body: Value) -> Value {
    let mut request = reqwest::Client::builder().no_proxy().build().unwrap().post(url).body(body.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_table_of_methods_is_what_is_served() {
    let sandbox = sandbox(&Clock::manual(start_time())).await;
    for (method, _) in COVERAGE.iter().filter(|(method, _)| !method.starts_with('/')) {
        let answer =
            call(&format!("{}/{method}", sandbox.slack_api_url()), Some("xoxb-sandbox-0123456789"), json!({})).await;
        assert_ne!(answer["error"], "unknown_method", "{method}");
    }
    let unknown =
        call(&format!("{}/chat.shout", sandbox.slack_api_url()), Some("xoxb-sandbox-0123456789"), json!({})).await;
    assert_eq!(unknown["error"], "unknown_method");
    for (token, error) in [(None, "not_authed"), (Some("other"), "invalid_auth")] {
        assert_eq!(call(&format!("{}/auth.test", sandbox.slack_api_url()), token, json!({})).await["error"], error);
    }
}

#[tokio::test]
async fn it_refuses_what_slack_refuses() {
    let sandbox = sandbox(&Clock::manual(start_time())).await;
    let api = async |method: &str, body: Value| {
        call(&format!("{}/{method}", sandbox.slack_api_url()), Some("xoxb-sandbox-0123456789"), body).await["error"]
            .as_str()
            .map(str::to_owned)
    };
    let section = |length: usize| json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(length)}});
    for (method, body, error) in [
        ("conversations.create", json!({"name": "Upper"}), "invalid_name_specials"),
        ("conversations.create", json!({"name": "a".repeat(81)}), "invalid_name_maxlength"),
        ("conversations.create", json!({"name": "data-incidents"}), "name_taken"),
        ("chat.postMessage", json!({"channel": "nowhere", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "data-incidents"}), "no_text"),
        ("chat.postMessage", json!({"channel": "data-incidents", "text": "x".repeat(40_001)}), "msg_too_long"),
        (
            "chat.postMessage",
            json!({"channel": "data-incidents", "text": "x", "blocks": [section(3001)]}),
            "invalid_blocks",
        ),
        (
            "chat.postMessage",
            json!({"channel": "data-incidents", "text": "x", "blocks": vec![section(1); 51]}),
            "invalid_blocks",
        ),
        (
            "chat.postMessage",
            json!({"channel": "data-incidents", "text": "x", "blocks": [{"type": "confetti"}]}),
            "invalid_blocks",
        ),
        ("views.open", json!({"trigger_id": "1.2", "view": {}}), "invalid_trigger_id"),
        ("views.publish", json!({"user_id": "U404", "view": {}}), "user_not_found"),
        (
            "chat.postEphemeral",
            json!({"channel": "data-incidents", "user": "U0GUEST001", "text": "x"}),
            "user_not_in_channel",
        ),
        ("users.info", json!({"user": "U404"}), "user_not_found"),
        ("users.list", json!({"cursor": "of another list"}), "invalid_cursor"),
    ] {
        assert_eq!(api(method, body.clone()).await.as_deref(), Some(error), "{method} {body}");
    }
    let home = json!({"type": "home", "blocks": [section(1)]});
    assert_eq!(api("views.publish", json!({"user_id": "U0ANA00001", "view": home})).await, None);
    assert_eq!(sandbox.slack().home("U0ANA00001"), Some(home));
    assert_eq!(
        api("chat.postEphemeral", json!({"channel": "data-incidents", "user": "U0ANA00001", "text": "psst"})).await,
        None
    );
    assert_eq!(sandbox.slack().ephemerals("data-incidents", "U0ANA00001")[0].text, "psst");
    for _ in 0..5 {
        assert_eq!(api("chat.postMessage", json!({"channel": "data-incidents", "text": "x"})).await, None);
    }
    assert_eq!(
        api("chat.postMessage", json!({"channel": "data-incidents", "text": "x"})).await.as_deref(),
        Some("ratelimited")
    );
}
