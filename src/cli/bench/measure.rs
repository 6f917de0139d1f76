//! What is measured, in which order.

use anyhow::bail;

use super::case::Case;
use super::options::{Options, Plan, StandIn};
use super::report::{Report, Row};
use super::{ceilings, people, server, stored};
use crate::cli::serve::serve;
use crate::cli::signals::Signals;
use crate::clock::Clock;
use crate::store::MemoryEngine;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    match (options.stand_in, &options.config) {
        (Some(StandIn::Plain), _) => return ceilings::serve_plain().await,
        (Some(StandIn::Memory), Some(config)) => {
            return serve(config, async |_| Ok(MemoryEngine::open()?)).await;
        }
        (Some(StandIn::Memory), None) => bail!("a stand-in needs --config"),
        (None, _) => {}
    }
    crate::telemetry::install_crypto();
    let plan = Plan::of(&options);
    let mut signals = Signals::listen()?;
    let mut report = Report::begin(Clock::wall().now(), &plan, options.quick);
    tokio::select! {
        measured = measure(&plan, options.vs_alertmanager, &mut report) => measured?,
        // What was started and written goes away with what is dropped here.
        () = signals.next() => bail!("stopped before the end"),
    }
    report.compare();
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.markdown());
    }
    Ok(())
}

async fn measure(plan: &Plan, with_alertmanager: bool, report: &mut Report) -> anyhow::Result<()> {
    let alertmanager = if with_alertmanager { server::alertmanager() } else { None };
    match &alertmanager {
        Some((_, version)) => report.note(format!("Beside it: {version}, with one receiver that tells nobody.")),
        None if with_alertmanager => {
            report.note("Alertmanager is not installed here, so it was left out: `apt-get install prometheus-alertmanager`, then again.".to_owned());
        }
        None => {}
    }
    if plan.only.as_ref().is_some_and(|words| !Case::all(true).iter().any(|case| case.words().contains(words.as_str())))
    {
        let all: Vec<_> = Case::all(true).into_iter().map(Case::words).collect();
        bail!("no load has these words in its row; there are:\n{}", all.join("\n"));
    }
    if !plan.folder.is_dir() {
        bail!("there is no folder {}", plan.folder.display());
    }
    let asked = |case: &Case| plan.only.as_ref().is_none_or(|words| case.words().contains(words.as_str()));
    for case in Case::all(alertmanager.is_some()).into_iter().filter(asked) {
        eprintln!("{} …", case.words());
        let (load, worked) = case.measure(plan).await?;
        report.loads.push(Row::of(case, load, worked));
    }
    if plan.only.is_some() {
        return Ok(());
    }
    eprintln!("what people wait for …");
    people::measure(plan, report).await?;
    eprintln!("{} active alerts …", plan.active[1]);
    stored::alerts(plan, report).await?;
    eprintln!("{} stored incidents …", plan.incidents);
    stored::incidents(plan, report).await
}
