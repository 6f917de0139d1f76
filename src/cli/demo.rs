//! `muster demo`: the bot and the sandbox in one process. Three people play a data incident: `orders` goes stale, and then its rows
//! come back broken. The alerts are bodies of a real Alertmanager, with the times of the story.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use chrono::{Duration, TimeZone as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::signals::Signals;
use super::throwaway::Throwaway;
use crate::Muster;
use crate::clock::Clock;
use crate::config::{Config, Variables};
use crate::domain::Lane;
use crate::sandbox::{Answer, MessageView, Sandbox, SandboxConfig};
use crate::store::sled;

const TOKEN: &str = "demo-source-token";
const API_TOKEN: &str = "demo-api-token-0123";
const ANA: &str = "U0ANA00001";
const BEN: &str = "U0BEN00001";
const CHLOE: &str = "U0CHLOE001";

/// The lineage of the demo's warehouse.
const CATALOG: &str = r##"
assets:
  - {name: shop.raw_orders, kind: source, owners: [{name: Ingest, slack: "#ingest"}], checks: [freshness]}
  - {name: staging.orders, kind: model, owners: [orders], upstream: [shop.raw_orders, shop.currencies]}
  - {name: analytics.orders, kind: model, tier: 1, sla: by 06:00 UTC with no day missing, owners: [orders], checks: [freshness, volume], upstream: [staging.orders]}
  - {name: analytics.revenue_daily, kind: model, owners: [{name: Revenue analytics, slack: "#revenue-analytics"}], upstream: [analytics.orders]}
  - {name: revenue dashboard, kind: dashboard, tier: 1, owners: [{name: Revenue analytics, slack: "#revenue-analytics"}], upstream: [analytics.revenue_daily]}
"##;

/// What Alertmanager sent when the table was stale.
const STALE: &str = include_str!("../../tests/fixtures/alertmanager/001.body.json");
/// What Alertmanager sent when the table was fresh again.
const FRESH: &str = include_str!("../../tests/fixtures/alertmanager/004.body.json");

struct Demo {
    bot: Muster,
    sandbox: Sandbox,
    clock: Clock,
    http: reqwest::Client,
    base: String,
    _directory: Throwaway,
}

pub(super) async fn run(listen: SocketAddr, headless: bool) -> anyhow::Result<()> {
    crate::telemetry::install_crypto();
    let start = chrono::Utc.with_ymd_and_hms(2026, 11, 23, 4, 17, 30).single().context("a time")?;
    let clock = if headless { Clock::manual(start) } else { Clock::wall() };
    let mut signals = Signals::listen()?;
    let (demo, stop) = Demo::start(listen, clock).await?;
    let played = tokio::select! {
        played = demo.show(headless) => played,
        () = signals.next() => Ok(()),
    };
    // Sending fails only if everything has stopped already.
    let _ = stop.send(true);
    // The store is closed before its folder is removed.
    demo.bot.app.store.close().await.and(played)
}

impl Demo {
    async fn show(&self, headless: bool) -> anyhow::Result<()> {
        self.people();
        self.bot.worker.start().await?;
        self.settle().await?;
        if headless {
            self.play().await?;
            println!("{}", self.sandbox.transcript());
            println!("━━━ PagerDuty");
            for page in self.sandbox.pagerduty().incidents() {
                println!("{}  {} ({}, {})", page.at.format("%H:%M"), page.title, page.severity, page.status);
            }
            println!("\n━━━ Post-mortem\n\n{}", self.get("/api/v1/incidents/INC-1/postmortem").await?);
            return Ok(());
        }
        self.open().await?;
        let body = self.sandbox.slack().command_body(ANA, "data-incidents", "list");
        println!("Muster listens on {}. The pretend Slack is at {}.", self.base, self.sandbox.slack_api_url());
        println!("\n{}", self.sandbox.transcript());
        println!("A slash command, signed as Slack signs it (Python's hmac would do the same):\n");
        println!("  body='{body}'; ts=$(date +%s)");
        println!(
            "  sig=$(printf 'v0:%s:%s' \"$ts\" \"$body\" | openssl dgst -sha256 -hmac {} | sed 's/^.* //')",
            SandboxConfig::new(Arc::new(start_of_time)).signing_secret
        );
        println!(
            "  curl -s -X POST {}/slack/commands -H \"X-Slack-Request-Timestamp: $ts\" -H \"X-Slack-Signature: v0=$sig\" --data \"$body\"\n",
            self.base
        );
        println!(
            "An alert:\n\n  curl -s -X POST {}/hooks/demo-generic -H 'Authorization: Bearer {TOKEN}' --data '{{\"title\": \"payments has no rows\", \"asset\": \"warehouse.payments\", \"pillar\": \"volume\"}}'\n",
            self.base
        );
        println!("Ctrl-C ends the demo and deletes everything.");
        let mut shown = self.sandbox.transcript();
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            self.settle().await?;
            let now = self.sandbox.transcript();
            if now != shown {
                println!("{now}");
                shown = now;
            }
        }
    }
}

fn start_of_time() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::UNIX_EPOCH
}

impl Demo {
    async fn start(listen: SocketAddr, clock: Clock) -> anyhow::Result<(Self, watch::Sender<bool>)> {
        let sandbox_clock = clock.clone();
        let settings = SandboxConfig::new(Arc::new(move || sandbox_clock.now()));
        let sandbox = Sandbox::start(settings.clone()).await.context("cannot start the sandbox")?;
        let directory = Throwaway::within(&std::env::temp_dir(), "muster-demo")?;
        let text = format!(
            "[store]\npath = {:?}\n[slack]\nteam_id = {:?}\napi_url = {:?}\n[pagerduty]\nevents_url = {:?}\n\
             [[sources]]\nname = \"demo-alertmanager\"\nkind = \"alertmanager\"\ntoken_env = \"DEMO_TOKEN\"\n\
             [[sources]]\nname = \"demo-generic\"\nkind = \"generic\"\ntoken_env = \"DEMO_TOKEN\"\n\
             [[teams]]\nname = \"orders\"\nslack = \"{BEN}\"\n\
             [[services]]\nname = \"orders-pipeline\"\nassets = [\"analytics.orders*\"]\nowner = \"orders\"\n",
            directory.path(),
            settings.team_id,
            sandbox.slack_api_url(),
            sandbox.pagerduty_url(),
        );
        let variables: Variables = [
            ("MUSTER_SLACK__BOT_TOKEN", settings.bot_token.as_str()),
            ("MUSTER_SLACK__SIGNING_SECRET", &settings.signing_secret),
            ("MUSTER_PAGERDUTY__ROUTING_KEY", &settings.routing_keys[0]),
            ("MUSTER_PAGERDUTY__WEBHOOK_SECRETS", &settings.pagerduty_webhook_secret),
            ("MUSTER_API__TOKEN", API_TOKEN),
            ("DEMO_TOKEN", TOKEN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let config = Config::parse("demo", &text, &variables)?;
        let store = sled::open(&config.store.path)?;
        let bot = Muster::new(config, store, clock.clone()).await?;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let base = format!("http://{}", listener.local_addr()?);
        sandbox.connect(&base);
        let (stop, stopped) = watch::channel(false);
        let serving = bot.clone();
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok((Self { bot, sandbox, clock, http, base, _directory: directory }, stop))
    }

    fn people(&self) {
        let slack = self.sandbox.slack();
        slack.add_user(ANA, "ana", "Ana");
        slack.add_user(BEN, "ben", "Ben");
        slack.add_user(CHLOE, "chloe", "Chloe");
        slack.add_channel("data-incidents", &[ANA, BEN, CHLOE]);
        slack.add_channel("revenue-analytics", &[CHLOE]);
    }

    /// Lets everything happen that is due, on both sides.
    async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..2000 {
            let mut count = self.sandbox.deliver().await;
            for lane in Lane::ALL {
                count += self.bot.worker.run_due(lane).await;
            }
            if count > 0 {
                continue;
            }
            // Slack takes one message per second and channel, so the story lets seconds pass.
            let now = self.clock.now().timestamp_millis();
            match self.bot.app.store.next_due("slack").await? {
                Some(due) if due - now <= 2_000 => self.clock.pass(Duration::milliseconds((due - now).max(1))).await,
                _ => return Ok(()),
            }
        }
        bail!("the outbox does not come to rest")
    }

    async fn pass(&self, minutes: i64) -> anyhow::Result<()> {
        self.clock.advance(Duration::minutes(minutes));
        self.settle().await
    }

    async fn hook(&self, source: &str, body: String) -> anyhow::Result<Value> {
        let answer =
            self.http.post(format!("{}/hooks/{source}", self.base)).bearer_auth(TOKEN).body(body).send().await?;
        ensure!(answer.status().as_u16() == 202, "the alert was answered with {}", answer.status());
        let json = answer.json().await?;
        self.settle().await?;
        Ok(json)
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(API_TOKEN).send().await?;
        ensure!(answer.status().is_success(), "{path} was answered with {}", answer.status());
        Ok(answer.text().await?)
    }

    fn channel(&self) -> anyhow::Result<String> {
        let channels = self.sandbox.slack().channels();
        Ok(channels
            .into_iter()
            .find(|channel| channel.name.starts_with("inc-1-"))
            .context("there is no channel of an incident")?
            .name)
    }

    fn find(&self, button: &str) -> anyhow::Result<MessageView> {
        let mut messages = self.sandbox.slack().messages(&self.channel()?);
        messages.reverse();
        messages
            .into_iter()
            .find(|message| message.buttons.iter().any(|one| one.label == button))
            .with_context(|| format!("there is no button {button}"))
    }

    async fn press(&self, user: &str, button: &str) -> anyhow::Result<()> {
        let message = self.find(button)?;
        let answer = self.sandbox.slack().click(user, &message, button).await.map_err(anyhow::Error::msg)?;
        ensure!(answer.status == 200, "pressing {button} was answered with {}: {}", answer.status, answer.body);
        self.settle().await
    }

    async fn submit(&self, user: &str, values: Value) -> anyhow::Result<()> {
        let answer = self.sandbox.slack().submit(user, &values).await.map_err(anyhow::Error::msg)?;
        ensure!(
            answer.status == 200 && answer.json["response_action"] != "errors",
            "the form was answered with {}",
            answer.body
        );
        self.settle().await
    }

    async fn say(&self, user: &str, text: &str) -> anyhow::Result<Answer> {
        let answer = self.sandbox.slack().command(user, &self.channel()?, text).await;
        ensure!(answer.status == 200, "{text} was answered with {}: {}", answer.status, answer.body);
        self.settle().await?;
        Ok(answer)
    }

    /// The first minutes: an alert comes in about an asset that the catalog knows.
    async fn open(&self) -> anyhow::Result<()> {
        let catalog = self.http.put(format!("{}/api/v1/catalog/yaml", self.base)).bearer_auth(API_TOKEN).body(CATALOG);
        let answer = catalog.send().await?;
        ensure!(answer.status() == 200, "the catalog was answered with {}", answer.status());
        self.hook("demo-alertmanager", STALE.to_owned()).await?;
        self.settle().await
    }

    async fn play(&self) -> anyhow::Result<()> {
        let slack = self.sandbox.slack();
        self.open().await?;
        self.pass(2).await?;
        self.press(BEN, "Acknowledge").await?;
        self.pass(1).await?;
        self.press(ANA, "Take command").await?;
        self.press(ANA, "Assign roles").await?;
        self.submit(ANA, json!({"responder": [BEN], "scribe": CHLOE})).await?;
        self.say(ANA, "notify downstream").await?;
        self.submit(ANA, json!({"text": "Yesterday's figures are good."})).await?;
        self.pass(4).await?;
        self.press(BEN, "Done 1").await?;
        self.say(BEN, "since 2026-11-22 19:10").await?;
        let seen =
            slack.say(BEN, &self.channel()?, "the 19:00 load never started: its scheduler slot was held by a backfill");
        slack.react(CHLOE, &self.channel()?, &seen, "pushpin");
        self.pass(6).await?;
        self.say(BEN, "look operations the backfill took the only slot of the scheduler").await?;
        self.say(BEN, "why the 19:00 load waited for a slot that the backfill held").await?;
        self.press(BEN, "Why?").await?;
        self.submit(BEN, json!({"text": "backfills and loads share one pool of the scheduler"})).await?;
        self.press(ANA, "Update").await?;
        self.submit(ANA, json!({"text": "orders are stale since 19:10 UTC; the load runs again now. Do not use the revenue dashboard yet.", "next": "30m"})).await?;
        self.pass(5).await?;
        // The rows arrive, but they are broken.
        let broken = json!({"title": "analytics.orders: 31 % of amount is null", "key": "orders.amount.not_null", "asset": "analytics.orders", "pillar": "distribution", "severity": "error"});
        self.hook("demo-generic", broken.to_string()).await?;
        self.pass(3).await?;
        self.press(BEN, "Done 2").await?;
        self.press(BEN, "Skip 3").await?;
        self.submit(BEN, json!({"text": "the upstream API has its own monitor, and it is green"})).await?;
        self.say(ANA, "mitigate dashboards that read orders show a warning").await?;
        self.pass(22).await?;
        self.say(BEN, "fix released the scheduler slot and reloaded 22 November with the amounts").await?;
        let mut over = broken;
        over["status"] = json!("resolved");
        self.hook("demo-generic", over.to_string()).await?;
        self.hook("demo-alertmanager", FRESH.to_owned()).await?;
        self.say(BEN, "good-again 2m ago").await?;
        self.say(ANA, "cause operations backfills and loads share one pool of the scheduler").await?;
        self.say(ANA, "task give backfills a scheduler pool of their own @ben 2026-12-01").await?;
        self.press(ANA, "Resolve").await?;
        self.submit(ANA, json!({"text": "orders are complete again, and the dashboards are open"})).await?;
        self.say(CHLOE, "retro well the dashboard was closed before anybody decided by it").await?;
        self.say(BEN, "retro hard nobody saw who held the slot").await?;
        self.pass(1).await?;
        self.press(ANA, "Draft post-mortem").await?;
        let incident: BTreeMap<String, Value> = serde_json::from_str(&self.get("/api/v1/incidents/INC-1").await?)?;
        ensure!(incident["status"] == "resolved", "the incident is {}", incident["status"]);
        ensure!(incident["tasks_open"] == 1, "the task is not there: {incident:?}");
        ensure!(
            self.sandbox.pagerduty().pages() == 1,
            "PagerDuty has {} pages instead of one",
            self.sandbox.pagerduty().pages()
        );
        Ok(())
    }
}
