//! Without a public address: Socket Mode.

use serde_json::json;

use crate::harness::*;

#[tokio::test]
async fn without_a_public_address_all_of_it_comes_through_a_connection() {
    let variables = vec![
        ("MUSTER_SLACK__MODE", "socket".to_owned()),
        ("MUSTER_SLACK__APP_TOKEN", "xapp-sandbox".to_owned()),
        ("MUSTER_SLACK__SIGNING_SECRET", String::new()),
    ];
    let bot = Bot::set_up(Setup { variables, ..Setup::default() }).await;
    let slack = bot.sandbox.slack();
    slack.connected(1).await;
    assert_eq!(
        bot.slash(ANA, "data-incidents", "declare orders are late").await,
        "INC-1: Ana declared the incident: orders are late (SEV3)."
    );
    let inc = bot.inc(1);
    assert!(inc.card().button("Take command").click(BEN).await.contains("You have the command"));
    inc.card().button("Update").click(BEN).await;
    bot.submit(BEN, json!({"text": "the load runs", "next": "soon"})).await;
    assert_eq!(slack.open_views(BEN).len(), 1, "a mistake is shown in the form");
    bot.submit(BEN, json!({"text": "the load runs", "next": "30m"})).await;
    inc.find("> the load runs");
    bot.slash(CHLOE, "data-incidents", "declare").await;
    let catalog = "edges: [[w.orders, bi.sales]]".to_owned();
    bot.put("/api/v1/catalog/yaml", catalog).await;
    bot.submit(CHLOE, json!({"title": "the sales board is empty", "asset": "bi.sales"})).await;
    assert_eq!(bot.incident(2).await["assets"], json!(["bi.sales"]), "looked up while typing");
    inc.enter(ANA);
    inc.say(ANA, "it was the disk").await;
    slack.open_home(BEN);
    bot.settle().await;
    assert!(slack.home_text(BEN).contains("INC-1"));
    // Slack closes it every few hours.
    slack.refresh_connection();
    slack.connected(2).await;
    assert_eq!(inc.slash(ANA, "ack").await.split(' ').next(), Some("Ben"), "he has it by his role");
    inc.say(ANA, "and the other one").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("messages of people: 2"), "{draft}");
    // Nobody comes in by the addresses: nothing is signed with a secret that is none.
    let answer = bot.http.post(format!("{}/slack/commands", bot.base)).body("text=list").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    bot.end().await;
}
