//! `muster replay` and `muster check --explain`: a recorded payload through today's mapping and rules, without acting.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use strum::IntoEnumIterator as _;

use super::opening::{contents, load};
use crate::body::{self, Encoding};
use crate::clock::Clock;
use crate::config::{Config, Source, SourceKind};
use crate::domain::route::RouteAction;
use crate::domain::{Signal, SignalStatus, counted};
use crate::monitors::explain::{self, Part, Trace};
use crate::monitors::pagerduty_v2::{self, Event};
use crate::monitors::{self, Context, Reading};

/// Reads a payload: a bare body, or `{"source", "body"}` as the API returns it.
pub(super) fn run(config: &Path, source: Option<&str>, file: &Path, headers: &[String]) -> anyhow::Result<()> {
    let config = load(config)?;
    let bytes = contents(file)?;
    let kept: Option<Value> =
        body::json::<Value>(&bytes).ok().filter(|kept| kept["source"].is_string() && !kept["body"].is_null());
    let named = source.or_else(|| kept.as_ref()?["source"].as_str());
    let names: Vec<_> = config.sources.iter().map(|source| format!("`{}`", source.name)).collect();
    let Some(named) = named else {
        bail!("the file does not name its source. Name one of {} with --source", names.join(", "));
    };
    // Events of OpenLineage need no source.
    let unnamed = Source::named("openlineage", SourceKind::Openlineage);
    let source = config.source(named).or_else(|| Some(&unnamed).filter(|unnamed| unnamed.name == named));
    let Some(source) = source else {
        bail!("there is no source `{named}`. The sources are: {}", names.join(", "));
    };
    let body = kept.as_ref().map_or(bytes.clone(), |kept| kept["body"].to_string().into_bytes());
    let headers = sent_with(headers)?;
    if let Err(other) = Encoding::of(&headers) {
        bail!("`Content-Encoding: {other}` cannot be read. A monitor that sends it gets 415");
    }
    let context = Context { source, headers: &headers, known: &(), now: Clock::wall().now() };
    let reading = read(&context, &body)?;
    let parsed = body::json::<Value>(&body).ok();
    let again = |changed: &Value| read(&context, changed.to_string().as_bytes()).ok();
    let trace = parsed.map(|parsed| explain::trace(&parsed, &reading, again));
    for (place, signal) in reading.signals.iter().enumerate() {
        tell(&config, signal);
        if let Some(trace) = &trace {
            origins(signal, &trace.made_of[place]);
        }
        if signal.asset.is_none() {
            let (words, lines) = explain::how_to_name_asset(source, signal);
            line("  no asset", &words);
            lines.iter().flat_map(|lines| lines.lines()).for_each(|line| println!("{:18}{line}", ""));
            println!();
        }
    }
    for unusable in &reading.unusable {
        println!("refused         {} {}", unusable.at, unusable.why);
    }
    if let Some(delivery) = &reading.delivery {
        println!("delivery        {delivery}");
    }
    if let Some(import) = &reading.import {
        let named: BTreeSet<_> = import.sightings.iter().filter_map(|sighting| sighting.names.first()).collect();
        println!("lineage         it names {}", counted(named.len(), "asset"));
    }
    if reading.signals.is_empty() && reading.unusable.is_empty() {
        println!("nothing         this body says nothing about data");
    }
    match &trace {
        Some(trace) => leftovers(trace),
        None => println!("fields          the body is no JSON, so where each part came from is not known"),
    }
    Ok(())
}

/// Reads a body as the address of its source does.
fn read(context: &Context<'_>, body: &[u8]) -> anyhow::Result<Reading> {
    if context.source.kind != SourceKind::PagerdutyV2 {
        return Ok(monitors::read(context, body)?);
    }
    let body = monitors::json(body)?;
    let event = if body.get("event_type").is_some() {
        pagerduty_v2::read_v1(context.source, &body, context.now, context.known)
    } else {
        pagerduty_v2::read(context.source, &body, context.now, context.known)
    };
    match event {
        Ok(Event::Signal(signal)) => Ok(Reading { signals: vec![*signal], ..Reading::default() }),
        Ok(Event::Acknowledge { .. }) => Ok(Reading::default()),
        Err(errors) => bail!("{}", errors.join("; ")),
    }
}

fn sent_with(headers: &[String]) -> anyhow::Result<HeaderMap> {
    let one = |header: &String| {
        let (name, value) = header.split_once(':')?;
        Some((HeaderName::try_from(name.trim()).ok()?, HeaderValue::try_from(value.trim()).ok()?))
    };
    let wrong = |header: &String| anyhow::anyhow!("`{header}` is no header; write it as `name: value`");
    headers.iter().map(|header| one(header).ok_or_else(|| wrong(header))).collect()
}

fn line(what: &str, words: &str) {
    println!("{what:<15} {words}");
}

/// From which fields the parts of an alert came.
fn origins(signal: &Signal, made_of: &[(Part, String)]) {
    let of = |part: Part| {
        let fields: Vec<_> =
            made_of.iter().filter(|(known, _)| *known == part).map(|(_, field)| field.as_str()).collect();
        let more = fields.len().saturating_sub(SHOWN);
        let shown = fields[..fields.len() - more].join(" ");
        if more > 0 { format!("{shown} and {}", counted(more, "more field")) } else { shown }
    };
    println!("  made of");
    for part in Part::iter() {
        let fields = of(part);
        let without = match part {
            Part::Status => "no field changes it",
            Part::Pillar => "no field says it",
            Part::Severity => "no field says it; Muster takes error",
            Part::Time => "no field is a time; Muster takes the time at which it arrives",
            Part::Asset if signal.asset.is_none() => "no field says it",
            Part::Owner if signal.owner.is_none() => "no field says it",
            _ => "",
        };
        let name: &str = part.into();
        match (fields.as_str(), without) {
            ("", "") => {}
            ("", without) => println!("    {name:<13} {without}"),
            (fields, _) => println!("    {name:<13} {fields}"),
        }
    }
    println!();
}

/// The most fields that are shown in one line.
const SHOWN: usize = 12;

/// The fields that no alert was made of.
fn leftovers(trace: &Trace) {
    let list = |what: &str, fields: &[String]| {
        if fields.is_empty() {
            return;
        }
        let more = fields.len().saturating_sub(SHOWN * 4);
        let shown = fields[..fields.len() - more].join(" ");
        let more = if more > 0 { format!(" and {}", counted(more, "more field")) } else { String::new() };
        line(what, &format!("{shown}{more}"));
    };
    list("used besides", &trace.besides);
    list("not used", &trace.unused);
    if trace.untried > 0 {
        line("not tried", &format!("{}: the body has too many", counted(trace.untried, "field")));
    }
}

fn tell(config: &Config, signal: &Signal) {
    let policy = config.policy();
    let status = if signal.status == SignalStatus::Firing { "firing" } else { "resolved" };
    line(status, &signal.title);
    line("  key", &signal.key);
    line("  asset", signal.asset.as_ref().map_or("none", |asset| asset.as_str()));
    line("  pillar, level", &format!("{}, {}", signal.pillar.as_str(), signal.level.as_str()));
    if !signal.labels.is_empty() {
        let labels: Vec<_> = signal.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line("  labels", &labels.join(" "));
    }
    if signal.status == SignalStatus::Resolved {
        println!();
        return;
    }
    let now = Clock::wall().now();
    for window in policy.windows.iter().filter(|window| window.matcher.matches(signal)) {
        let when = window
            .holds(now)
            .map_or_else(|| "not now".to_owned(), |until| format!("until {}", until.format("%Y-%m-%d %H:%M UTC")));
        line("  maintenance", &format!("`{}` hides it, {when}", window.name));
    }
    for route in &policy.routes {
        let matches = route.matches(signal);
        let matcher = route.matcher.as_ref().map_or_else(|| "everything".to_owned(), ToString::to_string);
        line(
            "  route",
            &format!(
                "`{}` ({matcher}) {}",
                route.name,
                if matches { "matches, and decides" } else { "does not match" }
            ),
        );
        if matches {
            break;
        }
    }
    let route = policy.route_of(signal);
    let becomes = match route.map(|route| (route.action, route.pending_minutes)) {
        Some((RouteAction::Ignore, _)) => "nothing: its route ignores it".to_owned(),
        Some((RouteAction::Ask, _)) => "a card that asks people".to_owned(),
        Some((RouteAction::Open, minutes)) if minutes > 0 => {
            format!("an incident, if it goes on for {}", counted(minutes as usize, "minute"))
        }
        _ => "an incident at once".to_owned(),
    };
    let (severity, because) = policy.severity_for(signal, None);
    let service = policy.service_for(signal).map(|service| service.name.as_str());
    line("  becomes", &format!("{becomes}, unless it belongs to an open one"));
    line("  severity", &format!("{severity}, because {because}"));
    let page_from = policy.page_target(service).page_from;
    let pages = if severity <= page_from { "pages" } else { "pages nobody" };
    line("  service", &format!("{}, {pages} (from {page_from} on)", service.unwrap_or("none")));
    println!();
}
