//! Finding incidents, following assets and teams, and the home.

use chrono::Duration;
use serde_json::json;

use super::{labels, press, whispered};
use crate::harness::*;

#[tokio::test]
async fn incidents_are_found_by_word_asset_time_and_state_page_by_page() {
    let bot = Bot::start().await;
    for n in 0..20 {
        bot.slash(ANA, "data-incidents", &format!("declare! loader {n} stuck")).await;
    }
    bot.slash(ANA, "data-incidents", "declare! revenue doubled --sev 1 --on finance.revenue").await;
    bot.slash(BEN, "data-incidents", "INC-3 resolve done").await;
    let find = async |line: &str| -> Vec<String> {
        let told = bot.slash(CHLOE, "data-incidents", line).await;
        told.lines()
            .filter_map(|line| line.strip_prefix("• "))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(find("search doubled").await, ["INC-21"]);
    assert_eq!(find("search sev1").await, ["INC-21"]);
    assert_eq!(find("search finance").await, ["INC-21"]);
    assert_eq!(find("find about finance.revenue").await, ["INC-21"]);
    assert_eq!(find("search resolved").await, ["INC-3"]);
    assert_eq!(find("search before 2026-11-01").await, [""; 0]);
    assert_eq!(find("search loader 19").await, ["INC-20"]);
    let first = find("search loader stuck open").await;
    assert_eq!((first.len(), first[0].as_str()), (15, "INC-20"));
    let page = whispered(&bot, "data-incidents", CHLOE);
    press(&bot, CHLOE, &page, "Older").await;
    let next = whispered(&bot, "data-incidents", CHLOE);
    assert!(next.text.contains("INC-1 ") && !next.text.contains("INC-3 ") && next.buttons.is_empty(), "{}", next.text);
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "search since soon").await, @"“soon” is not a time I understand. It is written /incident search <words>: find incidents: search orders sev2 resolved since 30d about warehouse.orders.");
    bot.end().await;
}

#[tokio::test]
async fn people_follow_assets_and_teams() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[w.orders, bi.sales], [w.returns, bi.returns]]".to_owned()).await;
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "subscribe bi.sales").await, @"You hear of every incident that reaches bi.sales now. /incident unsubscribe bi.sales ends it.");
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "subscribe bi.sales").await, @"You subscribe to bi.sales already.");
    bot.alert("dq", json!({"key": "k", "title": "orders are late", "asset": "w.orders"})).await;
    bot.alert("dq", json!({"key": "r", "title": "returns are late", "asset": "w.returns"})).await;
    let dm = bot.channel("dm-chloe");
    dm.expect("⚠️ INC-1: orders are late (SEV3)\nYou or your team asked to hear of this: bi.sales.");
    bot.inc(1).slash(ANA, "update fixed by noon").await;
    dm.expect("fixed by noon");
    assert_eq!(bot.inc(1).slash(CHLOE, "unsubscribe").await, "INC-1: Chloe hears no more of it.");
    bot.inc(1).slash(ANA, "update really").await;
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "unsubscribe bi.sales").await, @"You hear no more of bi.sales.");
    insta::assert_snapshot!(bot.slash(CHLOE, "data-incidents", "unsubscribe bi.sales").await, @"You do not subscribe to bi.sales. You subscribe to nothing.");
    bot.inc(1).slash(ANA, "resolve done").await;
    assert_eq!(bot.sandbox.slack().messages("dm-chloe").len(), 2);
    // By button: an asset, the team that owns it, and no more of one incident.
    let catalog =
        "assets: [{name: w.stock, owners: [{name: orders-team}]}, {name: w.shelves, owners: [{name: orders-team}]}]";
    bot.put("/api/v1/catalog/yaml", catalog.to_owned()).await;
    bot.slash(ANA, "data-incidents", "asset w.stock").await;
    let card = whispered(&bot, "data-incidents", ANA);
    assert_eq!(
        labels(&card),
        ["Tell me of its incidents", "Tell me of all of orders-team", "Something is wrong with it"]
    );
    press(&bot, ANA, &card, "Tell me of all of orders-team").await;
    bot.alert("dq", json!({"key": "s", "title": "shelves are empty", "asset": "w.shelves"})).await;
    bot.channel("dm-ana").find("shelves are empty").button("No more of this").click(ANA).await;
    press(&bot, CHLOE, &card, "Tell me of its incidents").await;
    bot.alert("dq", json!({"key": "t", "title": "stock is wrong", "asset": "w.stock"})).await;
    for dm in ["dm-ana", "dm-chloe"] {
        bot.channel(dm).find("stock is wrong");
    }
    let heard = bot.sandbox.slack().messages("dm-ana").len();
    bot.inc(3).slash(BEN, "update restocked").await;
    assert_eq!(bot.sandbox.slack().messages("dm-ana").len(), heard, "she wanted no more of that one");
    bot.end().await;
}

#[tokio::test]
async fn the_home_shows_what_one_person_needs_and_stays_true() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.slash(ANA, "data-incidents", "declare a dashboard is empty").await;
    bot.inc(1).slash(BEN, "take command").await;
    bot.inc(1).slash(BEN, "task add a check @ben friday").await;
    bot.slash(BEN, "data-incidents", "silence w.* 2h backfill is running").await;
    // A record that cannot be read hides nothing.
    bot.put_raw(muster::store::Kind::Number, "0broken", json!({"uid": 7})).await;
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    insta::assert_snapshot!(bot.sandbox.slack().home_text(BEN));
    bot.sandbox.slack().press_home(BEN, "Done: INC-1 task 1").await;
    bot.clock.advance(Duration::seconds(31));
    bot.settle().await;
    assert!(!bot.sandbox.slack().home_text(BEN).contains("add a check"), "{}", bot.sandbox.slack().home_text(BEN));
    let published = || bot.sandbox.traffic().iter().filter(|exchange| exchange.path == "views.publish").count();
    let before = published();
    bot.advance(minutes(10)).await;
    assert!(published() - before <= 2, "what has not changed is not published again: ages do, and silences end");
    bot.advance(minutes(60)).await;
    let before = published();
    bot.slash(ANA, "data-incidents", "declare! something else").await;
    bot.advance(minutes(5)).await;
    assert_eq!(published(), before, "nobody looks any more");
    bot.sandbox.slack().press_home(BEN, "Declare an incident").await;
    assert_eq!(bot.sandbox.slack().open_views(BEN)[0].title, "Declare an incident");
    bot.end().await;
}
