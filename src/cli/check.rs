//! `muster check`: everything that can be wrong before an incident, said before one.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use secrecy::ExposeSecret;

use super::load;
use crate::app::load_library;
use crate::config::SlackMode;
use crate::domain::policy::OnGreen;
use crate::render::Templates;
use crate::slack::client::SlackApi;
use crate::store::postgres;

/// The Slack permissions that Muster uses, as `manifest.yml` asks for them; a test compares the two.
pub(crate) const SCOPES: &[&str] = &[
    "app_mentions:read",
    "canvases:write",
    "commands",
    "chat:write",
    "chat:write.public",
    "channels:manage",
    "channels:join",
    "channels:read",
    "channels:history",
    "groups:write",
    "groups:read",
    "groups:history",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "pins:write",
    "bookmarks:read",
    "bookmarks:write",
    "reactions:read",
    "reactions:write",
    "files:write",
    "links:read",
    "links:write",
];

pub(super) async fn run(path: &Path, online: bool) -> anyhow::Result<()> {
    let config = load(path)?;
    println!(
        "configuration   {} sources, {} services, {} teams",
        config.sources.len(),
        config.services.len(),
        config.teams.len()
    );
    let templates = Templates::load(config.message_templates.path.as_deref())?;
    let own = templates.sources().values().filter(|source| *source != "shipped").count();
    println!("templates       {} ({own} of your own)", templates.sources().len());
    let library = load_library(config.runbooks.path.as_deref())?;
    println!("runbooks        {}", library.all().count());
    for book in library.all() {
        for link in &book.head.links {
            if url::Url::parse(&link.url).is_err() {
                bail!("the runbook `{}` has a link that is no web address: {}", book.head.id, link.url);
            }
        }
    }
    let keys = config.secrets.routing_keys.iter().map(|(service, key)| (service.as_str(), key));
    let default = config.secrets.pagerduty_routing_key.iter().map(|key| ("default", key));
    for (target, key) in keys.chain(default) {
        let key = key.expose_secret();
        if key.len() != 32 || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            bail!(
                "the routing key of `{target}` is none of PagerDuty's, which have 32 letters and digits; nobody would be paged. It is the *Integration Key* of an Events API v2 integration"
            );
        }
    }
    let policy = config.policy();
    if !policy.can_page_by_default && policy.services.iter().all(|service| !service.can_page) {
        println!("pager           off: no MUSTER_PAGERDUTY__ROUTING_KEY and no service with a routing key");
    } else if config.secrets.pagerduty_webhook_secrets.is_empty() {
        println!(
            "pager           on, but without MUSTER_PAGERDUTY__WEBHOOK_SECRETS Muster never learns that somebody was paged"
        );
    } else {
        println!("pager           on");
    }
    let mail = crate::mail::Mailer::new(&config)?;
    println!("mail            {}", if mail.is_some() { "on" } else { "off: [mail] smtp_url is empty" });
    for source in config.sources.iter().filter(|source| source.on_green == OnGreen::Resolve) {
        println!("note            incidents resolve by themselves when all alerts of `{}` are green", source.name);
    }
    let url = config.secrets.database_url.as_ref().map(ExposeSecret::expose_secret);
    if let Some(url) = url {
        postgres::read_address(url)?;
        if !online {
            println!("database        its address can be read; --online asks the database itself");
        }
    }
    if online {
        crate::telemetry::install_crypto();
        if let Some(url) = url {
            let ready = postgres::check(url).await?;
            let tables = if ready { "its tables are there" } else { "the first start makes or updates its tables" };
            println!("database        it answers; {tables}");
        }
        check_slack(&config).await?;
    }
    println!("all well");
    Ok(())
}

async fn check_slack(config: &crate::config::Config) -> anyhow::Result<()> {
    let token = config.secrets.slack_bot_token.clone().unwrap_or_default();
    let slack = SlackApi::new(
        &config.slack.api_url,
        &token,
        &config.slack.team_id,
        Duration::from_secs(config.slack.timeout_seconds),
    )?;
    let me = slack
        .auth_test()
        .await
        .map_err(|error| anyhow::anyhow!("{error}; {}", crate::slack::client::advice(&error.code)))?;
    let team = me["team_id"].as_str().unwrap_or_default();
    if team != config.slack.team_id {
        bail!("the bot token belongs to the workspace {team}, and [slack] team_id is {}", config.slack.team_id);
    }
    println!(
        "slack           {} as {}",
        me["team"].as_str().unwrap_or_default(),
        me["user"].as_str().unwrap_or_default()
    );
    if let Some(token) = config.secrets.slack_app_token.as_ref().filter(|_| config.slack.mode == SlackMode::Socket) {
        slack.open_connection(token).await.map_err(|error| {
            anyhow::anyhow!(
                "{error}; MUSTER_SLACK__APP_TOKEN needs the scope connections:write, and Socket Mode must be on"
            )
        })?;
        println!("connection      Socket Mode is on");
    }
    let (granted, date) = granted(config).await?;
    let missing: Vec<_> = SCOPES.iter().filter(|scope| !granted.iter().any(|have| have == *scope)).collect();
    if !missing.is_empty() {
        bail!("the app lacks the permissions {missing:?}; update it with manifest.yml and install it again");
    }
    println!("permissions     all {} granted", SCOPES.len());
    if let Some(date) = date {
        let skew = (crate::clock::Clock::wall().now() - date).num_seconds().abs();
        if skew > 60 {
            bail!(
                "this machine's clock is {skew} s off Slack's; at 300 s every request of Slack is refused. Set up time synchronisation"
            );
        }
        println!("clock           {skew} s off Slack's");
    }
    Ok(())
}

/// The granted permissions and Slack's own time, which stand in headers that the client does not show.
async fn granted(
    config: &crate::config::Config,
) -> anyhow::Result<(Vec<String>, Option<chrono::DateTime<chrono::Utc>>)> {
    use secrecy::ExposeSecret as _;
    let token =
        config.secrets.slack_bot_token.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let answer = reqwest::Client::builder()
        .timeout(Duration::from_secs(config.slack.timeout_seconds))
        .build()?
        .get(format!("{}/auth.test", config.slack.api_url.trim_end_matches('/')))
        .bearer_auth(token)
        .send()
        .await
        .map_err(reqwest::Error::without_url)?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let scopes = header("x-oauth-scopes").unwrap_or_default().split(',').map(|scope| scope.trim().to_owned()).collect();
    let date =
        header("date").and_then(|date| chrono::DateTime::parse_from_rfc2822(&date).ok()).map(|date| date.to_utc());
    Ok((scopes, date))
}
