//! What an operator's templates say, and what records of earlier versions say: the timeline's lines, every event of them.

use muster::domain::{Actor, Entry, Event};
use muster::render::Templates;
use muster::render::timeline::sentence;
use serde::Deserialize;

use super::harness::{fixture, start_time};

#[derive(Deserialize)]
struct Sample {
    actor: Actor,
    event: Event,
}

#[test]
fn every_event_is_a_line_or_none() {
    let templates = Templates::load(None).unwrap();
    let lines: Vec<String> = fixture("timeline.jsonl")
        .lines()
        .map(|line| {
            let Sample { actor, event } = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let of = event.name();
            let entry = Entry { seq: 1, at: start_time(), actor, event };
            let said = sentence(&templates, &entry, &|id| format!("<{id}>"));
            format!("{of}: {}", said.unwrap_or_else(|| "no line".to_owned()))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
