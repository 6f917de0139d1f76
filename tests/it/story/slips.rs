//! Lines that are not quite right: each is answered with words, and does no harm.

use chrono::Duration;
use serde_json::json;

use super::whispered;
use crate::harness::*;

#[tokio::test]
async fn slips_races_and_strangers_do_no_harm() {
    let bot = Bot::start().await;
    // An option that is none, next to one that keeps a secret, opens nothing.
    for line in ["declare payroll is wrong --prviate", "declare --sev 9 it burns", "drill x --quiet"] {
        let told = bot.slash(ANA, "data-incidents", line).await;
        assert!(told.contains("so nothing was opened"), "{told}");
    }
    assert!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().is_empty());
    // Letters that are longer in small ones shift no promise.
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "update İİstanbul loads again next 30m").await;
    assert!(inc.find("İİstanbul loads again").text().contains("Next update: 2026-11-23 06:30 UTC"));
    // Two who merge two incidents into each other end at most one.
    bot.alert("dq", json!({"key": "x", "title": "another", "asset": "w.x"})).await;
    let slack = bot.sandbox.slack();
    tokio::join!(
        slack.command(ANA, &inc.name, "INC-1 merge INC-2"),
        slack.command(BEN, &inc.name, "INC-2 merge INC-1")
    );
    bot.settle().await;
    let all = bot.get("/api/v1/incidents").await["incidents"].clone();
    let merged = all.as_array().unwrap().iter().filter(|one| one["status"] == "merged").count();
    let open =
        all.as_array().unwrap().iter().filter(|one| one["resolved_at"].is_null() && one["status"] != "merged").count();
    assert_eq!((merged, open), (1, 1), "{all:#}");
    // A home is for those who may read: somebody of another workspace sees none, known or not.
    slack.add_stranger("U0ELSE0001", "elsewhere", "T0OTHER000");
    slack.open_home("U0ELSE0001");
    bot.advance(minutes(2)).await;
    assert_eq!(slack.home_text("U0ELSE0001"), "");
    bot.end().await;
}

/// Times that are none, or past, are asked for again: no promise is lost, and no line says what was meant as a time.
#[tokio::test]
async fn slips_in_times_are_no_words() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "note the loader hangs").await;
    let told = inc.slash(ANA, "timeline").await;
    let line = told
        .lines()
        .find(|line| line.contains("the loader hangs"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .to_owned();
    let edit = format!("edit {line} at 99:99");
    for (words, why) in [
        (edit.as_str(), "“99:99” is not a time I understand."),
        ("update good soon next 99:99", "“99:99” is not a time I understand."),
        ("update good soon next 999999999h", "“999999999h” is not a time I understand."),
        ("update good soon next 2020-01-01", "“2020-01-01” is 2020-01-01 23:59 UTC, which has passed already."),
        ("remind 2020-01-01", "“2020-01-01” is 2020-01-01 23:59 UTC, which has passed already."),
        ("update good soon next 06:10 IST", "“IST” is the time of several places."),
        ("remind in a couple of hours", "How much is “a couple of hours”?"),
        ("since 3.10", "“3.10” may be a time or a day."),
    ] {
        let told = inc.slash(ANA, words).await;
        assert!(told.starts_with(why), "{words}: {told}");
    }
    assert!(inc.slash(ANA, "since -262143-01-01T00:00:00Z").await.contains("more than ten years away"));
    assert!(inc.slash(ANA, "timeline").await.contains("the loader hangs"));
    assert!(bot.incident(1).await["next_update"].is_null());
    inc.slash(ANA, "update we watch it for the next few hours").await;
    inc.find("we watch it for the next few hours");
    inc.slash(ANA, "update it goes on with the next 3 loads").await;
    inc.find("it goes on with the next 3 loads");
    bot.end().await;
}

/// A line that is too long for a button is not cut: it is shown, with what to write.
#[tokio::test]
async fn a_long_line_is_never_cut_silently() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let line = format!("note {} the end", "word ".repeat(420));
    let told = bot.slash(ANA, "data-incidents", &line).await;
    assert!(told.contains("too long for a button") && told.contains("the end") && told.contains("INC-1"), "{told}");
    assert!(whispered(&bot, "data-incidents", ANA).buttons.is_empty());
    bot.end().await;
}

/// An option is one however its dash is written; nothing private becomes public by a slip.
#[tokio::test]
async fn an_option_is_one_with_any_dash() {
    let bot = Bot::start().await;
    for line in [
        "declare payroll is wrong —prviate",
        "declare payroll is wrong -prviate",
        "declare payroll is wrong –sev 9",
        "declare payroll is wrong --on --private",
    ] {
        let told = bot.slash(ANA, "data-incidents", line).await;
        assert!(told.contains("so nothing was opened"), "{line}: {told}");
    }
    for (number, dash) in ["-", "–", "—", "--"].into_iter().enumerate() {
        bot.slash(ANA, "data-incidents", &format!("declare! case {number} is wrong {dash}private")).await;
        assert_eq!(bot.incident(number as u64 + 1).await["private"], true, "{dash}");
    }
    bot.slash(ANA, "data-incidents", "declare! orders - all of them - are wrong, -5% of rows").await;
    assert_eq!(bot.incident(5).await["title"], "orders - all of them - are wrong, -5% of rows");
    bot.end().await;
}

/// Numbers, times and names at the edges: each is answered with words, and nothing else happens.
#[tokio::test]
async fn lines_at_the_edges_are_answered_with_words() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let max = "99999999999999999999999999";
    let lines = [
        format!("remind {max}d"),
        "remind 0m".into(),
        "remind -5m".into(),
        format!("update x next {max}h"),
        "update x next 999999999h".into(),
        "since 99:99".into(),
        "since 31.02.2026 12:00".into(),
        format!("since {max} days ago"),
        "since 9999-12-31 23:59".into(),
        "good-again 0000-00-00".into(),
        format!("silence w.* {max}h because"),
        "silence w.* 0m because".into(),
        "silence [a 2h because".into(),
        format!("edit {max} x"),
        "edit 0 x".into(),
        "edit -1 at 06:00".into(),
        format!("timeline {max}"),
        "timeline 0".into(),
        "timeline -3".into(),
        format!("alerts {max}"),
        format!("tasks {max}"),
        format!("task done {max}"),
        format!("task x @ben {max}d"),
        format!("why {max} x"),
        "why 0 x".into(),
        format!("move {max} new"),
        "move 0 new".into(),
        "merge INC-1".into(),
        format!("merge INC-{max}"),
        format!("INC-{max} show"),
        "INC-0 ack".into(),
        "INC- ack".into(),
        format!("runbook done {max}"),
        "runbook skip 0 x".into(),
        "sev 0".into(),
        "sev 99999999999".into(),
        format!("unsilence {max}"),
        format!("stats {max}d"),
        "stats -1d".into(),
        "search".into(),
        format!("search since {max}d"),
        "search \"".into(),
        "page".into(),
        "page @".into(),
        "assign responder <@>".into(),
        "assign responder <@U1|".into(),
        "take \u{202E}redocs".into(),
        "note \u{200B}\u{200B}".into(),
        "link @".into(),
        format!("link {}@example.com", "a".repeat(300)),
        "dismiss".into(),
        "cause".into(),
        "retro \u{1F600}".into(),
        "asset \u{0}".into(),
        format!("asset {}", "a".repeat(2_000)),
        format!("subscribe {}", "é".repeat(600)),
        "look".into(),
        "help \u{1F600}".into(),
        "\u{1F600}".into(),
        "".into(),
        "    ".into(),
        format!("note {}", "x".repeat(5_000)),
        format!("declare {}", "é".repeat(500)),
    ];
    for line in &lines {
        let answer = bot.sandbox.slack().command(ANA, &inc.name, line).await;
        assert_eq!(answer.status, 200, "{line}");
        // A form, where one asks, is the answer.
        let form = !bot.sandbox.slack().open_views(ANA).is_empty();
        assert!(form || !answer.text().is_empty(), "{line}");
        bot.settle().await;
    }
    let incident = bot.incident(1).await;
    assert_eq!((&incident["status"], &incident["severity"]), (&json!("pending"), &json!("SEV2")));
    bot.clock.advance(Duration::days(400));
    bot.settle().await;
    bot.end().await;
}
