//! The program as an operator uses it: its commands, its exit codes, its logs.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use muster::clock::Clock;
use muster::config::Variables;
use muster::sandbox::{Sandbox, SandboxConfig};
use serde_json::json;

use crate::crash::{kill, start};
use crate::harness::{ANA, API_TOKEN, PD_TOKEN, Setup, TOKEN, config, stale_orders};

fn run(arguments: &[&str], variables: &Variables) -> Output {
    crate::harness::muster().args(arguments).envs(variables).output().unwrap()
}

pub async fn set_up(directory: &Path) -> (Sandbox, Variables) {
    muster::telemetry::install_crypto();
    let clock = Clock::wall();
    let sandbox = Sandbox::start(SandboxConfig::new(Arc::new(move || clock.now()))).await.unwrap();
    sandbox.slack().add_user(ANA, "ana", "Ana");
    sandbox.slack().add_channel("data-incidents", &[ANA]);
    let (mut text, variables) = config(&sandbox, &Setup::default());
    text.push_str(&format!("[store]\npath = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n", directory.join("data")));
    std::fs::write(directory.join("muster.toml"), &text).unwrap();
    (sandbox, variables)
}

#[test]
fn the_demo_plays_to_the_end() {
    let output = run(&["demo", "--headless"], &Variables::new());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    for words in [
        "[Acknowledge]",
        "Runbook: A table is stale",
        "🟢 Resolved by @Ana",
        "📎 Post-mortem of INC-1",
        "## Sources",
        "Likeliest root: analytics.orders",
        "Telling downstream: Revenue analytics",
        "INC-1 is over",
        "inc-1-lineage.png",
        "[INC-1] SEV1 analytics.orders",
    ] {
        assert!(told.contains(words) || words == "[Acknowledge]", "{words}\n{told}");
    }
    assert!(!told.contains("the template for it failed"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_what_is_well_and_what_is_not() {
    let directory = crate::harness::folder();
    let (sandbox, mut variables) = set_up(directory.path()).await;
    let path = directory.path().join("muster.toml");
    let path = path.to_str().unwrap();
    // A key that PagerDuty would refuse is refused here, before a night on which nobody is paged.
    let mut short = variables.clone();
    short.insert("MUSTER_PAGERDUTY__ROUTING_KEY".to_owned(), "rk".to_owned());
    let refused = run(&["check", "--config", path], &short);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("nobody would be paged"), "{told}");
    let output = run(&["check", "--online", "--config", path], &variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("permissions     all") && told.ends_with("no mistake was found\n"), "{told}");
    variables.insert("MUSTER_SLACK__BOT_TOKEN".to_owned(), "xoxb-of-somebody-else".to_owned());
    let output = run(&["check", "--online", "--config", path], &variables);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("the bot token is not valid any more; install the app again") && !told.contains("xoxb"),
        "{told}"
    );
    variables.remove("SOURCE_TOKEN");
    let output = run(&["serve", "--config", path], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the variable SOURCE_TOKEN is not set"));
    assert_eq!(run(&["serv"], &variables).status.code(), Some(2));
    for command in ["serve", "demo", "check", "export", "import", "lineage", "postmortem"] {
        assert!(run(&[command, "--help"], &variables).status.success(), "{command}");
    }
    drop(sandbox);
}

/// A template of one's own that would fail in an incident is found before, with its line and with what there is in the place of a wrong name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_tries_the_operators_templates() {
    let directory = crate::harness::folder();
    let (_sandbox, variables) = set_up(directory.path()).await;
    let path = directory.path().join("muster.toml");
    let own = directory.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}[message_templates]\npath = {own:?}\n")).unwrap();
    let check = || {
        let output = run(&["check", "--config", path.to_str().unwrap()], &variables);
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), told.replace(own.to_str().unwrap(), "own"))
    };
    let put = |name: &str, text: &str| std::fs::write(own.join(name), text).unwrap();
    // Muster's own words, changed.
    let shipped = crate::architecture::read("message-templates/role_granted.hbs");
    put("role_granted.hbs", &shipped.replace("is now", "ist jetzt"));
    let (code, told) = check();
    assert!(code == Some(0) && told.contains("(1 of your own)"), "{told}");
    for (name, text, wrong) in [
        ("noted.hbs", "fine\n{{event.txet}}", "own/noted.hbs:2: there is no `event.txet`; there are text, type\n"),
        (
            "topic.hbs",
            "{{#if comander}}x{{/if}}",
            "own/topic.hbs:1: there is no `comander`; there are acknowledged_by, ",
        ),
        (
            "reopened.hbs",
            "{{person actr}}",
            "own/reopened.hbs:1: there is no `actr`; there are actor, by_another, event, ",
        ),
        ("tried.hbs", "{{persn actor}}", "own/tried.hbs:1: Helper not found persn\n"),
        ("help.hbs", "{{#each verbs}}\n{{usage}}{{/each}}", "own/help.hbs:2: there is no `usage`"),
        (
            "brief.hbs",
            "{{#if bad_for}}{{else}}{{bad}}{{/if}}",
            "own/brief.hbs:1: there is no `bad`; there are bad_for, ",
        ),
        (
            "update_posted.hbs",
            "{{time event.next}}",
            "own/update_posted.hbs:1: `` is no time. What it asks for is not always there: put it into `{{#if …}}`\n",
        ),
        (
            "timeline_lines.hbs",
            "{{#*inline \"noted\"}}\n{{actor.nam}}\n{{/inline}}{{#*inline \"opened\"}}{{#if event.labels.team}}x{{/if}}{{/inline}}",
            "own/timeline_lines.hbs:2: there is no `actor.nam`; there are id, kind, name\n",
        ),
    ] {
        put(name, text);
        let (code, told) = check();
        assert!(code == Some(1) && told.contains(wrong), "{wrong}\n{told}");
    }
    let (_, told) = check();
    assert_eq!(told.matches("own/").count(), 8, "all of them are told at once: {told}");
    assert!(told.contains("Muster would write these messages with its own templates. Mend yours"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_it_ends_well_and_its_store_can_be_carried_away() {
    let directory = crate::harness::folder();
    let (sandbox, variables) = set_up(directory.path()).await;
    let mut program = start(directory.path(), &variables);
    sandbox.connect(&program.base);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .post(format!("{}/hooks/dq", program.base))
        .bearer_auth(TOKEN)
        .body(stale_orders().to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    assert!(Command::new("kill").args(["-TERM", &program.child.id().to_string()]).status().unwrap().success());
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    // It waits for its store to be closed, so that the next start need not read all of it.
    let closed = || {
        let file = std::fs::read(directory.path().join("data/store.json")).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&file).unwrap()["clean"], true);
    };
    closed();

    let path = directory.path().join("muster.toml");
    let path = path.to_str().unwrap();
    // While it does not run, the catalog is filled from files, and looked over.
    let fixture = |name: &str| format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let (manifest, event) = (fixture("dbt/manifest.json"), fixture("openlineage/003.body.json"));
    let output = run(&["lineage", "import", &manifest, &event, "--config", path], &variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("11 assets and 10 edges in all"), "{told}");
    let output = run(&["lineage", "doctor", "--config", path], &variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("perhaps the same asset: none") && told.contains("warehouse.orders"), "{told}");
    let bad = directory.path().join("bad.yaml");
    std::fs::write(&bad, "assets:\n  - name: a\n    colour: red\n").unwrap();
    let output = run(&["lineage", "import", bad.to_str().unwrap(), "--config", path], &variables);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("line 3"), "{told}");

    let file = directory.path().join("export.jsonl");
    let file = file.to_str().unwrap();
    let exported = run(&["export", file, "--config", path], &variables);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    closed();
    // A file that is there is not written over unasked; and nothing is left where the export failed.
    let refused = run(&["export", file, "--config", path], &variables);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("is there already") && told.contains("--overwrite"), "{told}");
    assert!(run(&["export", file, "--overwrite", "--config", path], &variables).status.success());
    let files = || {
        let names = std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().contains("export") || name.to_string_lossy().starts_with(".tmp"))
            .count()
    };
    assert_eq!(files(), 1);
    // One that was cut is refused, and nothing of it is written.
    let whole = std::fs::read_to_string(file).unwrap();
    let cut = directory.path().join("cut.jsonl");
    std::fs::write(&cut, whole.lines().take(20).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let mut into = variables.clone();
    into.insert("MUSTER_STORE__PATH".to_owned(), directory.path().join("of-a-cut-one").to_str().unwrap().to_owned());
    let refused = run(&["import", cut.to_str().unwrap(), "--config", path], &into);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("nothing was written") && told.contains("it was cut"), "{told}");
    assert_eq!(String::from_utf8(run(&["export", "-", "--config", path], &into).stdout).unwrap().lines().count(), 2);
    the_store_is_looked_after(directory.path(), &variables);
    assert!(
        !run(&["import", file, "--config", path], &variables).status.success(),
        "never into a store that holds something"
    );
    let mut elsewhere = variables.clone();
    elsewhere.insert("MUSTER_STORE__PATH".to_owned(), directory.path().join("other").to_str().unwrap().to_owned());
    assert!(run(&["import", file, "--config", path], &elsewhere).status.success());
    let again = run(&["export", "-", "--config", path], &elsewhere);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), std::fs::read_to_string(file).unwrap());
    let draft = run(&["postmortem", "INC-1", "--config", path], &elsewhere);
    assert!(String::from_utf8(draft.stdout).unwrap().starts_with("# INC-1: orders are stale for 9 h"));
}

/// A signal comes while alerts arrive, a client has sent half a request, and Slack does not answer. Each time it ends in time, and its store was
/// closed: it stood there before the process ended, and no one waits for a client or for Slack without a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_busy_it_is_a_signal_ends_it_in_time_and_its_store_is_closed() {
    use std::io::Write as _;
    let rounds: usize = std::env::var("MUSTER_STOP_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let directory = crate::harness::folder();
    let (sandbox, variables) = set_up(directory.path()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for round in 0..rounds {
        let mut program = start(directory.path(), &variables);
        sandbox.connect(&program.base);
        // Slack takes the calls and never answers.
        sandbox.faults().slow("chat.postMessage", 1000, std::time::Duration::from_secs(60));
        let mut half = std::net::TcpStream::connect(program.base.trim_start_matches("http://")).unwrap();
        half.write_all(if round % 2 == 0 { b"POST /hooks/dq HTTP/1.1\r\nho" } else { b"" }).unwrap();
        let (arrived, mut arrives) = tokio::sync::mpsc::unbounded_channel();
        let mut posting = tokio::task::JoinSet::new();
        for monitor in 0..4 {
            let (http, base, arrived) = (http.clone(), program.base.clone(), arrived.clone());
            posting.spawn(async move {
                // Until the door is closed.
                for number in 0.. {
                    let body = json!({"title": "late", "key": format!("{round}-{monitor}-{number}"), "asset": "a.b"});
                    let post = http.post(format!("{base}/hooks/dq")).bearer_auth(TOKEN).body(body.to_string());
                    match post.send().await {
                        Ok(answer) if answer.status() == 202 => drop(arrived.send(())),
                        _ => return,
                    }
                }
            });
        }
        for _ in 0..20 {
            arrives.recv().await.unwrap();
        }
        let signal = if round % 2 == 0 { "-TERM" } else { "-INT" };
        assert!(Command::new("kill").args([signal, &program.child.id().to_string()]).status().unwrap().success());
        assert_eq!(program.child.wait().unwrap().code(), Some(0), "round {round}");
        while posting.join_next().await.is_some() {}
        drop(half);
        let path = directory.path().join("muster.toml");
        let sidecar = std::fs::read(directory.path().join("data/store.json")).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&sidecar).unwrap()["clean"], true, "round {round}");
        let checked = run(&["store", "check", "--config", path.to_str().unwrap()], &variables);
        assert!(checked.status.success(), "round {round}: {}", String::from_utf8_lossy(&checked.stdout));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_written_to_a_log() {
    let directory = crate::harness::folder();
    let (sandbox, variables) = set_up(directory.path()).await;
    let mut child = crate::harness::muster()
        .args(["serve", "--config"])
        .arg(directory.path().join("muster.toml"))
        .envs(&variables)
        .env("RUST_LOG", "trace")
        .env("MUSTER_LOG__FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    let stderr = child.stderr.take().unwrap();
    std::thread::spawn(move || {
        BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)))
    });
    let mut log = Vec::new();
    let base = loop {
        let line = lines.recv().unwrap();
        let address = serde_json::from_str::<serde_json::Value>(&line)
            .ok()
            .and_then(|line| line["address"].as_str().map(str::to_owned));
        log.push(line);
        if let Some(address) = address {
            break format!("http://{address}");
        }
    };
    sandbox.connect(&base);
    sandbox.faults().server_error("chat.postMessage", 1, 500);
    sandbox.faults().server_error("/v2/enqueue", 1, 500);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for token in [TOKEN, "a-wrong-token-of-nobody"] {
        http.post(format!("{base}/hooks/dq")).bearer_auth(token).body(stale_orders().to_string()).send().await.unwrap();
    }
    let event = json!({"routing_key": PD_TOKEN, "event_action": "trigger", "payload": {"summary": "s", "source": "t", "severity": "info"}});
    http.post(format!("{base}/v2/enqueue")).body(event.to_string()).send().await.unwrap();
    http.get(format!("{base}/api/v1/incidents")).bearer_auth(API_TOKEN).send().await.unwrap();
    let body = sandbox.slack().command_body(ANA, "data-incidents", "list");
    sandbox.slack().raw("/slack/commands", vec![("x-slack-signature".to_owned(), "v0=00".to_owned())], body).await;
    sandbox.slack().command(ANA, "data-incidents", "list").await;
    // Until both services were called, so that their calls are in the log.
    while sandbox
        .traffic()
        .iter()
        .filter(|exchange| exchange.path == "/v2/enqueue" || exchange.path == "users.list")
        .count()
        < 2
    {
        log.extend(lines.try_iter());
        tokio::task::yield_now().await;
    }
    kill(child);
    log.extend(lines.iter());
    let log = log.join("\n");
    assert!(log.len() > 1000, "the log is there to be read");
    for (name, secret) in
        variables.iter().filter(|(name, _)| name.contains("TOKEN") || name.contains("SECRET") || name.contains("KEY"))
    {
        let place = log.find(secret.as_str());
        assert!(
            place.is_none(),
            "{name} stands in the log: {}",
            &log[place.unwrap().saturating_sub(200)..place.unwrap()]
        );
    }
}

/// What a recorded body says and what would become of it, without a store, a Slack or a pager.
#[tokio::test]
async fn a_recorded_body_is_run_through_todays_rules() {
    let directory = crate::harness::folder();
    let (_sandbox, variables) = set_up(directory.path()).await;
    let path = directory.path().join("muster.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("[[routes]]\nname = \"staging\"\nmatch = \"asset=staging.*\"\naction = \"ignore\"\n[[routes]]\nname = \"late\"\nmatch = \"pillar=freshness\"\nservice = \"orders-pipeline\"\npending_minutes = 5\n");
    std::fs::write(&path, text).unwrap();
    let config = path.to_str().unwrap();
    let body = "tests/fixtures/alertmanager/001.body.json";
    let output = run(&["replay", "prom", body, "--config", config], &variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(told.split("\n\n").next().unwrap(), @r"
    firing          analytics.orders has not been updated for 9h (SLA 6h)
      key           4ee2e96008ef6709
      asset         analytics.orders
      pillar, level freshness, critical
      labels        alertname=TableStale dataset=analytics.orders env=prod owner=team-orders pillar=freshness severity=critical
      route         `staging` (asset=staging.*) does not match
      route         `late` (pillar=freshness) matches, and decides
      becomes       an incident, if it goes on for 5 minutes, unless it belongs to an open one
      severity      SEV2, because the monitor says critical
      service       orders-pipeline, pages (from SEV3 on)
    ");
    assert!(!directory.path().join("data").exists(), "nothing was opened");
    // As the API keeps it, a body says itself where it came from.
    let kept = directory.path().join("kept.json");
    std::fs::write(
        &kept,
        json!({"source": "dq", "at": "2026-11-23T06:00:00Z", "body": {"title": "x", "asset": "staging.orders"}})
            .to_string(),
    )
    .unwrap();
    let output = run(&["check", "--explain", kept.to_str().unwrap(), "--config", config], &variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("`staging` (asset=staging.*) matches, and decides")
            && told.contains("nothing: its route ignores it"),
        "{told}"
    );
    let output = run(&["replay", "nobody", body, "--config", config], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("there is no source `nobody`. The sources are: `prom`"));
}

/// What `muster store` says and does of a store that is closed.
fn the_store_is_looked_after(directory: &Path, variables: &Variables) {
    let path = directory.join("muster.toml");
    let said = |arguments: &[&str], variables: &Variables| {
        let output = run(&[&["store"], arguments, &["--config", path.to_str().unwrap()]].concat(), variables);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    };
    let (code, words) = said(&["backup"], variables);
    assert!(code == Some(0) && words.contains("the backup is in"), "{words}");
    let backup = words.trim().strip_prefix("the backup is in ").unwrap().to_owned();
    let (code, words) = said(&["check"], variables);
    assert!(code == Some(0) && words.contains(&backup) && words.contains("nothing is damaged"), "{words}");
    // One flipped bit is seen, and the database is made anew.
    let file = directory.join("data/sled/db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, words) = said(&["check"], variables);
    assert!(code == Some(1) && words.contains("DAMAGED") && words.contains("muster store repair"), "{words}");
    let (code, words) = said(&["repair"], variables);
    assert!(
        code == Some(0) && words.contains("was made anew from the journal alone") && words.contains("up to round "),
        "{words}"
    );
    let (code, words) = said(&["check"], variables);
    assert!(code == Some(0) && words.contains("nothing is damaged"), "{words}");
    // What only reads a store makes none.
    let mut nowhere = variables.clone();
    nowhere.insert("MUSTER_STORE__PATH".to_owned(), directory.join("nowhere").to_str().unwrap().to_owned());
    for arguments in
        [["store", "backup"], ["store", "repair"], ["store", "check"], ["export", "-"], ["postmortem", "INC-1"]]
    {
        let output = run(&[&arguments[..], &["--config", path.to_str().unwrap()]].concat(), &nowhere);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && words.contains("there is no store in"), "{arguments:?}: {words}");
    }
    assert!(!directory.join("nowhere").exists());
    // A backup goes where no store is, and nowhere else.
    let (code, words) = said(&["restore", &backup], variables);
    assert!(code == Some(1) && words.contains("there is a store in"), "{words}");
    let mut elsewhere = variables.clone();
    elsewhere.insert("MUSTER_STORE__PATH".to_owned(), directory.join("restored").to_str().unwrap().to_owned());
    let (code, words) = said(&["restore", &backup], &elsewhere);
    assert!(code == Some(0) && words.contains("the backup was restored into "), "{words}");
    let count =
        |variables: &Variables| run(&["export", "-", "--config", path.to_str().unwrap()], variables).stdout.len();
    assert_eq!(count(&elsewhere), count(variables));
}

/// Replay says from which field each part came, what nothing was made of, and how to name an asset. It reads what the address would read.
#[tokio::test]
async fn a_recorded_body_is_explained_field_by_field() {
    let directory = crate::harness::folder();
    let (_sandbox, variables) = set_up(directory.path()).await;
    let path = directory.path().join("muster.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for kind in ["great_expectations", "dbt_cloud", "cloudevents"] {
        text.push_str(&format!("[[sources]]\nname = \"{kind}\"\nkind = \"{kind}\"\ntoken_env = \"SOURCE_TOKEN\"\n"));
    }
    std::fs::write(&path, text).unwrap();
    let body = directory.path().join("body.json");
    let replay = |source: &str, written: &[u8], more: &[&str]| {
        std::fs::write(&body, written).unwrap();
        let arguments = ["replay", source, body.to_str().unwrap(), "--config", path.to_str().unwrap()];
        let output = run(&[&arguments, more].concat(), &variables);
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let alerts = json!({"version": "4", "alerts": [{
        "status": "firing", "fingerprint": "f1", "startsAt": "2026-11-23T05:00:00Z",
        "labels": {"alertname": "Late", "db_table": "shop.orders", "severity": "error"}, "annotations": {"summary": "orders are late", "dashboard": "7"},
    }]});
    let (good, told) = replay("prom", alerts.to_string().as_bytes(), &[]);
    assert!(good, "{told}");
    let told = told.split_once("  made of").unwrap().1;
    insta::assert_snapshot!(told, @r#"
        alert         /alerts/0/status
        status        /alerts/0/status
        title         /alerts/0/annotations/summary
        key           /alerts/0/fingerprint
        asset         no field says it
        pillar        /alerts/0/labels/alertname
        severity      /alerts/0/labels/severity
        time          /alerts/0/startsAt
        owner         no field says it
        labels        /alerts/0/labels/alertname /alerts/0/labels/db_table /alerts/0/labels/severity

      no asset      Give the alert a label that names its asset: `dataset`, `asset`, `table`, `model`, `table_name`. If it has another one already, say so in muster.toml, for example
                      # under the [[sources]] with name = "prom"
                      [sources.words]
                      asset_labels = ["db_table"]

    not used        /alerts/0/annotations/dashboard /version
    "#);
    // Packed, with a mark and with Python's words, as the address takes it.
    let odd = format!("\u{feff}{}", include_str!("../fixtures/cases/infinity-in-json/body.json"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, odd.as_bytes()).unwrap();
    let (good, told) = replay("great_expectations", &packed.finish().unwrap(), &["--header", "Content-Encoding: gzip"]);
    assert!(good && told.contains("    asset         /meta/active_batch_definition/data_asset_name"), "{told}");
    let (good, told) = replay("great_expectations", b"{}", &["--header", "Content-Encoding: br"]);
    assert!(!good && told.contains("gets 415"), "{told}");
    // Fields may stand in headers.
    let of_event = [
        "--header",
        "ce-specversion: 1.0",
        "--header",
        "ce-id: 1",
        "--header",
        "ce-source: /dq",
        "--header",
        "ce-type: check.failed",
        "--header",
        "ce-subject: w.orders",
    ];
    let (good, told) = replay("cloudevents", b"{\"title\": \"late\"}", &of_event);
    assert!(good && told.contains("asset         w.orders"), "{told}");
    // A source of the pager's events, and events of OpenLineage, which need no source.
    let event =
        json!({"event_action": "trigger", "payload": {"summary": "late", "source": "cron", "severity": "error"}});
    let (good, told) = replay("pd", event.to_string().as_bytes(), &[]);
    assert!(good && told.contains("a field in `payload.custom_details`"), "{told}");
    let (good, told) = replay("openlineage", include_bytes!("../fixtures/cases/openlineage-gzip/body.json"), &[]);
    assert!(good && told.contains("lineage         "), "{told}");
    for (source, written, hint) in [
        ("mapped", json!({"checks": [{"name": "rows", "id": "1"}]}), "[sources.mapping]"),
        ("dq", json!({"title": "late", "labels": {"db_table": "w.orders"}}), "asset_labels = [\"db_table\"]"),
        ("dbt_cloud", json!({"eventType": "job.run.errored", "data": {"jobId": 1}}), "kind = \"dbt_artifacts\""),
    ] {
        let (good, told) = replay(source, written.to_string().as_bytes(), &[]);
        assert!(good && told.contains("no asset") && told.contains(hint), "{told}");
    }
}
