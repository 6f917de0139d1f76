//! What attackers found: each was so once.

use chrono::Duration;
use muster::sandbox::MessageView;
use serde_json::{Value, json};

use crate::harness::*;

fn alert(asset: &str) -> Value {
    json!({"key": asset, "title": format!("{asset} is wrong"), "asset": asset, "severity": "error"})
}

fn whispered(bot: &Bot, channel: &str, user: &str) -> MessageView {
    bot.sandbox.slack().ephemerals(channel, user).pop().unwrap_or_else(|| panic!("{user} heard nothing in #{channel}"))
}

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

/// What is only a kindness, or shows what can be seen elsewhere, holds no word back; and comes when Slack lets it.
#[tokio::test]
async fn what_nobody_waits_for_holds_nothing_back() {
    let bot = Bot::start().await;
    let kind = [
        "pins.add",
        "bookmarks.list",
        "chat.postEphemeral",
        "conversations.invite",
        "conversations.setTopic",
        "reactions.add",
        "files.getUploadURLExternal",
        "conversations.canvases.create",
    ];
    for method in kind {
        bot.sandbox.faults().rate_limit(method, 1000, 30);
    }
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.find("== INC-1: orders are stale for 9 h ==");
    inc.slash(BEN, "take command").await;
    inc.find("@Ben is now commander");
    let said = inc.say(BEN, "the loader hangs").await;
    bot.sandbox.slack().react(BEN, &inc.name, &said, "pushpin");
    bot.slash(BEN, &inc.name, "postmortem").await;
    inc.slash(BEN, &format!("note {}", "very long ".repeat(290))).await;
    inc.slash(BEN, "update we know what it is").await;
    inc.find("we know what it is");
    let view = inc.view();
    assert_eq!((view.pins.len(), view.topic.as_str(), view.members.contains(&BEN.to_owned())), (0, "", false));
    for method in kind {
        bot.sandbox.faults().mend(method);
    }
    bot.advance(minutes(6)).await;
    let view = inc.view();
    assert_eq!(view.pins.len(), 1);
    assert!(view.topic.contains("commander: Ben") && view.members.contains(&BEN.to_owned()), "{view:?}");
    let found =
        |ts: &str| bot.sandbox.slack().messages(&inc.name).into_iter().find(|message| message.ts == ts).unwrap();
    assert_eq!(found(&said).reactions.len(), 2, "the pushpin and its answer");
    // Each once, and in order.
    let twice = bot
        .sandbox
        .slack()
        .messages(&inc.name)
        .iter()
        .filter(|one| one.text.contains("we know what it is") && !one.edited)
        .count();
    assert_eq!(twice, 1, "{}", bot.sandbox.slack().transcript());
    bot.end().await;
}

/// A card that cannot be posted asks nobody: then it is an incident.
#[tokio::test]
async fn an_alert_that_nobody_can_be_asked_about_opens_an_incident() {
    let extra = "[[routes]]\nname = \"odd\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.sandbox.faults().fail_with("chat.postMessage", 1, "not_in_channel");
    bot.alert("dq", alert("w.a")).await;
    assert_eq!(bot.incident(1).await["title"], "w.a is wrong");
    // Not only what is refused; what goes on failing, too. It is asked in time, or not at all.
    bot.sandbox.faults().rate_limit("chat.postMessage", 400, 30);
    bot.alert("dq", alert("w.b")).await;
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 1);
    bot.advance(minutes(14)).await;
    assert_eq!(bot.incident(2).await["title"], "w.b is wrong");
    bot.end_with_given_up(2).await;
}

/// Whoever was told hears the end, wherever the incident went; and what fires is not brought where nobody looks any more.
#[tokio::test]
async fn a_merge_loses_nobody_and_nothing() {
    let bot = Bot::start().await;
    for asset in ["w.a", "w.b", "w.c"] {
        bot.alert("dq", alert(asset)).await;
    }
    bot.slash(CHLOE, "data-incidents", "INC-1 subscribe").await;
    bot.slash(ANA, "data-incidents", "INC-1 merge INC-2").await;
    let dm = bot.channel("dm-chloe");
    dm.expect("INC-1: w.a is wrong");
    dm.expect("It was merged into INC-2, and goes on there.");
    bot.slash(ANA, "data-incidents", "INC-2 update both load again").await;
    dm.expect("both load again");
    // It ends before the alerts of the third arrive there.
    let slack = bot.sandbox.slack();
    slack.command(ANA, "data-incidents", "INC-3 merge INC-2").await;
    slack.command(ANA, "data-incidents", "INC-2 resolve done").await;
    bot.settle().await;
    dm.expect("INC-2 is over");
    let fourth = bot.incident(4).await;
    assert_eq!(
        (fourth["title"].as_str(), fourth["status"].as_str()),
        (Some("w.c is wrong"), Some("pending")),
        "{fourth}"
    );
    // What is told to everybody goes to no place that few may see.
    bot.slash(ANA, "data-incidents", "declare salaries leaked --private").await;
    assert!(
        bot.slash(ANA, "data-incidents", "INC-4 move 1 INC-5").await.starts_with("INC-5 is private and INC-4 is not")
    );
    insta::assert_snapshot!(bot.slash(ANA, "data-incidents", "INC-4 merge INC-5").await, @"INC-5 is private and INC-4 is not: whoever follows INC-4 would hear nothing more of what goes there. Merge INC-5 into INC-4, or close this one with /incident dismiss duplicate <reason>.");
    bot.end().await;
}

/// A second incident about the same table takes nothing over from the first.
#[tokio::test]
async fn the_oldest_open_incident_of_an_asset_gets_its_alerts() {
    let bot = Bot::start().await;
    bot.alert("dq", alert("w.a")).await;
    bot.slash(ANA, "data-incidents", "declare! something else about it --on w.a").await;
    let mut other = alert("w.a");
    other["key"] = "another check".into();
    assert_eq!(bot.alert("dq", other.clone()).await["alerts"][0]["incident"], "INC-1");
    bot.slash(ANA, "data-incidents", "INC-2 resolve done").await;
    other["key"] = "a third check".into();
    assert_eq!(bot.alert("dq", other.clone()).await["alerts"][0]["incident"], "INC-1");
    bot.slash(ANA, "data-incidents", "declare! a third about it --on w.a").await;
    bot.slash(ANA, "data-incidents", "INC-1 resolve done").await;
    other["key"] = "a fourth check".into();
    assert_eq!(bot.alert("dq", other).await["alerts"][0]["incident"], "INC-3");
    bot.end().await;
}

/// Nobody gets round the table of who may do what.
#[tokio::test]
async fn the_command_is_not_taken_unasked_and_an_end_is_an_end() {
    let extra = "[permissions.rules]\nstatus = \"commander\"\nread = \"team\"\n[permissions]\nteam = [\"U0ANA00001\", \"U0BEN00001\"]".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    insta::assert_snapshot!(inc.slash(BEN, "merge INC-2").await, @"Only the commander of the incident may change the status. That is Ana. /incident help who shows who may do what.");
    // Somebody is made commander: whoever is asks for no less than who wants it themselves.
    insta::assert_snapshot!(inc.slash(BEN, "assign commander @ben").await, @"INC-1: Ben asked Ana for the command.");
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([ANA]));
    bot.advance(minutes(2)).await;
    assert_eq!(bot.incident(1).await["roles"]["commander"], json!([BEN]));
    assert_eq!(inc.slash(BEN, "assign commander @ana").await, "INC-1: Ben made Ana commander from Ben.");
    // A link shows nothing to those who may not read.
    bot.put("/api/v1/catalog/yaml", "edges: [[w.a, w.z]]".to_owned()).await;
    for (user, shown) in [(CHLOE, false), (BEN, true)] {
        bot.channel("data-incidents").say(user, "see http://127.0.0.1:8080/assets/w.a").await;
        let last = bot.sandbox.slack().messages("data-incidents").pop().unwrap();
        assert_eq!(!last.unfurls.is_null(), shown, "{user}");
    }
    bot.end().await;
}

/// Roles and tasks go to those who can do something with them; the form takes out whom it shows no more, and nobody else.
#[tokio::test]
async fn roles_are_for_members_and_the_form_says_who_has_them() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let slack = bot.sandbox.slack();
    slack.add_bot("U0ROBOT001", "robot");
    slack.add_user("U0NEW00001", "dana", "Dana");
    insta::assert_snapshot!(inc.slash(ANA, "assign responder @guest").await, @"A guest is a guest of this workspace and can do nothing here; name a member.");
    insta::assert_snapshot!(inc.slash(ANA, "task check it <@U0NEW00001>").await, @"I do not know U0NEW00001 yet and have just asked Slack who that is. Please try once more in a few seconds.");
    assert_eq!(inc.slash(ANA, "task check it <@U0NEW00001>").await, "INC-1: Ana added task 1 for Dana: check it.");
    inc.slash(ANA, "assign scribe <@U0ROBOT001>").await;
    insta::assert_snapshot!(inc.slash(ANA, "assign scribe <@U0ROBOT001>").await, @"robot is a bot, deactivated, or of another workspace, and can do nothing here; name a member.");
    inc.slash(BEN, "take command").await;
    inc.slash(ANA, "assign responder @ana @chloe").await;
    inc.enter(ANA);
    inc.card().button("Assign roles").click(ANA).await;
    // While the form is open, Ben takes a second role; the form says nothing of that.
    inc.slash(BEN, "take responder").await;
    let sent = bot.submit(ANA, json!({"commander": BEN, "responder": [ANA], "scribe": CHLOE, "liaison": []})).await;
    assert_eq!(sent.body, "", "taken");
    let roles = bot.incident(1).await["roles"].clone();
    assert_eq!((&roles["responder"], &roles["scribe"]), (&json!([ANA, BEN]), &json!([CHLOE])), "{roles}");
    inc.find("@Ana took @Chloe out of the role of responder.");
    // Whoever has the command gives it back, or is asked.
    inc.card().button("Assign roles").click(ANA).await;
    let refused = bot.submit(ANA, json!({"commander": null, "responder": [ANA], "scribe": CHLOE, "liaison": []})).await;
    insta::assert_snapshot!(refused.body, @"{\"errors\":{\"commander\":\"Ben has the command; name whom it goes to, or let them give it back with `/incident leave commander`.\"},\"response_action\":\"errors\"}");
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
    for words in [
        format!("edit {line} at 99:99"),
        "update good soon next 99:99".to_owned(),
        "update good soon next 999999999h".to_owned(),
        "update good soon next 2020-01-01".to_owned(),
        "remind 2020-01-01".to_owned(),
    ] {
        let told = inc.slash(ANA, &words).await;
        assert!(told.contains("is not a time I understand"), "{words}: {told}");
    }
    assert!(inc.slash(ANA, "since -262143-01-01T00:00:00Z").await.contains("is not a time I understand"));
    assert!(inc.slash(ANA, "timeline").await.contains("the loader hangs"));
    assert!(bot.incident(1).await["next_update"].is_null());
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

/// A channel belongs to one open incident at a time, also when two come at once.
#[tokio::test]
async fn two_incidents_do_not_share_a_channel() {
    let bot = Bot::start().await;
    bot.alert("dq", alert("w.a")).await;
    bot.alert("dq", alert("w.b")).await;
    let slack = bot.sandbox.slack();
    slack.add_channel("loading-crew", &[ANA, BEN]);
    slack.command(ANA, "loading-crew", "INC-1 link").await;
    slack.command(BEN, "loading-crew", "INC-2 link").await;
    bot.settle().await;
    bot.advance(minutes(1)).await;
    let homes: Vec<_> = [bot.incident(1).await, bot.incident(2).await]
        .iter()
        .map(|incident| incident["channel"]["name"] == "loading-crew")
        .collect();
    assert_eq!(homes.iter().filter(|here| **here).count(), 1, "{homes:?}");
    let (winner, loser, asked) = if homes[0] { (1, 2, "dm-ben") } else { (2, 1, "dm-ana") };
    bot.channel(asked).find("it is the channel of another incident");
    // When that one is over, the room is free again.
    bot.slash(ANA, "loading-crew", &format!("INC-{winner} resolve done")).await;
    bot.slash(BEN, "loading-crew", &format!("INC-{loser} link")).await;
    assert_eq!(bot.incident(loser).await["channel"]["name"], "loading-crew");
    assert_eq!(bot.slash(BEN, "loading-crew", "ack").await, format!("INC-{loser}: Ben acknowledged."));
    bot.end().await;
}

/// Slack promises no order: what was taken back before it came stays so, and what was changed before it came is as it was changed.
#[tokio::test]
async fn events_out_of_order_tell_the_same_story() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    let slack = bot.sandbox.slack();
    inc.enter(BEN);
    bot.sandbox.faults().delay_deliveries(true);
    let gone = slack.say(BEN, &inc.name, "my password is hunter2");
    let kept = slack.say(BEN, &inc.name, "the loader hangs");
    slack.edit(&inc.name, &kept, "the loader hangs on a lock");
    slack.edit(&inc.name, &kept, "the loader hangs on a lock of the vacuum");
    slack.delete(&inc.name, &gone);
    bot.sandbox.faults().delay_deliveries(false);
    bot.settle().await;
    slack.react(BEN, &inc.name, &kept, "pushpin");
    bot.settle().await;
    inc.slash(BEN, "postmortem").await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("hangs on a lock of the vacuum") && !draft.contains("hunter2"), "{draft}");
    bot.end().await;
}

/// A form that is sent twice makes one silence.
#[tokio::test]
async fn a_form_sent_twice_silences_once() {
    let extra = "[[routes]]\nname = \"odd\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.channel("data-incidents").find("❓ w.a is wrong").button("Silence").click(ANA).await;
    let slack = bot.sandbox.slack();
    let body =
        slack.submission_body(ANA, &json!({"matcher": "asset=w.a", "until": "1h", "text": "known"})).await.unwrap();
    let (one, other) = tokio::join!(slack.raw_interaction(body.clone()), slack.raw_interaction(body));
    assert_eq!((one.status, other.status), (200, 200));
    bot.settle().await;
    let told = bot.slash(ANA, "data-incidents", "silences").await;
    assert_eq!(told.matches("asset=w.a").count(), 1, "{told}");
    bot.clock.advance(Duration::hours(2));
    bot.settle().await;
    bot.end().await;
}

/// An operator's template that asks for what is not there is no reason to say nothing: the shipped one says it.
#[tokio::test]
async fn a_template_that_fails_is_said_by_the_shipped_one() {
    let folder = crate::harness::folder();
    std::fs::write(folder.path().join("noted.hbs"), "{{event.no_such_thing}}").unwrap();
    let extra = format!("[message_templates]\npath = {:?}", folder.path());
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "note the loader hangs").await;
    inc.find("📝 @Ana: the loader hangs");
    bot.end().await;
}

/// Files whose answer is lost are found again, and come once.
#[tokio::test]
async fn files_whose_answer_is_lost_come_once() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[warehouse.orders, bi.sales]]".to_owned()).await;
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    bot.alert("dq", stale_orders()).await;
    bot.advance(minutes(2)).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    inc.slash(ANA, "postmortem").await;
    bot.advance(minutes(2)).await;
    // A second draft, asked for on purpose, is a second file.
    inc.slash(ANA, "note one more thing").await;
    bot.sandbox.faults().lose_answer("files.completeUploadExternal", 1);
    inc.slash(ANA, "postmortem").await;
    bot.advance(minutes(2)).await;
    let mut files: Vec<_> =
        bot.sandbox.slack().messages(&inc.name).into_iter().filter_map(|one| one.file).map(|file| file.name).collect();
    files.sort();
    assert_eq!(files, ["inc-1-lineage.png", "inc-1-postmortem.md", "inc-1-postmortem.md"]);
    bot.end().await;
}

/// What was written reads as it was written, wherever it goes.
#[tokio::test]
async fn what_people_write_is_read_as_they_wrote_it() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare! R&D rows < 5 --on app.user.id").await;
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["title"].as_str(), incident["assets"][0].as_str()),
        (Some("R&D rows < 5"), Some("app.user.id"))
    );
    let inc = bot.inc(1);
    inc.slash(ANA, "note ask @ben about R&D, see https://grafana.example.com/x").await;
    inc.find("@Ana: ask @Ben about R&D, see https://grafana.example.com/x");
    let said = inc.say(BEN, "rows <5 & falling, ask @chloe").await;
    bot.sandbox.slack().react(BEN, &inc.name, &said, "pushpin");
    bot.settle().await;
    let timeline = inc.slash(ANA, "timeline").await;
    assert!(timeline.contains("Ben said: rows <5 & falling, ask @Chloe"), "{timeline}");
    inc.slash(ANA, "task ask the R&D team @ben friday").await;
    let tasks = inc.slash(ANA, "tasks").await;
    assert!(tasks.contains("ask the R&D team"), "{tasks}");
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

/// Nothing real goes into a drill.
#[tokio::test]
async fn a_drill_takes_nothing_real() {
    let extra = "[[routes]]\nname = \"odd\"\nmatch = \"pillar=distribution\"\naction = \"ask\"".to_owned();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", alert("w.a")).await;
    bot.slash(ANA, "data-incidents", "drill the warehouse burns").await;
    for line in ["INC-1 merge INC-2", "INC-1 move 1 INC-2"] {
        let told = bot.slash(ANA, "data-incidents", line).await;
        assert!(told.starts_with("INC-2 is a drill"), "{told}");
    }
    bot.alert("dq", json!({"key": "o", "title": "odd values", "asset": "w.o", "pillar": "distribution"})).await;
    bot.channel("data-incidents").find("❓ odd values").button("Attach to…").click(ANA).await;
    let form = bot.sandbox.slack().open_views(ANA)[0].view.to_string();
    assert!(form.contains("INC-1") && !form.contains("INC-2"), "{form}");
    bot.end().await;
}

/// A form of roles that is old changes nothing but what its sender changed.
#[tokio::test]
async fn an_old_form_of_roles_takes_nothing_back() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.slash(ANA, "take command").await;
    inc.slash(ANA, "take responder").await;
    inc.enter(CHLOE);
    inc.card().button("Assign roles").click(CHLOE).await;
    inc.slash(ANA, "assign commander @ben").await;
    inc.slash(ANA, "leave responder").await;
    bot.submit(CHLOE, json!({"commander": ANA, "responder": [ANA], "scribe": CHLOE})).await;
    bot.advance(minutes(3)).await;
    let roles = bot.incident(1).await["roles"].clone();
    assert_eq!(roles, json!({"commander": [BEN], "scribe": [CHLOE]}));
    bot.end().await;
}

/// Whoever is in a private incident's channel can work there, with forms too.
#[tokio::test]
async fn whoever_is_in_a_private_channel_can_send_its_forms() {
    let bot = Bot::start().await;
    bot.slash(ANA, "data-incidents", "declare! salaries leaked --private").await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    inc.card().button("Update").click(BEN).await;
    assert_eq!(bot.submit(BEN, json!({"text": "the table is locked"})).await.body, "");
    inc.find("the table is locked");
    inc.card().button("More…").click(BEN).await;
    assert_eq!(bot.submit(BEN, json!({"verb": "note", "rest": "the key was rotated"})).await.body, "");
    inc.find("the key was rotated");
    // Elsewhere he does not even learn that there is one, unless he has something to do there.
    assert!(bot.slash(BEN, "data-incidents", "INC-1 show").await.contains("There is no INC-1"));
    inc.slash(ANA, "task rotate it @ben").await;
    assert!(bot.slash(BEN, "data-incidents", "INC-1 task done 1").await.contains("Ben finished task 1"));
    bot.end().await;
}

/// A button that was pressed twice did it once; and names typed into a form are people.
#[tokio::test]
async fn buttons_pressed_twice_and_names_typed_by_hand() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.slash(ANA, "data-incidents", "declare orders are stale again").await;
    let choice = whispered(&bot, "data-incidents", ANA);
    let slack = bot.sandbox.slack();
    for _ in 0..2 {
        slack.click(ANA, &choice, "Open a new one anyway").await.unwrap();
        bot.settle().await;
    }
    assert_eq!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 2);
    let inc = bot.inc(1);
    inc.enter(ANA);
    inc.card().button("More…").click(ANA).await;
    bot.submit(ANA, json!({"verb": "task", "rest": "tell the vendor @ben friday"})).await;
    let tasks = inc.slash(ANA, "tasks").await;
    assert!(tasks.contains("tell the vendor — @U0BEN00001"), "{tasks}");
    inc.card().button("More…").click(ANA).await;
    bot.submit(ANA, json!({"verb": "assign", "rest": "scribe @Chloe"})).await;
    assert_eq!(bot.incident(1).await["roles"]["scribe"], json!([CHLOE]));
    inc.card().button("More…").click(ANA).await;
    let refused = bot.submit(ANA, json!({"verb": "assign", "rest": "scribe @nobody"})).await;
    assert!(refused.body.contains("I know nobody called @nobody"), "{}", refused.body);
    bot.end().await;
}

/// Where Muster may not whisper, whoever pressed something hears it directly.
#[tokio::test]
async fn who_cannot_be_whispered_to_is_told_directly() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    bot.inc(1).enter(ANA);
    bot.inc(1).slash(BEN, "ack").await;
    bot.sandbox.faults().fail_with("chat.postEphemeral", 1, "channel_not_found");
    let card = bot.inc(1).card().view;
    bot.sandbox.slack().click(ANA, &card, "Update").await.unwrap();
    bot.submit(ANA, json!({"text": "all is well"})).await;
    bot.sandbox.slack().deactivates(ANA);
    bot.settle().await;
    bot.sandbox.slack().click(ANA, &card, "Update").await.unwrap();
    bot.settle().await;
    bot.channel("dm-ana").find("may not post updates");
    bot.end().await;
}

/// A known alert that gets worse pages; one that is over when its incident is over already does not come back.
#[tokio::test]
async fn what_gets_worse_pages_and_what_is_over_stays_over() {
    let bot = Bot::start().await;
    bot.put("/api/v1/catalog/yaml", "edges: [[w.raw, w.child]]".to_owned()).await;
    let leveled = |level: &str| json!({"key": "k", "title": "rows are missing", "asset": "w.raw", "severity": level});
    bot.alert("dq", leveled("warning")).await;
    let pages = bot.sandbox.pagerduty().pages();
    assert_eq!(bot.incident(1).await["severity"], "SEV4");
    bot.alert("dq", leveled("critical")).await;
    let incident = bot.incident(1).await;
    assert_eq!(
        (incident["severity"].as_str(), bot.sandbox.pagerduty().pages() - pages),
        (Some("SEV2"), 1),
        "{incident}"
    );
    bot.inc(1).find("🔺 rows are missing got worse. It is critical now.");
    bot.alert("dq", leveled("warning")).await;
    assert_eq!(bot.incident(1).await["severity"], "SEV2", "a milder repeat makes nothing milder");
    // The end of a child after its incident's end is its end.
    bot.alert("dq", alert("w.child")).await;
    bot.inc(1).slash(ANA, "resolve done").await;
    bot.sandbox.slack().archive(&bot.inc(1).name);
    bot.settle().await;
    let mut over = alert("w.child");
    over["status"] = "resolved".into();
    assert_eq!(bot.alert("dq", over).await["alerts"][0]["outcome"], "resolved");
    let alerts = bot.incident(1).await["alerts"].clone();
    assert_eq!(alerts[1]["status"], "resolved", "{alerts:#}");
    bot.end().await;
}

/// A heartbeat that was taken out of the configuration and put back is watched again.
#[tokio::test]
async fn a_heartbeat_that_comes_back_is_watched() {
    let beat = "[[heartbeats]]\nsource = \"dq\"\nname = \"nightly\"\nevery_minutes = 60\ngrace_minutes = 10".to_owned();
    let bot = Bot::set_up(Setup { extra: beat.clone(), ..Setup::default() }).await;
    let setup = bot.crash();
    let bot = Bot::set_up(Setup { extra: String::new(), ..setup }).await;
    bot.advance(minutes(80)).await;
    let setup = bot.crash();
    let bot = Bot::set_up(Setup { extra: beat, ..setup }).await;
    bot.advance(minutes(9)).await;
    assert!(bot.get("/api/v1/incidents").await["incidents"].as_array().unwrap().is_empty(), "it has its grace");
    bot.advance(minutes(2)).await;
    assert!(bot.incident(1).await["title"].as_str().unwrap().starts_with("No sign of nightly"));
    bot.end().await;
}

/// Every DAG of a schedule has the same run id, each mapped instance fails by itself, and a run that is tried again fails again.
#[tokio::test]
async fn runs_are_told_apart() {
    let extra = ["airflow", "prefect"]
        .map(|kind| format!("[[sources]]\nname = \"{kind}\"\nkind = \"{kind}\"\ntoken_env = \"SOURCE_TOKEN\"\n"))
        .concat();
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    let run = |dag: &str, instance: i64, state: &str| json!({"dag_id": dag, "task_id": "load", "run_id": "scheduled__2026-11-23T00:00:00+00:00", "map_index": instance, "state": state});
    bot.alert("airflow", run("orders", -1, "failed")).await;
    assert_eq!(bot.alert("airflow", run("payroll", -1, "failed")).await["alerts"][0]["incident"], "INC-2");
    bot.alert("airflow", run("files", 3, "failed")).await;
    bot.alert("airflow", run("files", 4, "success")).await;
    assert_eq!(bot.incident(3).await["alerts_firing"], 1, "another instance's success is not this one's");
    let flow = |state: &str, minute: u32| {
        json!({"flow_name": "nightly", "flow_run": {"id": "6a1e", "name": "run"},
            "state": {"type": state, "timestamp": format!("2026-11-23T05:{minute:02}:00Z")}})
    };
    bot.alert("prefect", flow("FAILED", 1)).await;
    bot.slash(ANA, "data-incidents", "INC-4 resolve done").await;
    assert_eq!(bot.alert("prefect", flow("FAILED", 1)).await["alerts"][0]["outcome"], "repeated", "the same once more");
    assert_eq!(bot.alert("prefect", flow("FAILED", 20)).await["alerts"][0]["incident"], "INC-5");
    bot.end().await;
}

/// Who hangs up loses nothing: what was begun is finished, and what is saved is known at once.
#[tokio::test]
async fn who_hangs_up_leaves_nothing_half_done() {
    use tokio::io::AsyncWriteExt as _;
    let bot = Bot::start().await;
    for n in 0..20 {
        let body = alert(&format!("w.t{n}")).to_string();
        let mut line = tokio::net::TcpStream::connect(bot.base.trim_start_matches("http://")).await.unwrap();
        let request = format!(
            "POST /hooks/dq HTTP/1.1\r\nhost: muster\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(request.as_bytes()).await.unwrap();
    }
    bot.settle().await;
    bot.alert("dq", alert("w.last")).await;
    for incident in bot.get("/api/v1/incidents?limit=100").await["incidents"].as_array().unwrap() {
        let asset = incident["assets"][0].as_str().unwrap();
        let status = bot.get(&format!("/api/v1/assets/{asset}/status")).await.to_string();
        assert!(status.contains(incident["id"].as_str().unwrap()), "{asset}: {status}");
    }
    bot.end().await;
}
