//! The documents held to the code: manifest, example configuration, README, templates, runbooks.

use std::collections::BTreeSet;

use muster::app::load_library;
use muster::config::{Config, Variables};
use muster::domain::Event;
use muster::domain::runbook::BookKind;
use muster::render::Templates;
use serde_json::Value;
use strum::VariantNames as _;

use crate::architecture::{read, root, sources};
use crate::harness::fixture;
use crate::harness::surfaces::LISTED;

#[test]
fn the_manifest_is_one_that_slack_takes_and_asks_for_what_the_code_uses() {
    let manifest: Value = serde_saphyr::from_str(&read("manifest.yml")).unwrap();
    let schema: Value = serde_json::from_str(&fixture("specs/manifest.schema.2.0.0.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&manifest).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let set = |pointer: &str| -> BTreeSet<String> {
        manifest
            .pointer(pointer)
            .and_then(Value::as_array)
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    let all = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(set("/oauth_config/scopes/bot"), all(&muster::slack::manifest::SCOPES));
    // Every event that is asked for is read.
    assert_eq!(set("/settings/event_subscriptions/bot_events"), all(&muster::slack::manifest::EVENTS));
    for event in muster::slack::manifest::EVENTS {
        let name = event.split('.').next().unwrap();
        let read = muster::slack::inbound::event(&serde_json::json!({"type": name, "tab": "home", "user": "U1"}));
        assert_ne!(read, muster::slack::inbound::SlackEvent::Other, "{event} is asked for and not read");
    }
    let shortcuts = manifest.pointer("/features/shortcuts").and_then(Value::as_array).unwrap();
    let named = shortcuts.iter().map(|shortcut| shortcut["callback_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all(muster::render::Shortcut::VARIANTS), named);
    assert_eq!(manifest.pointer("/features/slash_commands/0/command").and_then(Value::as_str), Some("/incident"));
}

#[test]
fn the_example_configuration_is_right_and_documents_every_key_and_default() {
    let text = read("muster.example.toml");
    let variables: Variables = [
        "MUSTER_SLACK__BOT_TOKEN",
        "MUSTER_SLACK__SIGNING_SECRET",
        "DASHBOARDS_TOKEN",
        "PROM_TOKEN",
        "SODA_TOKEN",
        "PD_TOKEN",
        "PD_ORDERS",
        "GRAFANA_SECRET",
        "MUSTER_PAGERDUTY__API_TOKEN",
    ]
    .map(|name| (name.to_owned(), "0123456789abcdef0123456789abcdef".to_owned()))
    .into();
    let config = Config::parse("muster.example.toml", &text, &variables).unwrap();
    assert!(!config.sources.is_empty() && !config.services.is_empty() && !config.teams.is_empty());
    // Every key of the configuration stands in the example, and keys with a default stand there with it.
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (section, keys) in defaults.as_object().unwrap().iter().filter(|(_, keys)| keys.is_object()) {
        assert!(text.contains(&format!("[{section}]")), "[{section}] is not in the example");
        for (key, value) in keys.as_object().unwrap() {
            // Lists and tables of one's own are shown by an example.
            if value == &serde_json::json!({}) || key == "rules" {
                assert!(text.contains(key.as_str()), "[{section}] {key} is not in the example");
                continue;
            }
            let value = match value {
                Value::Null => String::new(),
                Value::String(word) if word.is_empty() => String::new(),
                value => value.to_string(),
            };
            assert!(
                text.contains(&format!("{key} = {value}")) || text.contains(&format!("{key:<16} = {value}")),
                "[{section}] {key} = {value} is not in the example"
            );
        }
    }
    // The keys of a table in a list are those that a wrong key is answered with.
    let lists = defaults.as_object().unwrap().iter().filter(|(_, list)| list.is_array()).map(|(name, _)| name.as_str());
    for table in lists.chain(["lineage.rules", "rotations.overrides", "sources.mapping", "sources.words"]) {
        let head = table.split('.').next().filter(|head| *head != table && *head != "lineage");
        let head = head.map(|head| format!("[[{head}]]\n")).unwrap_or_default();
        let (open, close) = if table.starts_with("sources.") { ("[", "]") } else { ("[[", "]]") };
        let wrong = format!("{head}{open}{table}{close}\nnonsense = 1\n");
        let told = Config::parse("muster.toml", &wrong, &variables).unwrap_err().to_string();
        let keys = told.split_once("expected").unwrap_or_else(|| panic!("{table}: {told}")).1;
        for key in keys.split('`').skip(1).step_by(2) {
            assert!(text.contains(key), "{table}: {key} is not in the example");
        }
    }
}

/// Events that no message of their own tells.
#[rustfmt::skip]
const SHOWN_ONLY: [&str; 21] = [
    "asset_named", "channel_opened", "message_pinned", "message_unpinned", "notice_mailed", "notice_muted", "notice_posted",
    "notified", "opened", "page_acknowledged", "picture_shown", "pin_edited", "posted", "postmortem_drafted",
    "postmortem_requested", "radius_measured", "reminder_set", "runbook_attached", "step_done", "step_skipped",
    "unknown",
];

#[test]
fn every_shipped_runbook_and_template_is_right_and_one_fits_every_pillar() {
    let library = load_library(None).unwrap();
    for id in [
        "freshness",
        "volume",
        "schema",
        "distribution",
        "failed-pipeline",
        "late-vendor",
        "backfill",
        "permissions",
        "handle-an-incident",
    ] {
        assert!(library.find(id).is_some(), "{id}");
    }
    for pillar in ["freshness", "volume", "schema", "distribution", "pipeline"] {
        let fits = library.all().any(|book| {
            book.head.applies.pillars.iter().any(|one| one.as_str() == pillar) && book.head.kind == BookKind::Runbook
        });
        assert!(fits, "no runbook for {pillar}");
    }
    let templates = Templates::load(None).unwrap();
    // What happens is said in the channel, or it is one of these, which only the card and the timeline show.
    for name in Event::VARIANTS {
        assert_ne!(templates.has(name), SHOWN_ONLY.contains(name), "{name} has words, or is only shown");
    }
}

#[test]
fn a_bad_template_or_runbook_of_an_operator_stops_the_start_with_its_line() {
    let folder = crate::harness::folder();
    std::fs::write(folder.path().join("card.hbs"), "fine\n{{#if}\n").unwrap();
    let error = Templates::load(Some(folder.path())).err().unwrap().to_string();
    assert!(error.contains("card.hbs:2:"), "{error}");
    std::fs::write(folder.path().join("card.hbs"), "mine {{name}}").unwrap();
    assert!(Templates::load(Some(folder.path())).is_ok());
    std::fs::write(folder.path().join("crad.hbs"), "x").unwrap();
    let error = Templates::load(Some(folder.path())).err().unwrap().to_string();
    assert!(error.contains("replaces no template"), "{error}");
    let folder = crate::harness::folder();
    std::fs::write(
        folder.path().join("mine.md"),
        "---\nid: freshness\ntitle: Our own\napplies:\n  pillars: [freshness]\n---\n- [ ] call us\n",
    )
    .unwrap();
    assert_eq!(load_library(Some(folder.path())).unwrap().find("freshness").unwrap().head.title, "Our own");
    std::fs::write(folder.path().join("bad.md"), "---\nid: bad\ntitle: Bad\npillars: []\n---\n- [ ] x\n").unwrap();
    let error = load_library(Some(folder.path())).err().unwrap().to_string();
    assert!(error.contains("bad.md:4:"), "{error}");
    let slip = "---\nid: bad\ntitle: Bad\napplies:\n  pillars: [freshnes]\n---\n- [ ] x\n";
    std::fs::write(folder.path().join("bad.md"), slip).unwrap();
    let error = load_library(Some(folder.path())).err().unwrap().to_string();
    assert!(error.contains("bad.md:5:") && error.contains("“freshnes” is no pillar; there are freshness"), "{error}");
    assert!(!error.contains("at line"), "{error}");
}

#[test]
fn the_readme_runs_what_ci_runs() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    for command in ["cargo test", "cargo run --release -- demo --headless"] {
        assert!(readme.contains(command) && ci.contains(command), "{command}");
    }
    for word in ["sled", "No live Slack or PagerDuty"] {
        assert!(readme.contains(word), "{word}");
    }
}

/// `docs/slack.md` lists every surface, and each with a story that exists. The harness holds each story to its surfaces.
#[test]
fn every_surface_of_slack_has_its_story() {
    let named = |kind: &str| -> BTreeSet<String> {
        LISTED.iter().filter(|((of, _), _)| of == kind).map(|((_, name), _)| name.clone()).collect()
    };
    let mut stories = Vec::new();
    sources(&root().join("tests/it/story"), &mut stories);
    let stories: String = stories.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (_, story) in LISTED.iter() {
        assert!(stories.contains(&format!("async fn {story}()")), "there is no story {story}");
    }
    let listed_in = |registry: &[&str]| -> BTreeSet<String> { registry.iter().map(|one| (*one).to_owned()).collect() };
    assert_eq!(named("command"), muster::chat::VERBS.iter().map(|verb| verb.name().to_owned()).collect());
    assert_eq!(named("button"), listed_in(&muster::render::BUTTONS));
    assert_eq!(named("form"), listed_in(muster::render::Form::VARIANTS));
    let manifest: Value = serde_saphyr::from_str(&read("manifest.yml")).unwrap();
    let of_manifest = |pointer: &str, key: Option<&str>| -> BTreeSet<String> {
        let all = manifest.pointer(pointer).and_then(Value::as_array).unwrap();
        all.iter().map(|one| key.map_or(one, |key| &one[key]).as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named("event"), of_manifest("/settings/event_subscriptions/bot_events", None));
    assert_eq!(named("shortcut"), of_manifest("/features/shortcuts", Some("callback_id")));
    assert!(named("reaction").contains("pushpin") && named("home").contains("home"));
}

/// `docs/commands.md` is made from the verbs. `MUSTER_WRITE_DOCS=1 cargo test --test it commands` writes it anew.
#[test]
fn the_page_of_commands_is_made_from_the_verbs() {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut page = "# Commands\n\n\
        What people can type in Slack. In an incident's channel the incident is implied; elsewhere, put it first: `/incident INC-12 ack`.\n\
        `/incident help` shows the same list, and `/incident help who` shows who may do what here. Every command also has a place in the form \
        *More…* of an incident's card.\n\
        The last column has the other words of a verb: some mean the same, and some are its other forms, such as `unmute` and `edit`.\n\n\
        This page is made from the code, and a test checks that it matches.\n"
        .to_owned();
    for (group, verbs) in muster::chat::GROUPS {
        page.push_str(&format!("\n## {group}\n\n| write | it does | other words of it |\n|---|---|---|\n"));
        for verb in verbs.iter() {
            let others = verb.words[1..].iter().filter(|word| !word.is_empty() && !word.ends_with('!'));
            let others: Vec<_> = others.map(|word| format!("`{word}`")).collect();
            let (usage, help) = (cell(&verb.usage()), cell(verb.help));
            page.push_str(&format!("| `/incident {usage}` | {help} | {} |\n", others.join(" ")));
        }
    }
    if std::env::var_os("MUSTER_WRITE_DOCS").is_some() {
        std::fs::write(root().join("docs/commands.md"), &page).unwrap();
    }
    assert_eq!(read("docs/commands.md"), page);
}
