//! What `muster check --online` asks Slack: the token, its permissions, the clock.

use std::time::Duration;

use anyhow::bail;
use secrecy::ExposeSecret as _;

use crate::config::{Config, SlackMode};
use crate::domain::undelivered::advice;
use crate::slack::client::SlackApi;
use crate::slack::manifest::SCOPES;

pub(super) async fn check_slack(config: &Config) -> anyhow::Result<()> {
    let token = config.secrets.slack_bot_token.clone().unwrap_or_default();
    let slack = SlackApi::new(
        &config.slack.api_url,
        &token,
        &config.slack.team_id,
        Duration::from_secs(config.slack.timeout_seconds),
    )?;
    let me = slack.auth_test().await.map_err(|error| anyhow::anyhow!("{error}; {}", advice(&error.code)))?;
    let team = me["team_id"].as_str().unwrap_or_default();
    if team != config.slack.team_id {
        bail!("the bot token belongs to the workspace {team}, but [slack] team_id is {}", config.slack.team_id);
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

/// The granted permissions and Slack's own time. Both are in headers that the client does not show.
async fn granted(config: &Config) -> anyhow::Result<(Vec<String>, Option<chrono::DateTime<chrono::Utc>>)> {
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
