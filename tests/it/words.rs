//! What the timeline and the post-mortem say: every event of them, in an operator's words, and what earlier versions kept in words.

use std::collections::BTreeSet;
use std::fs;

use muster::domain::{Actor, Entry, Event};
use muster::render::Templates;
use muster::render::timeline::sentence;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::*;

#[derive(Deserialize)]
struct Sample {
    actor: Actor,
    event: Event,
}

/// What a line says of an event, as it is kept.
fn said(templates: &Templates, sample: &str) -> (&'static str, Option<String>) {
    let Sample { actor, event } = serde_json::from_str(sample).unwrap_or_else(|error| panic!("{sample}: {error}"));
    let of = event.name();
    (of, sentence(templates, &Entry { seq: 1, at: start_time(), actor, event }, &|id| format!("<{id}>")))
}

/// Most samples are as version 0.1 kept them, and say what they said then.
#[test]
fn every_event_is_a_line_or_none() {
    let templates = Templates::load(None).unwrap();
    let samples = fixture("timeline.jsonl");
    let lines: Vec<_> = samples.lines().map(|sample| said(&templates, sample)).collect();
    let shown = lines.iter().map(|(of, line)| format!("{of}: {}", line.as_deref().unwrap_or("no line")));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
    // The template has words for these and for no others.
    let text = include_str!("../../message-templates/timeline_lines.hbs");
    let worded: BTreeSet<_> = text.split("#*inline \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let sampled: BTreeSet<_> = lines.iter().filter(|(_, line)| line.is_some()).map(|(of, _)| *of).collect();
    assert_eq!(worded, &sampled | &BTreeSet::from(["corrected"]));
}

/// What an earlier Muster kept in words, and what is kept of it now, read the same.
#[test]
fn reasons_that_were_words_and_are_values_read_the_same() {
    let templates = Templates::load(None).unwrap();
    let read = json!({"at": "2026-11-23T05:55:00Z", "strangers": ["Eve"]});
    let duty = |from: Value| json!({"type": "duty_named", "duty": [{"rotation": "r", "role": "deputy", "people": ["U1"], "from": from}]});
    let root = |reason: Value| json!({"type": "root_named", "candidates": [{"asset": "w.raw", "reason": reason}]});
    let radius = |mut radius: Value, name: &str, value: Value| {
        radius[name] = value;
        json!({"type": "radius_measured", "radius": radius})
    };
    let size = json!({"assets": 4, "teams": 1});
    let failed = |what: &str| json!({"type": "delivery_failed", "what": what, "why": "x"});
    let why = |why: Value| json!({"type": "delivery_failed", "what": "pin", "why": why});
    let refused = |why: Value| json!({"type": "page_failed", "key": "k", "target": "orders", "why": why});
    let lost = |why: &str| json!({"type": "channel_lost", "name": "inc-1", "why": why});
    let pending = |missing: &[&str]| json!({"type": "opening_pending", "missing": missing});
    let told = |names: &[&str], more: usize| json!({"type": "notices_sent", "whom": "upstream", "names": names, "more": more, "text": null});
    let moved =
        |to: Value| json!({"type": "alert_moved", "alert": "a", "source": "dq", "key": "k", "title": "t", "to": to});
    let clues = json!([
        {"shows_issue": {"pillars": ["freshness", "volume"]}}, "first", {"covers": {"covered": 2, "of": 3}},
        {"changed": {"what": "run_failed", "at": "2026-11-23T05:55:00Z", "text": "disk full"}},
        {"root_before": {"times": 2}}, {"away": {"hops": 1}}
    ]);
    let words = "it shows the issue itself (freshness, volume); it was the first to go bad; 2 of 3 bad assets are it or come from it; a run failed at 05:55 UTC: disk full; it was the root before, 2 times; 1 step away";
    for (before, now) in [
        (duty(json!("PagerDuty, read 05:55 UTC; not found in Slack: Eve")), duty(json!({"pager_duty": read}))),
        (duty(json!("standing in until 2026-11-23 05:55 UTC")), duty(json!({"stand_in": {"until": read["at"]}}))),
        (root(json!(words)), root(clues)),
        (
            radius(size.clone(), "words", json!("3 tables, 1 dashboard, 1 team")),
            radius(size, "counts", json!({"table": 1, "model": 2, "dashboard": 1, "job": 7})),
        ),
        (failed("the incident's card"), failed("show_card")),
        (failed("a channel of its own"), failed("own_channel")),
        (
            why(json!("Slack answered `user_not_found` to pins.add; Slack does not know this person")),
            why(json!({"slack": {"method": "pins.add", "code": "user_not_found"}})),
        ),
        (why(json!("no mail server is configured ([mail] smtp_url)")), why(json!("no_mail_server"))),
        (
            refused(json!("no routing key is configured for orders")),
            refused(json!({"no_routing_key": {"target": "orders"}})),
        ),
        (lost("it is archived"), lost("found_archived")),
        (lost("Slack does not show it any more"), lost("hidden")),
        (pending(&["the channel", "its card", "the page"]), pending(&["channel", "card", "page"])),
        (told(&["a", "b", "3 more"], 0), told(&["a", "b"], 3)),
        (moved(json!("an incident of its own")), moved(Value::Null)),
    ] {
        let line = |event: &Value| {
            said(&templates, &json!({"actor": {"kind": "muster"}, "event": event}).to_string()).1.unwrap()
        };
        assert_eq!(line(&before), line(&now));
    }
}

/// An operator's templates say the timeline and the post-mortem; what theirs leaves unsaid is said as it is shipped.
#[tokio::test]
async fn an_operators_templates_say_the_timeline_and_the_post_mortem() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put(
        "timeline_lines.hbs",
        "{{#*inline \"noted\"}}\nNotiz von {{actor.name}}: {{event.text}}\n{{/inline}}\n{{#*inline \"bad_since\"}}\nDaten falsch seit {{clock event.at}}\n{{/inline}}\n{{#*inline \"reopened\"}}{{event.no_such_thing}}{{/inline}}\n{{#*inline \"corrected\"}}{{line}} (berichtigt){{/inline}}\n",
    );
    put(
        "postmortem.hbs",
        "# Nachlese zu {{name}}\n{{#each impact}}\n{{#if (eq fact \"bad_since\")}}\nfalsch seit {{at}}\n{{/if}}\n{{/each}}\n{{#each timeline}}\n* {{text}}\n{{/each}}\n",
    );
    let extra = format!("[message_templates]\npath = {:?}", folder.path());
    let bot = Bot::set_up(Setup { extra, ..Setup::default() }).await;
    bot.alert("dq", stale_orders()).await;
    let inc = bot.inc(1);
    assert_eq!(
        inc.slash(ANA, "note das Lädchen klemmt & *quietscht*").await,
        "INC-1: Notiz von Ana: das Lädchen klemmt & *quietscht*."
    );
    assert_eq!(inc.slash(ANA, "since 05:10").await, "INC-1: Daten falsch seit 05:10.");
    assert_eq!(inc.slash(ANA, "ack").await, "INC-1: Ana acknowledged.");
    let timeline = inc.slash(ANA, "timeline").await;
    let number =
        |words: &str| timeline.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{timeline}"));
    let note =
        number("Notiz von Ana").trim_start_matches(['•', '-', ' ', '*']).split([' ', '*']).next().unwrap().to_owned();
    assert!(timeline.contains("dq opened the incident: orders are stale for 9 h (SEV2)"), "{timeline}");
    inc.slash(ANA, &format!("edit {note} das Rad klemmt")).await;
    let timeline = inc.slash(ANA, "timeline").await;
    assert!(timeline.contains("Notiz von Ana: das Rad klemmt (berichtigt)"), "{timeline}");
    inc.slash(ANA, "resolve done").await;
    assert_eq!(inc.slash(ANA, "reopen still wrong").await, "INC-1: Ana reopened: still wrong.", "theirs fails at it");
    let draft = bot.text("/api/v1/incidents/INC-1/postmortem").await;
    assert!(draft.starts_with("# Nachlese zu INC-1\nfalsch seit 2026-11-23 05:10 UTC\n* "), "{draft}");
    assert!(draft.contains("\n* Notiz von Ana: das Rad klemmt (berichtigt)\n* "), "{draft}");
    bot.end().await;
    // What would say nothing is seen at the start.
    for (text, what) in [("{{#*inline \"notde\"}}x{{/inline}}", "“notde”"), ("{{event.text}}", "outside of its blocks")]
    {
        put("timeline_lines.hbs", text);
        let error = Templates::load(Some(folder.path())).err().unwrap().to_string();
        assert!(error.contains("timeline_lines.hbs: has") && error.contains(what), "{error}");
    }
}
