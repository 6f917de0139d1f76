//! `muster bench`: what this machine makes of it, in one command. Muster runs as a process of its own on a throw-away store,
//! beside the pretend Slack and PagerDuty; the load comes from here, over loopback. What is measured, in which order, is here;
//! what people wait for is in `people`, what grows with the store in `stored`, and how it is said in `report`.

mod ceilings;
mod client;
mod load;
mod people;
mod report;
mod server;
mod stored;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use ceilings::Append;
use client::{Connection, request};
use load::{Load, Sender, Until, drive};
use report::Report;
use server::{Keeps, Server, Site, TOKEN};

use crate::clock::Clock;
use crate::store::MemoryEngine;

/// Where alerts are posted to, at a bot and at the plain server.
const HOOK: &str = "/hooks/bench";
/// So many assets are in open incidents already.
const ASSETS: u64 = 50;
/// So many alerts come again and again.
const KEYS: u64 = 1000;
/// How long it is waited, at most, until nothing is left to tell, in seconds.
const CALM: f64 = 30.0;
/// How many connections most figures are of.
const USUAL: usize = 64;

/// What is measured, and for how long.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// How long each load lasts, in seconds [default: 3].
    #[arg(long, value_parser = seconds)]
    seconds: Option<f64>,
    /// How many incidents are stored for measuring the start [default: 100000].
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    incidents: Option<u64>,
    /// A tenth of everything, or less: to see that it works, not to learn figures.
    #[arg(long)]
    quick: bool,
    /// Also drive an installed Prometheus Alertmanager.
    #[arg(long)]
    vs_alertmanager: bool,
    /// Only the loads whose row has these words in it, and nothing else: `--only "distinct alerts, 64"`.
    #[arg(long)]
    only: Option<String>,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
    /// Where the throw-away stores are made; it should be on the disk that Muster will write to [default: the system's temporary folder].
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Serve as what is measured; the command starts itself so.
    #[arg(long, hide = true)]
    stand_in: Option<StandIn>,
    /// The configuration of a stand-in.
    #[arg(long, hide = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StandIn {
    /// A bot that keeps everything in memory.
    Memory,
    /// A server that keeps nothing.
    Plain,
}

fn seconds(word: &str) -> Result<f64, String> {
    match word.parse() {
        Ok(seconds) if (0.1..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number from 0.1 to 600".to_owned()),
    }
}

/// The options, once they are all decided.
struct Plan {
    seconds: f64,
    incidents: u64,
    /// How many active alerts the memory is measured at.
    active: [u64; 2],
    /// How many alerts are followed to the pager, and how many commands are asked for in peace.
    followed: u64,
    folder: PathBuf,
    only: Option<String>,
}

impl Plan {
    fn of(options: &Options) -> Self {
        let tenth = if options.quick { 10 } else { 1 };
        Self {
            seconds: options.seconds.unwrap_or(if options.quick { 0.3 } else { 3.0 }),
            incidents: options.incidents.unwrap_or(100_000 / tenth),
            active: [10_000 / (tenth * tenth), 100_000 / (tenth * tenth)],
            followed: 50 / tenth,
            folder: options.folder.clone().unwrap_or_else(std::env::temp_dir),
            only: options.only.clone(),
        }
    }
}

/// What a load is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    /// The real program.
    Muster,
    /// The same, with the store left out.
    InMemory,
    /// The plain server.
    Plain,
    /// A file.
    Disk,
    /// Prometheus' own.
    Alertmanager,
}

/// Which alerts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Alerts {
    /// Each of another key, of few assets, which are in open incidents.
    Distinct,
    /// The same thousand again and again.
    Repeated,
    /// Each of another asset, and so an incident of its own.
    Own,
}

/// One row: what is sent to what, over how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Case {
    target: Target,
    alerts: Alerts,
    connections: usize,
}

impl Case {
    /// Every row, in the order in which it is printed.
    fn all(with_alertmanager: bool) -> Vec<Self> {
        use Alerts::{Distinct, Own, Repeated};
        use Target::{Alertmanager, Disk, InMemory, Muster, Plain};
        let mut all = Vec::new();
        let mut add = |target, alerts, counts: &[usize]| {
            all.extend(counts.iter().map(|connections| Self { target, alerts, connections: *connections }));
        };
        let every = [1, USUAL, 256];
        for alerts in [Distinct, Repeated, Own] {
            add(Muster, alerts, &every);
        }
        for alerts in [Distinct, Repeated, Own] {
            add(InMemory, alerts, &[USUAL]);
        }
        add(Disk, Distinct, &every);
        add(Plain, Distinct, &every);
        if with_alertmanager {
            add(Alertmanager, Distinct, &[USUAL]);
            add(Alertmanager, Repeated, &[USUAL]);
        }
        all
    }

    /// The n-th request.
    fn request(self, n: u64) -> Vec<u8> {
        let n = if self.alerts == Alerts::Repeated { n % KEYS } else { n };
        if self.target == Target::Alertmanager {
            let alert = format!(
                r#"[{{"labels":{{"alertname":"check{n}","dataset":"c{}","severity":"error"}},"annotations":{{"summary":"check {n} failed"}}}}]"#,
                n % ASSETS
            );
            return request("POST", "/api/v2/alerts", TOKEN, &alert);
        }
        let (kind, asset) = match self.alerts {
            Alerts::Distinct => ("d", format!("c{}", n % ASSETS)),
            Alerts::Repeated => ("r", format!("c{}", n % ASSETS)),
            Alerts::Own => ("o", format!("own.t{n}")),
        };
        let alert = format!(r#"{{"key":"{kind}{n}","title":"check {n} failed","asset":"{asset}","severity":"error"}}"#);
        request("POST", HOOK, TOKEN, &alert)
    }

    /// Drives a server that runs.
    async fn drive(self, server: &Server, until: Until) -> anyhow::Result<Load> {
        let mut senders = Vec::new();
        for _ in 0..self.connections {
            senders.push(Posts { connection: Connection::open(server.address).await?, case: self });
        }
        drive(senders, until).await
    }

    /// Sets up what the case needs, and drives it; with the seconds of a core that the server worked.
    async fn measure(self, plan: &Plan) -> anyhow::Result<(Load, Option<f64>)> {
        let until = Until::Seconds(plan.seconds);
        let site;
        let server = match self.target {
            Target::Disk => {
                let appends = vec![Append::to_a_file(&plan.folder)?; self.connections];
                return Ok((drive(appends, until).await?, None));
            }
            Target::Plain => Server::plain().await?,
            Target::Alertmanager => Server::alertmanager(&plan.folder).await?,
            Target::Muster | Target::InMemory => {
                site = Site::new(&plan.folder, self.alerts == Alerts::Own).await?;
                let keeps = if self.target == Target::Muster { Keeps::OnDisk } else { Keeps::InMemory };
                let server = site.start(keeps).await?;
                if self.alerts != Alerts::Own {
                    open_incidents(&server).await?;
                }
                server
            }
        };
        if self.alerts == Alerts::Repeated {
            // The first time is not again.
            self.drive(&server, Until::Numbers { from: 0, to: KEYS }).await?;
        }
        let before = server.worked();
        let load = self.drive(&server, until).await?;
        let worked = before.and_then(|before| Some(server.worked()? - before));
        Ok((load, worked))
    }
}

/// Posts the requests of a case.
struct Posts {
    connection: Connection,
    case: Case,
}

impl Sender for Posts {
    async fn send(&mut self, n: u64) -> anyhow::Result<bool> {
        match self.connection.ask(&self.case.request(n)).await?.status {
            200 | 202 => Ok(true),
            429 | 503 => Ok(false),
            status => bail!("an alert was answered with {status}"),
        }
    }
}

/// Brings all assets of a storm into open incidents, and waits until everybody knows.
async fn open_incidents(server: &Server) -> anyhow::Result<()> {
    let alerts: Vec<_> = (0..ASSETS)
        .map(|n| json!({"key": format!("first{n}"), "title": format!("c{n} is broken"), "asset": format!("c{n}")}))
        .collect();
    server.post(&alerts).await?;
    server.rest(CALM).await
}

pub(super) async fn run(options: Options) -> anyhow::Result<()> {
    match (options.stand_in, &options.config) {
        (Some(StandIn::Plain), _) => return ceilings::serve_plain().await,
        (Some(StandIn::Memory), Some(config)) => {
            return super::serve(config, async |_| Ok(MemoryEngine::open()?)).await;
        }
        (Some(StandIn::Memory), None) => bail!("a stand-in needs --config"),
        (None, _) => {}
    }
    crate::telemetry::install_crypto();
    let plan = Plan::of(&options);
    let mut report = Report::begin(Clock::wall().now(), &plan, options.quick);
    tokio::select! {
        measured = measure(&plan, options.vs_alertmanager, &mut report) => measured?,
        // What was started and written goes away with what is dropped here.
        () = super::told_to_stop() => bail!("stopped before the end"),
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
        report.loads.push(report::Row::of(case, load, worked));
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
