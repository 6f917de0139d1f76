//! `stats`: how incidents went, and how well monitors do, by people's verdicts on their alerts.

use serde_json::json;

use crate::app::Failure;
use crate::app::cards::{by_severity, median_of, median_taken};
use crate::app::queries::Filter;
use crate::chat::asker::Chat;
use crate::chat::line::Verb;
use crate::chat::reply::Reply;
use crate::domain::{Time, permission};
use crate::records::Verdicts;

/// How many incidents are counted.
const COUNTED: usize = 1000;
/// How many monitors are named.
const NOISY: usize = 10;

pub(crate) static VERB: Verb = Verb {
    words: &["stats"],
    arguments: "[30d]",
    help: "how incidents went, and how monitors do by what people said of their alerts",
    parse: |line| {
        let since = line.past(if line.rest.is_empty() { "30d" } else { line.rest })?;
        line.act(permission::Verb::Read, move |chat, _| Box::pin(said(chat, since)))
    },
};

async fn said(chat: &Chat<'_>, since: Time) -> Result<Reply, Failure> {
    let filter = Filter { since: Some(since), ..Filter::default() };
    let mut incidents = chat.visible(&filter, COUNTED).await?;
    let more = incidents.len() == COUNTED;
    incidents.retain(|one| !one.drill);
    let all = chat.app.verdicts().await?;
    let useful: u32 = all.iter().map(|one| one.useful).sum();
    let total: u32 = all.iter().map(Verdicts::total).sum();
    let percent = |part: f64| format!("{:.0} %", 100.0 * part);
    let noisy: Vec<_> = all
        .iter()
        .filter(|one| one.false_ + one.expected > 0)
        .take(NOISY)
        .map(|one| {
            json!({
                "title": one.title, "source": one.source, "false": one.false_, "expected": one.expected,
                "useful": one.useful, "precision": percent(one.precision()),
            })
        })
        .collect();
    let bad = incidents.iter().filter_map(|one| Some((one.good_again? - one.bad_from?).num_minutes()));
    let medians = [
        median_taken(&incidents, |one| one.acknowledged_at).map(|time| format!("acknowledged in {time}")),
        median_taken(&incidents, |one| one.resolved_at).map(|time| format!("resolved in {time}")),
        median_of(bad.collect()).map(|time| format!("data bad for {time}")),
    ];
    let view = json!({
        "since": since, "incidents": incidents.len(), "one": incidents.len() == 1, "more": more,
        "by_severity": by_severity(&incidents.iter().collect::<Vec<_>>()), "medians": medians.into_iter().flatten().collect::<Vec<_>>(),
        "monitors": all.len(), "total": total, "useful": useful,
        "precision": percent(f64::from(useful) / f64::from(total.max(1))), "noisy": noisy,
    });
    Ok(chat.app.shown("stats", &view, &[]).into())
}
