//! `muster check`: finds what is wrong before an incident does.

use std::path::Path;

use anyhow::bail;
use secrecy::ExposeSecret;

use super::check_slack::check_slack;
use super::opening::load;
use crate::app::load_library;
use crate::domain::counted;
use crate::domain::policy::OnGreen;
use crate::render::Templates;
use crate::store::postgres;

pub(super) async fn run(path: &Path, online: bool) -> anyhow::Result<()> {
    let config = load(path)?;
    println!(
        "configuration   {}, {}, {}",
        counted(config.sources.len(), "source"),
        counted(config.services.len(), "service"),
        counted(config.teams.len(), "team")
    );
    if !config.unread_variables.is_empty() {
        bail!("{}", config.unread_variables.join("\n"));
    }
    let templates = Templates::load(config.message_templates.path.as_deref())?;
    let own = templates.sources().values().filter(|source| *source != "shipped").count();
    println!("templates       {} ({own} of your own)", templates.sources().len());
    let mistakes = templates.mistakes()?;
    if !mistakes.is_empty() {
        let each: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        bail!(
            "{}\nMuster would write these messages with its own templates. Mend yours; `message-templates/samples.json` in Muster's repository shows what each may use",
            each.join("\n")
        );
    }
    let library = load_library(config.runbooks.path.as_deref())?;
    println!("runbooks        {}", library.all().count());
    for book in library.all() {
        for link in &book.head.links {
            if url::Url::parse(&link.url).is_err() {
                bail!("the runbook `{}` has a link that is not a web address: {}", book.head.id, link.url);
            }
        }
    }
    let keys = config.secrets.routing_keys.iter().map(|(service, key)| (service.as_str(), key));
    let default = config.secrets.pagerduty_routing_key.iter().map(|key| ("default", key));
    for (target, key) in keys.chain(default) {
        let key = key.expose_secret();
        if key.len() != 32 || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            bail!(
                "the routing key of `{target}` is not a PagerDuty routing key. Such a key has 32 letters and digits. With this one, nobody would be paged. Use the *Integration Key* of an Events API v2 integration"
            );
        }
    }
    let policy = config.policy();
    if !policy.can_page_by_default && policy.services.iter().all(|service| !service.can_page) {
        println!("pager           off: MUSTER_PAGERDUTY__ROUTING_KEY is not set, and no service has a routing key");
    } else if config.secrets.pagerduty_webhook_secrets.is_empty() {
        println!(
            "pager           on, but MUSTER_PAGERDUTY__WEBHOOK_SECRETS is not set, so Muster never learns that somebody was paged"
        );
    } else {
        println!("pager           on");
    }
    let mail = crate::mail::Mailer::new(&config)?;
    println!("mail            {}", if mail.is_some() { "on" } else { "off: [mail] smtp_url is empty" });
    for source in config.sources.iter().filter(|source| source.on_green == OnGreen::Resolve) {
        println!(
            "note            an incident resolves by itself when all its alerts are green, if they are of `{}`",
            source.name
        );
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
    println!("no mistake was found");
    Ok(())
}
