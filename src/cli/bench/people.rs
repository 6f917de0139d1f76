//! Measures what people wait for: a page after an alert, and an answer to a slash command, without load and in a storm.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use super::case::{Alerts, CALM, Case, Target, USUAL, open_incidents};
use super::drive::{Times, Until};
use super::options::Plan;
use super::report::Report;
use super::server::{ANA, CHANNEL, Keeps, Server, Site};
use crate::clock::Stopwatch;

pub(super) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::new(&plan.folder, false).await?;
    let server = site.start(Keeps::OnDisk).await?;
    server.rest(CALM).await?;
    let pages = pages(plan, &site, &server).await?;
    report.times("webhook to the page at PagerDuty, idle", &pages);
    open_incidents(&server).await?;
    let mut idle = Vec::new();
    for _ in 0..plan.followed {
        idle.push(list(&site).await?);
    }
    report.times("`/incident list`, idle", &Times::of(idle));
    let storm = Case { target: Target::Muster, alerts: Alerts::Distinct, connections: USUAL };
    let asked = async {
        let (watch, mut took) = (Stopwatch::start(), Vec::new());
        while watch.seconds() < plan.seconds {
            took.push(list(&site).await?);
        }
        anyhow::Ok(took)
    };
    let (load, took) = tokio::join!(storm.drive(&server, Until::Seconds(plan.seconds)), asked);
    report.times("`/incident list`, in a storm", &Times::of(took?));
    report.figure("alerts taken in that storm", load?.per_second, "a second");
    Ok(())
}

/// The times from an alert to its page, one after another, in milliseconds.
async fn pages(plan: &Plan, site: &Site, server: &Server) -> anyhow::Result<Times> {
    let mut took = Vec::new();
    for n in 0..plan.followed {
        let before = site.sandbox.pagerduty().pages();
        let watch = Stopwatch::start();
        let alert = json!({"key": format!("page{n}"), "title": format!("table {n} is gone"), "asset": format!("paged.t{n}"), "severity": "critical"});
        server.post(&[alert]).await?;
        while site.sandbox.pagerduty().pages() == before {
            ensure!(watch.seconds() < 30.0, "an alert was taken and nobody was paged");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(watch.seconds() * 1000.0);
        // So that the next one is measured without load too.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Times::of(took))
}

/// The times from a signed slash command to its answer, in milliseconds.
async fn list(site: &Site) -> anyhow::Result<f64> {
    let watch = Stopwatch::start();
    let answer = site.sandbox.slack().command(ANA, CHANNEL, "list").await;
    let took = watch.seconds() * 1000.0;
    ensure!(
        answer.status == 200 && answer.text().contains("INC-"),
        "`/incident list` was answered with {}",
        answer.body
    );
    Ok(took)
}
