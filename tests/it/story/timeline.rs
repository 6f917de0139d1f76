//! The timeline as people correct it, and the post-mortem as a file and a canvas.

use crate::harness::*;

#[tokio::test]
async fn the_timeline_is_corrected_with_a_trace_and_follows_slack() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    inc.enter(BEN);
    inc.slash(BEN, "note the load never started").await;
    let ts = inc.say(BEN, "it was the disk").await;
    bot.sandbox.slack().react(ANA, &inc.name, &ts, "pushpin");
    bot.settle().await;
    let told = inc.slash(ANA, "timeline").await;
    let line = |words: &str| {
        let line = told.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} in {told}"));
        line.trim_start_matches("• ").split(' ').next().unwrap().to_owned()
    };
    let (noted, opened) = (line("Ben noted"), line("opened the incident"));
    assert_eq!(
        inc.slash(ANA, &format!("edit {noted} the load never ended")).await,
        format!("INC-1: Ana corrected line {noted} to “the load never ended”.")
    );
    inc.slash(ANA, &format!("edit {noted} at 05:10")).await;
    assert_eq!(opened, "1");
    insta::assert_snapshot!(inc.slash(ANA, "edit 1 something else").await, @"Line 1 of the timeline is Muster's own record of what happened; its words stay. Its time can be corrected: /incident edit 1 at 06:10.");
    insta::assert_snapshot!(inc.slash(ANA, "edit 999 x").await, @"There is no such line. /incident timeline numbers them.");
    insta::assert_snapshot!(inc.slash(ANA, "edit x").await, @"Which line? /incident timeline numbers them. It is written /incident timeline or edit <n> <text|at 06:10>: what happened, numbered; edit corrects the words or the time of a line.");
    // What its author changes in Slack changes here; what is deleted is said to be.
    bot.sandbox.slack().edit(&inc.name, &ts, "it was the disk of loader 2");
    bot.settle().await;
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.contains("05:10 UTC Ben noted: the load never ended (corrected)"), "{draft}");
    assert!(draft.contains("Ben said: it was the disk of loader 2 (corrected)"), "{draft}");
    let marks = || {
        bot.sandbox
            .slack()
            .messages(&inc.name)
            .into_iter()
            .find(|message| message.ts == ts)
            .map(|message| message.reactions)
    };
    assert!(marks().unwrap().contains(&"white_check_mark".to_owned()), "it is marked");
    // A message without words is not one that was deleted.
    bot.sandbox.slack().edit(&inc.name, &ts, "");
    bot.settle().await;
    assert!(!bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("deleted in Slack"));
    bot.sandbox.slack().unreact(ANA, &inc.name, &ts, "pushpin");
    bot.settle().await;
    assert!(!marks().unwrap().contains(&"white_check_mark".to_owned()), "and not any more");
    assert!(!bot.text("/api/v1/incidents/INC-1/postmortem").await.contains("UTC Ben said"));
    bot.end().await;
}

/// The post-mortem is a file always, and a canvas of the channel where the workspace allows one; drafted again, it is the same canvas.
#[tokio::test]
async fn the_post_mortem_is_a_file_and_a_canvas() {
    let bot = Bot::start().await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    bot.sandbox.faults().lose_answer("conversations.canvases.create", 1);
    inc.slash(BEN, "postmortem").await;
    bot.advance(minutes(1)).await;
    let canvas = || bot.sandbox.slack().channel(&inc.name).unwrap().canvas.unwrap();
    assert!(canvas().contains("# Post-mortem") || canvas().contains("INC-1"), "{}", canvas());
    let files = || {
        bot.sandbox
            .slack()
            .messages(&inc.name)
            .iter()
            .filter(|message| message.file.as_ref().is_some_and(|file| file.name.ends_with("postmortem.md")))
            .count()
    };
    assert_eq!(files(), 1);
    assert!(
        inc.view().bookmarks.iter().any(|(title, link)| title == "Post-mortem" && link.contains("/docs/T0MUSTER00/")),
        "{:?}",
        inc.view().bookmarks
    );
    inc.slash(BEN, "fix restarted the loader").await;
    inc.slash(BEN, "postmortem").await;
    assert!(canvas().contains("restarted the loader"), "{}", canvas());
    assert_eq!(files(), 2);
    // Where there are no canvases, the file is enough.
    bot.slash(ANA, "data-incidents", "declare a dashboard is empty").await;
    bot.sandbox.faults().fail_with("conversations.canvases.create", 1, "team_tier_cannot_create_channel_canvases");
    bot.inc(2).slash(ANA, "postmortem").await;
    assert!(bot.sandbox.slack().messages(&bot.inc(2).name).iter().any(|message| message.file.is_some()));
    assert_eq!(bot.inc(2).view().canvas, None);
    bot.end().await;
}
