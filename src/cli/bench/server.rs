//! The servers under test, each in its own process: Muster on a throw-away store with the pretend Slack and PagerDuty, the plain
//! server, and Alertmanager. This starts them, measures them from outside, and ends them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::connection::{Connection, HOOK, request};
use crate::cli::throwaway::Throwaway;
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, Variables};
use crate::sandbox::{Sandbox, SandboxConfig};

/// The token of the monitor, and of the API.
pub(super) const TOKEN: &str = "a-token-of-the-bench";
/// The person who asks in the pretend Slack.
pub(super) const ANA: &str = "U0ANA00001";
/// The channel where she asks, and where incidents are announced.
pub(super) const CHANNEL: &str = "data-incidents";
/// How long a start may take.
const START: Duration = Duration::from_secs(300);
/// Linux counts the time of processes in hundredths of a second, on every machine that Rust supports.
const TICKS: f64 = 100.0;

/// A folder, the pretend services, and a configuration that uses both.
pub(super) struct Site {
    folder: Throwaway,
    pub(super) sandbox: Sandbox,
    variables: Variables,
}

/// The store that Muster uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    OnDisk,
    InMemory,
}

impl Site {
    /// With `announced`, every incident has its line in the announcement channel, as usual. Slack takes one line per second there.
    pub(super) async fn new(beside: &Path, announced: bool) -> anyhow::Result<Self> {
        let folder = Throwaway::within(beside, "muster-bench")?;
        let clock = Clock::wall();
        let settings = SandboxConfig::new(Arc::new(move || clock.now()));
        let sandbox = Sandbox::start(settings.clone()).await.context("cannot start the pretend Slack")?;
        sandbox.slack().add_user(ANA, "ana", "Ana");
        sandbox.slack().add_channel(CHANNEL, &[ANA]);
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n[store]\npath = {:?}\n\
             [slack]\nteam_id = {:?}\napi_url = {:?}\nannounce_channel = {:?}\n[pagerduty]\nevents_url = {:?}\n\
             [[sources]]\nname = \"bench\"\nkind = \"generic\"\ntoken_env = \"BENCH_TOKEN\"\n",
            folder.path().join("data"),
            settings.team_id,
            sandbox.slack_api_url(),
            if announced { CHANNEL } else { "" },
            sandbox.pagerduty_url(),
        );
        std::fs::write(folder.path().join("muster.toml"), text).context("cannot write into the temporary folder")?;
        let variables = [
            ("MUSTER_SLACK__BOT_TOKEN", settings.bot_token.as_str()),
            ("MUSTER_SLACK__SIGNING_SECRET", &settings.signing_secret),
            ("MUSTER_PAGERDUTY__ROUTING_KEY", &settings.routing_keys[0]),
            ("MUSTER_PAGERDUTY__WEBHOOK_SECRETS", &settings.pagerduty_webhook_secret),
            ("MUSTER_API__TOKEN", TOKEN),
            ("BENCH_TOKEN", TOKEN),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Ok(Self { folder, sandbox, variables })
    }

    /// A command of this program, at this site. It gets none of our own variables, so that it cannot reach a real Slack.
    pub(super) fn muster(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe().context("this program does not find itself")?);
        command.args(arguments).arg("--config").arg(self.folder.path().join("muster.toml"));
        command.env_clear().envs(&self.variables).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }

    /// The same configuration, for a bot in this process.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let text = std::fs::read_to_string(self.folder.path().join("muster.toml"))?;
        Ok(Config::parse("muster.toml", &text, &self.variables)?)
    }

    /// Starts a bot. It listens when this returns.
    pub(super) async fn start(&self, keeps: Keeps) -> anyhow::Result<Server> {
        let server = Server::that_says_where(match keeps {
            Keeps::OnDisk => self.muster(&["serve"])?,
            Keeps::InMemory => self.muster(&["bench", "--stand-in", "memory"])?,
        })
        .await?;
        self.sandbox.connect(&format!("http://{}", server.address));
        Ok(server)
    }

    /// The size of the store on disk, without its ballast.
    pub(super) fn bytes(&self) -> u64 {
        fn size(path: &Path) -> u64 {
            let files = std::fs::read_dir(path).into_iter().flatten().flatten();
            files
                .filter(|file| !["ballast", "before-recovery"].iter().any(|name| file.file_name() == *name))
                .map(|file| match file.metadata() {
                    Ok(metadata) if metadata.is_dir() => size(&file.path()),
                    Ok(metadata) => metadata.len(),
                    Err(_) => 0,
                })
                .sum()
        }
        size(&self.folder.path().join("data"))
    }
}

/// The command and the version of Alertmanager; `None` if it is not installed.
pub(super) fn alertmanager() -> Option<(&'static str, String)> {
    ["prometheus-alertmanager", "alertmanager"].into_iter().find_map(|name| {
        let output = Command::new(name).arg("--version").stdin(Stdio::null()).output().ok()?;
        // Old versions print the version to standard error, newer ones to standard output.
        let told = [output.stdout, output.stderr].concat();
        Some((name, String::from_utf8_lossy(&told).split(" (").next()?.trim().to_owned()))
    })
}

/// Sends one request, over its own connection.
pub(super) async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.ask(&request("GET", path, TOKEN, "")).await?;
    Ok((answer.status, String::from_utf8_lossy(answer.body).into_owned()))
}

/// Waits until a path answers with 200.
pub(super) async fn answers(address: SocketAddr, path: &str) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while !matches!(get(address, path).await, Ok((200, _))) {
        ensure!(watch.seconds() < START.as_secs_f64(), "{path} does not answer with 200");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// A process under test. It ends when this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// Only Alertmanager needs its own folder.
    _folder: Option<Throwaway>,
}

impl Server {
    /// The plain server, which reads JSON and keeps nothing.
    pub(super) async fn plain() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("this program does not find itself")?);
        command.args(["bench", "--stand-in", "plain"]).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        Self::that_says_where(command).await
    }

    /// Alertmanager, without receivers.
    pub(super) async fn alertmanager(beside: &Path) -> anyhow::Result<Self> {
        let (name, _) = alertmanager().context("Alertmanager is not installed any more")?;
        let folder = Throwaway::within(beside, "muster-bench-alertmanager")?;
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n")?;
        // Take a port that was free a moment ago, because Alertmanager does not say which one it took.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(name);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let server = Self { child, address, _folder: Some(folder) };
        answers(address, "/-/ready").await.with_context(|| format!("{name} was started"))?;
        Ok(server)
    }

    /// Starts a process that logs where it listens, as `muster serve` does.
    async fn that_says_where(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stderr(Stdio::piped()).spawn().context("cannot start the server")?;
        let log = child.stderr.take().context("the server has no log")?;
        let (say, said) = oneshot::channel();
        std::thread::spawn(move || {
            let (mut say, mut told) = (Some(say), Vec::new());
            // Its output must be read to the end, or it would block.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if say.is_none() {
                    continue;
                }
                let read: Value = serde_json::from_str(&line).unwrap_or_default();
                match read["address"].as_str().and_then(|address| address.parse::<SocketAddr>().ok()) {
                    Some(address) => say.take().map_or((), |say| drop(say.send(Ok(address)))),
                    None => told.push(line),
                }
            }
            if let Some(say) = say {
                // Sending fails only if the start took too long.
                let _ = say.send(Err(told.join("\n")));
            }
        });
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), _folder: None };
        match tokio::time::timeout(START, said).await {
            Ok(Ok(Ok(address))) => server.address = address,
            Ok(Ok(Err(told))) => bail!("the server ended before it listened:\n{told}"),
            _ => bail!("the server does not listen after {} s", START.as_secs()),
        }
        Ok(server)
    }

    /// Posts alerts to a bot, all in one request.
    pub(super) async fn post(&self, alerts: &[Value]) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.ask(&request("POST", HOOK, TOKEN, &json!(alerts).to_string())).await?;
        ensure!(answer.status == 202, "alerts were answered with {}", answer.status);
        Ok(())
    }

    /// Waits until a bot has delivered everything to Slack and PagerDuty, or for this many seconds.
    pub(super) async fn rest(&self, at_most: f64) -> anyhow::Result<()> {
        let (watch, mut before, mut since) = (Stopwatch::start(), String::new(), Stopwatch::start());
        // Slack takes one message per second and channel, so a shorter silence proves nothing.
        while since.seconds() < 1.5 && watch.seconds() < at_most {
            let (_, metrics) = get(self.address, "/metrics").await?;
            let delivered: Vec<_> = metrics.lines().filter(|line| line.starts_with("muster_deliveries")).collect();
            let delivered = delivered.join("\n");
            if delivered != before {
                (before, since) = (delivered, Stopwatch::start());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Its resident memory, in MiB; `None` if the system does not say.
    pub(super) fn resident(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
        Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
    }

    /// The seconds of a core that it has used; `None` if the system does not say.
    pub(super) fn worked(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The name, in brackets, may contain anything. User and system time are the twelfth and thirteenth fields after it.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<f64>().ok();
        Some((ticks()? + ticks()?) / TICKS)
    }

    /// Ends it as an operator would, and waits.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        // Every shell has `kill`; a program of that name may be missing.
        let told = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        ensure!(told.is_ok_and(|status| status.success()), "the server cannot be told to stop");
        let watch = Stopwatch::start();
        while self.child.try_wait()?.is_none() {
            ensure!(watch.seconds() < 60.0, "the server does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
