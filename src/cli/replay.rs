//! `muster replay` and `muster check --explain`: a recorded payload through today's mapping and rules, without acting.

use std::path::Path;

use anyhow::{Context as _, bail};
use http::HeaderMap;
use serde_json::Value;

use super::opening::load;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::route::RouteAction;
use crate::domain::{Signal, SignalStatus, counted};
use crate::monitors::{self, Context};

/// Reads a payload: a bare body, or `{"source", "body"}` as the API returns it.
pub(super) fn run(config: &Path, source: Option<&str>, file: &Path) -> anyhow::Result<()> {
    let config = load(config)?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let kept: Option<Value> = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .filter(|kept| kept["source"].is_string() && !kept["body"].is_null());
    let named = source.or_else(|| kept.as_ref()?["source"].as_str());
    let names: Vec<_> = config.sources.iter().map(|source| format!("`{}`", source.name)).collect();
    let Some(named) = named else {
        bail!("the file does not name its source. Name one of {} with --source", names.join(", "));
    };
    let Some(source) = config.source(named) else {
        bail!("there is no source `{named}`. The sources are: {}", names.join(", "));
    };
    let body = kept.as_ref().map_or(bytes.clone(), |kept| kept["body"].to_string().into_bytes());
    let headers = HeaderMap::new();
    let context = Context { source, headers: &headers, known: &(), now: Clock::wall().now() };
    let reading = monitors::read(&context, &body)?;
    for signal in &reading.signals {
        explain(&config, signal);
    }
    for unusable in &reading.unusable {
        println!("refused         {} {}", unusable.at, unusable.why);
    }
    if let Some(delivery) = &reading.delivery {
        println!("delivery        {delivery}");
    }
    if reading.signals.is_empty() && reading.unusable.is_empty() {
        println!("nothing         this body says nothing about data");
    }
    Ok(())
}

fn explain(config: &Config, signal: &Signal) {
    let policy = config.policy();
    let line = |what: &str, words: &str| println!("{what:<15} {words}");
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
