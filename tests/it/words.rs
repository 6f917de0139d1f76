//! What the timeline and the post-mortem say: every event of them, in an operator's words, and what earlier versions kept in words.

use std::collections::BTreeSet;
use std::fs;

use chrono::Duration;
use muster::domain::captured::Captured;
use muster::domain::incident::{MessageRef, Notification, Recipient};
use muster::domain::lineage::Whom;
use muster::domain::postmortem::{Fact, Record};
use muster::domain::sla::{Counted, SlaStatement};
use muster::domain::told::Told;
use muster::domain::{Actor, Alert, AssetName, Entry, Event, Incident, Pillar, Status, Task};
use muster::render::timeline::{postmortem_view, sentence};
use muster::render::{Templates, views};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::architecture::{root, sources};
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
    assert_eq!(
        inc.slash(ANA, "since 05:10").await,
        "INC-1: Daten falsch seit 05:10. I read the time as 2026-11-23 05:10 UTC."
    );
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

/// The value with as few fields as it can be read from.
fn least<T: DeserializeOwned>(mut value: Value) -> T {
    for key in value.as_object().unwrap().keys().cloned().collect::<Vec<_>>() {
        let mut without = value.clone();
        without.as_object_mut().unwrap().remove(&key);
        if serde_json::from_value::<T>(without.clone()).is_ok() {
            value = without;
        }
    }
    serde_json::from_value(value).unwrap()
}

/// What templates are tried on: made by the code that makes the views of real messages, once from everything that may be there, and once from
/// what is always there. Views that are written where they are shown are in the fixture as they are.
fn samples() -> Value {
    let mut given: Value = serde_json::from_str(&fixture("samples.json")).unwrap();
    let mut take = |name: &str| given[name].take();
    let templates = Templates::load(None).unwrap();
    let name = |id: &str| if id == "U1" { "Ana".to_owned() } else { "Ben".to_owned() };
    let incident = take("incident");
    let mut incidents: [Incident; 2] = [serde_json::from_value(incident.clone()).unwrap(), least(incident)];
    incidents[1].roles.clear();
    incidents[1].pages.clear();
    incidents[1].assets.clear();
    let actors: [Actor; 2] = [serde_json::from_value(take("actor")).unwrap(), Actor::Muster];
    let (mut messages, mut lines, mut entries) = (Map::new(), Map::new(), Vec::new());
    for event in take("events").as_array().unwrap() {
        let events: [Event; 2] = [serde_json::from_value(event.clone()).unwrap(), least(event.clone())];
        let of = events[0].name();
        let views = [0, 1].map(|n| {
            let mut view = views::event(&templates, &events[n], &actors[n], &incidents[n], &name, start_time());
            view["incident"] = json!({"$incident": true});
            view
        });
        lines.insert(
            of.to_owned(),
            json!(views.clone().map(|mut view| {
                view.as_object_mut().unwrap().remove("incident");
                (view["corrected"], view["deleted"]) = (true.into(), false.into());
                view
            })),
        );
        if templates.has(of) {
            messages.insert(of.to_owned(), json!(views));
        }
        let [event, _] = events;
        entries.push(Entry { seq: 1, at: start_time(), actor: actors[0].clone(), event });
    }
    for (names, view) in take("views").as_object().unwrap() {
        let (full, changes) = if view.is_array() { (&view[0], &view[1]) } else { (view, &Value::Null) };
        let mut least = full.as_object().unwrap().clone();
        least.extend(changes.as_object().cloned().unwrap_or_default());
        least.retain(|_, value| value != "$missing");
        for one in names.split(' ') {
            let of = if one == "corrected" { &mut lines } else { &mut messages };
            of.insert(one.to_owned(), json!([full, least]));
        }
    }
    let (alerts, tasks, messages_of) = (take("alerts"), take("tasks"), take("messages"));
    let alerts: Vec<Alert> = serde_json::from_value(alerts).unwrap();
    let tasks: Vec<Task> = serde_json::from_value(tasks).unwrap();
    let said: Vec<Captured> = serde_json::from_value(messages_of).unwrap();
    let recipient = Recipient { name: "Revenue".to_owned(), ..Recipient::default() };
    let notified = [Notification::new(recipient, Whom::Downstream, start_time())];
    let counted = [Counted { incident: incidents[0].clone(), ends: None }];
    let statement = |sla: Option<String>, of: &[Counted]| {
        SlaStatement::of("warehouse.orders", sla, of, start_time() - Duration::days(30), false, start_time())
    };
    let real =
        [Counted { incident: Incident { drill: false, verdict: None, ..counted[0].incident.clone() }, ends: None }];
    let sla = [statement(Some("by 6:00".to_owned()), &real), statement(None, &counted)];
    let full = Record {
        incident: &incidents[0],
        entries: &entries,
        alerts: &alerts,
        tasks: &tasks,
        messages: &said,
        notified: &notified,
        sla: &sla,
        name: &name,
    };
    let least = Record {
        incident: &incidents[1],
        entries: &[],
        alerts: &[],
        tasks: &[],
        messages: &[],
        notified: &[],
        sla: &[],
        name: &name,
    };
    let link = |_: &MessageRef| "https://acme.slack.com/archives/C1/p1".to_owned();
    let views = [(&full, Some("flowchart TD")), (&least, None)];
    let mut views = views.map(|(of, lineage)| postmortem_view(&templates, of, &link, lineage));
    // What one incident cannot have together with the others.
    let (at, later, asset) =
        (|| "06:10".to_owned(), || "2 h".to_owned(), || AssetName::new("warehouse.orders").unwrap());
    let (about, pillar) = (|| AssetName::new("warehouse.orders"), Some(Pillar::Freshness));
    for (heading, fact) in [
        ("impact", Fact::BadSince { at: at() }),
        ("impact", Fact::GoodSince { at: at() }),
        ("impact", Fact::Told { told: vec![Told { name: "Revenue".to_owned(), by_mail: true }] }),
        ("impact", Fact::NotTold { name: "Ops".to_owned(), why: vec!["no mail server".to_owned()] }),
        ("impact", Fact::ToldNotRecorded { names: vec!["Sales".to_owned()] }),
        ("detection", Fact::ReportedLater { later: later(), about: about(), pillar }),
        ("detection", Fact::NeverReported { about: about(), pillar }),
        ("detection", Fact::RootReportedLater { root: asset(), later: later() }),
        ("people", Fact::Spoke { names: vec!["Ben".to_owned()] }),
        ("questions", Fact::Unfinished { status: Status::Investigating }),
    ] {
        views[0][heading].as_array_mut().unwrap().push(json!(fact));
    }
    messages.insert("postmortem".to_owned(), json!(views));
    let incidents = incidents.each_ref().map(|one| views::incident(one, &name, start_time()));
    json!({"incident": incidents, "messages": messages, "lines": lines})
}

/// As the file has them: a line for each view.
fn written(samples: &Value) -> String {
    let pair = |of: &Value| format!("[\n{},\n{}]", of[0], of[1]);
    let all = |of: &Value| {
        let all = of.as_object().unwrap().iter().map(|(name, of)| format!("\"{name}\": {}", pair(of)));
        all.collect::<Vec<_>>().join(",\n\n")
    };
    format!(
        "{{\"incident\": {},\n\n\"messages\": {{\n\n{}\n}},\n\n\"lines\": {{\n\n{}\n}}}}\n",
        pair(&samples["incident"]),
        all(&samples["messages"]),
        all(&samples["lines"])
    )
}

/// The samples are what real templates are given. Every template of Muster's passes on them, also as a copy of an operator's.
#[test]
fn templates_are_tried_on_what_they_are_really_given() {
    let file = root().join("message-templates/samples.json");
    let samples = written(&samples());
    if std::env::var_os("MUSTER_WRITE_SAMPLES").is_some() {
        fs::write(&file, &samples).unwrap();
    }
    assert!(samples == fs::read_to_string(&file).unwrap(), "MUSTER_WRITE_SAMPLES=1 writes them anew");
    let folder = tempfile::tempdir().unwrap();
    let samples: Value = serde_json::from_str(&samples).unwrap();
    for (name, source) in Templates::load(None).unwrap().sources() {
        assert_eq!(source, "shipped");
        assert!(name == "timeline_lines" || samples["messages"][name].is_array(), "{name} has no sample");
        let from = root().join(format!("message-templates/{name}.hbs"));
        fs::copy(from, folder.path().join(format!("{name}.hbs"))).unwrap();
    }
    let copied = Templates::load(Some(folder.path())).unwrap();
    assert!(copied.sources().values().all(|source| source != "shipped"));
    let mistakes: Vec<_> = copied.mistakes().unwrap().iter().map(ToString::to_string).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    // A name that a sample has is a name that the code gives.
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let given: Value = serde_json::from_str(&fixture("samples.json")).unwrap();
    let mut waiting = vec![&given["views"]];
    let mut names = BTreeSet::new();
    while let Some(value) = waiting.pop() {
        waiting.extend(value.as_array().into_iter().flatten());
        for (name, value) in value.as_object().into_iter().flatten() {
            names.insert(name);
            waiting.push(value);
        }
    }
    names
        .retain(|name| !name.starts_with('$') && !given["views"][name].is_object() && !given["views"][name].is_array());
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| !code.contains(&format!("\"{name}\"")) && !code.contains(&format!("pub {name}:")))
        .collect();
    assert!(unknown.is_empty(), "no code gives these: {unknown:?}");
}
