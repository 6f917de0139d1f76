//! Slack's limits.

use serde_json::{Value, json};

use super::{bot_with, labels, press, whispered};
use crate::harness::*;

fn big(n: usize) -> Value {
    json!({"key": format!("k{n}"), "title": format!("alert {n} <!channel> *x* `y` {}", "long ".repeat(60)), "asset": format!("w.t{n}"), "labels": {"run": "r1"}})
}

#[tokio::test]
async fn a_large_incident_stays_within_slacks_limits_everywhere() {
    let bot = Bot::start().await;
    for batch in 0..4 {
        let alerts: Vec<_> = (batch * 50..batch * 50 + 50).map(big).collect();
        bot.alert("quiet", json!(alerts)).await;
    }
    assert_eq!(bot.incident(1).await["alerts_total"], 200);
    let name = bot.inc(1).name.clone();
    let hostile = "<!channel> [x](http://evil.example) `code` *bold* \u{202E}reversed ".repeat(20);
    for n in 0..50 {
        bot.sandbox.slack().command(ANA, &name, &format!("task {n} {hostile} @ben")).await;
    }
    for n in 0..750 {
        bot.sandbox.slack().command(ANA, &name, &format!("note {n} {hostile}")).await;
    }
    bot.settle().await;
    for line in [
        "show",
        "timeline",
        "tasks",
        "brief",
        "alerts",
        "list",
        "help",
        "help who",
        "impact",
        "search alert",
        "role commander",
        "oncall",
        "silences",
        "stats",
    ] {
        let told = bot.slash(BEN, &name, line).await;
        assert!(!told.is_empty() && !told.contains("does not fit"), "{line}: {told}");
        assert!(whispered(&bot, &name, BEN).mentions.iter().all(|one| one.starts_with('U')), "{line} pings a crowd");
    }
    // Page by page, all of it can be read.
    for (line, button, first, last) in [
        ("timeline", "Earlier", "noted: 749 ", "opened the incident"),
        ("alerts", "More", "1 🔴", "200 🔴"),
        ("tasks", "More", "☐ 1 ", "☐ 50 "),
    ] {
        bot.slash(BEN, &name, line).await;
        let mut page = whispered(&bot, &name, BEN);
        let mut all = page.text.clone();
        assert!(all.contains(first), "{line}: {all}");
        while labels(&page).contains(&button) {
            press(&bot, BEN, &page, button).await;
            page = whispered(&bot, &name, BEN);
            all.push_str(&page.text);
        }
        assert!(page.text.contains(last) && page.text.len() < all.len(), "{line}: {}", page.text);
        assert!(line != "timeline" || (0..750).all(|n| all.contains(&format!("noted: {n} "))), "a line is missing");
    }
    for line in ["declare", "update", "resolve", "assign", "sev", "runbook", "look data"] {
        bot.slash(BEN, &name, line).await;
        for open in bot.sandbox.slack().open_views(BEN) {
            crate::schemas::check_modal(&open.view);
        }
    }
    bot.sandbox.slack().open_home(BEN);
    bot.settle().await;
    bot.slash(ANA, &name, "postmortem").await;
    bot.end().await;
}

/// Without a public address: the same people, the same answers, through a connection that the bot opens and opens again.
/// What does not fit into one message of Slack stands in a file below it.
#[tokio::test]
async fn what_is_too_long_for_a_message_is_a_file_below_it() {
    let folder = crate::harness::folder();
    let long = "Please read our rules on notes before you go on.\n\n".repeat(300);
    std::fs::write(
        folder.path().join("noted.hbs"),
        format!("{{{{person actor}}}}: {{{{event.text}}}}\n\n{long}The end."),
    )
    .unwrap();
    let bot = bot_with(&format!("[message_templates]\npath = {:?}", folder.path())).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().fail_with("files.completeUploadExternal", 1, "internal_error");
    inc.slash(ANA, "note the disk was full").await;
    bot.advance(minutes(1)).await;
    let said = inc.find("the disk was full");
    assert!(said.text().ends_with('…'), "{}", said.text());
    let files: Vec<_> = bot.sandbox.slack().messages(&inc.name).into_iter().filter_map(|one| one.file).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].content.contains("the disk was full") && files[0].content.ends_with("The end."));
    bot.end().await;
}
