//! `muster check`: everything that can be wrong before an incident, said before one.

use std::path::Path;

use anyhow::bail;
use secrecy::ExposeSecret;

use super::check_slack::check_slack;
use super::opening::load;
use crate::app::load_library;
use crate::domain::policy::OnGreen;
use crate::render::Templates;
use crate::store::postgres;

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
