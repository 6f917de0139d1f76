//! The rows of loads: what is sent to which server, over how many connections, and how it is driven.

use anyhow::bail;
use serde::Serialize;
use serde_json::json;

use super::ceilings::Append;
use super::connection::{Connection, HOOK, request};
use super::drive::{Load, Sender, Until, drive};
use super::options::Plan;
use super::server::{Keeps, Server, Site, TOKEN};

/// How many assets are in open incidents already.
const ASSETS: u64 = 50;
/// How many alerts come again and again.
const KEYS: u64 = 1000;
/// How long to wait, at most, until nothing is left to deliver, in seconds.
pub(super) const CALM: f64 = 30.0;
/// The number of connections for most figures.
pub(super) const USUAL: usize = 64;

/// The server that gets a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    Muster,
    /// The same without the store.
    InMemory,
    Plain,
    Disk,
    Alertmanager,
}

/// Which alerts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Alerts {
    /// Each has another key. They are about few assets, which are in open incidents.
    Distinct,
    /// The same thousand again and again.
    Repeated,
    /// Each is about another asset, and so an incident of its own.
    Own,
}

/// One row: what is sent to which server, over how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Case {
    pub(super) target: Target,
    pub(super) alerts: Alerts,
    pub(super) connections: usize,
}

impl Case {
    /// All rows, in the order of the report.
    pub(super) fn all(with_alertmanager: bool) -> Vec<Self> {
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

    pub(super) async fn drive(self, server: &Server, until: Until) -> anyhow::Result<Load> {
        let mut senders = Vec::new();
        for _ in 0..self.connections {
            senders.push(Posts { connection: Connection::open(server.address).await?, case: self });
        }
        drive(senders, until).await
    }

    /// Sets up what the case needs, and drives it. Also returns how many seconds of a core the server used.
    pub(super) async fn measure(self, plan: &Plan) -> anyhow::Result<(Load, Option<f64>)> {
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
            // The first time does not count as a repeat.
            self.drive(&server, Until::Numbers { from: 0, to: KEYS }).await?;
        }
        let before = server.worked();
        let load = self.drive(&server, until).await?;
        let worked = before.and_then(|before| Some(server.worked()? - before));
        Ok((load, worked))
    }
}

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

/// Brings all assets of a storm into open incidents, and waits until everything is delivered.
pub(super) async fn open_incidents(server: &Server) -> anyhow::Result<()> {
    let alerts: Vec<_> = (0..ASSETS)
        .map(|n| json!({"key": format!("first{n}"), "title": format!("c{n} is broken"), "asset": format!("c{n}")}))
        .collect();
    server.post(&alerts).await?;
    server.rest(CALM).await
}
