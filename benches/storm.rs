//! A storm: `cargo bench --bench storm [-- WEBHOOKS DISTINCT]`. Ten causes, each a table with everything below it, send alerts over HTTP as fast
//! as one client can (100,000 webhooks, 10,000 different alerts, without more words); in the middle something that has nothing to do with it
//! breaks. A real bot on a real store, beside the pretend Slack and PagerDuty in the same process.

use std::sync::Arc;
use std::time::Duration;

use muster::clock::{Clock, Stopwatch};
use muster::config::{Config, Variables};
use muster::sandbox::{Sandbox, SandboxConfig};
use muster::store::sled;
use serde_json::json;
use tokio::sync::watch;

const TOKEN: &str = "a-token-of-a-source";
const CAUSES: usize = 10;
const TABLES: usize = 100;

fn status(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

async fn storm(webhooks: usize, distinct: usize) {
    let clock = Clock::wall();
    let time = clock.clone();
    let settings = SandboxConfig::new(Arc::new(move || time.now()));
    let sandbox = Sandbox::start(settings.clone()).await.expect("a sandbox");
    sandbox.slack().add_user("U0ANA00001", "ana", "Ana");
    sandbox.slack().add_channel("data-incidents", &["U0ANA00001"]);
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[store]\npath = {:?}\n[slack]\nteam_id = {:?}\napi_url = {:?}\n[pagerduty]\nevents_url = {:?}\n\
         [[sources]]\nname = \"noisy\"\nkind = \"generic\"\ntoken_env = \"TOKEN\"\n[[sources]]\nname = \"calm\"\nkind = \"generic\"\ntoken_env = \"TOKEN\"\n",
        folder.path(),
        settings.team_id,
        sandbox.slack_api_url(),
        sandbox.pagerduty_url(),
    );
    let variables: Variables = [
        ("MUSTER_SLACK__BOT_TOKEN", settings.bot_token.as_str()),
        ("MUSTER_SLACK__SIGNING_SECRET", &settings.signing_secret),
        ("MUSTER_PAGERDUTY__ROUTING_KEY", &settings.routing_keys[0]),
        ("MUSTER_PAGERDUTY__WEBHOOK_SECRETS", &settings.pagerduty_webhook_secret),
        ("MUSTER_API__TOKEN", TOKEN),
        ("TOKEN", TOKEN),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let config = Config::parse("bench.toml", &text, &variables).expect("a configuration");
    let store = sled::open(folder.path()).expect("a store");
    let muster = muster::Muster::new(config, store, clock).await.expect("a bot");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    sandbox.connect(&base);
    let (stop, stopped) = watch::channel(false);
    let serving = muster.clone();
    tokio::spawn(async move { serving.serve(listener, stopped).await });
    muster.worker.start().await.expect("it starts");
    tokio::spawn(muster.worker.clone().run(stop.subscribe()));

    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut edges = String::from("edges:\n");
    for cause in 0..CAUSES {
        for table in 1..TABLES {
            edges.push_str(&format!("  - [c{cause}.t{}, c{cause}.t{table}]\n", (table - 1) / 3));
        }
    }
    let put = client
        .put(format!("{base}/api/v1/catalog/yaml"))
        .bearer_auth(TOKEN)
        .body(edges)
        .send()
        .await
        .expect("an answer");
    assert_eq!(put.status(), 200);
    println!(
        "{webhooks} webhooks, {distinct} different alerts of {CAUSES} causes; resident before {:.0} MiB",
        status("VmRSS")
    );

    let watch = Stopwatch::start();
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (client, base, next) = (client.clone(), base.clone(), next.clone());
        senders.spawn(async move {
            let mut took = Vec::new();
            let mut refused = 0;
            loop {
                let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if n >= webhooks {
                    return (took, refused);
                }
                let alert = n % distinct;
                let body = json!({"key": format!("k{alert}"), "title": format!("check {alert} failed"),
                    "asset": format!("c{}.t{}", alert % CAUSES, alert / CAUSES % TABLES), "severity": "error"})
                .to_string();
                let one = Stopwatch::start();
                loop {
                    let sent =
                        client.post(format!("{base}/hooks/noisy")).bearer_auth(TOKEN).body(body.clone()).send().await;
                    if sent.is_ok_and(|answer| answer.status() == 202) {
                        break;
                    }
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                took.push(one.seconds() * 1000.0);
            }
        });
    }
    // Half-way, something that matters and has nothing to do with it.
    while next.load(std::sync::atomic::Ordering::Relaxed) < webhooks / 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let urgent = Stopwatch::start();
    let body =
        json!({"key": "urgent", "title": "payments are gone", "asset": "finance.payments", "severity": "critical"})
            .to_string();
    let answer =
        client.post(format!("{base}/hooks/calm")).bearer_auth(TOKEN).body(body).send().await.expect("an answer");
    let accepted = urgent.seconds();
    assert_eq!(answer.status(), 202);
    let paged = loop {
        if sandbox.pagerduty().incidents().iter().any(|incident| incident.title.contains("payments")) {
            break urgent.seconds();
        }
        if urgent.seconds() > 60.0 {
            break f64::INFINITY;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let (mut took, mut refused) = (Vec::new(), 0);
    while let Some(done) = senders.join_next().await {
        let (times, again) = done.expect("it sends");
        took.extend(times);
        refused += again;
    }
    let seconds = watch.seconds();
    took.sort_by(f64::total_cmp);
    println!(
        "  all accepted after                 {seconds:>8.1} s   ({:.0} a second; {refused} asked to come again)",
        webhooks as f64 / seconds
    );
    println!(
        "  an answer                          p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1]
    );
    println!("  the unrelated alert: accepted in   {:>8.0} ms, paged in {:.0} ms", accepted * 1000.0, paged * 1000.0);
    println!(
        "  resident after                     {:>8.0} MiB, at most {:.0} MiB (client and sandbox included)",
        status("VmRSS"),
        status("VmHWM")
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let list =
        client.get(format!("{base}/api/v1/incidents?limit=100")).bearer_auth(TOKEN).send().await.expect("an answer");
    let list: serde_json::Value = list.json().await.expect("JSON");
    let incidents = list["incidents"].as_array().expect("a list");
    let alerts: u64 = incidents.iter().filter_map(|incident| incident["alerts_total"].as_u64()).sum();
    println!("  incidents {}, pages {}, alerts {alerts}", incidents.len(), sandbox.pagerduty().pages());
    let _ = stop.send(true);
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (webhooks, distinct) = match numbers[..] {
        [webhooks, distinct, ..] => (webhooks, distinct),
        [webhooks] => (webhooks, webhooks / 10),
        [] => (100_000, 10_000),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    muster::telemetry::install_crypto();
    runtime.block_on(storm(webhooks, distinct.max(1)));
}
