//! The app's home: what one person wants to see at a glance. Built from bounded reads, published when it is opened and, for as long as
//! it may be looked at, when it has changed.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::job::Job;
use super::queries::Filter;
use super::{App, Failure};
use crate::domain::permission::{Standing, Verb, allowed};
use crate::domain::timeline::duration;
use crate::domain::{Incident, Role, Severity, Time};
use crate::messages::{Button, Rendered, views};
use crate::store::Op;
use crate::tr;

/// How long after it was opened a home is kept up to date, in minutes.
const WATCHED_MINUTES: i64 = 30;
/// How often it is looked whether it has changed, in seconds.
const LOOK_EVERY_SECONDS: i64 = 30;
/// So many incidents are looked at for tasks and figures.
const LOOKED_AT: usize = 100;
/// So many lines a list has.
const LINES: usize = 10;
/// So many homes are kept up to date.
const MAX_WATCHED: usize = 500;

/// Who has the home open, perhaps: which opening counts, and what was published last.
pub(super) type Homes = HashMap<String, Watched>;

/// One open home.
pub(super) struct Watched {
    session: String,
    until: Time,
    digest: String,
}

impl App {
    /// Somebody opened the home.
    ///
    /// # Errors
    /// The store cannot write.
    pub(super) async fn home_opened(&self, user: &str, mut ops: Vec<Op>) -> Result<(), Failure> {
        let standing = self.met(user, None).await;
        if user.is_empty() || (standing != Standing::Unknown && !allowed(standing, Verb::Read)) {
            return Ok(());
        }
        let (now, session) = (self.now(), self.clock.fresh_id());
        {
            let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
            homes.retain(|_, home| home.until > now);
            if homes.len() < MAX_WATCHED || homes.contains_key(user) {
                let until = now + chrono::Duration::minutes(WATCHED_MINUTES);
                homes.insert(user.to_owned(), Watched { session: session.clone(), until, digest: String::new() });
            }
        }
        let job = Job::PublishHome { user: user.to_owned(), session: session.clone(), at: now };
        ops.push(job.enqueue(&format!("home-{user}-{session}"), now));
        self.commit(ops).await?;
        self.wake.notify_waiters();
        Ok(())
    }

    /// What is to be published for somebody, if it is news, and the look that comes after this one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn home_due(&self, user: &str, session: &str) -> Result<(Option<Value>, Option<Op>), Failure> {
        let blocks = self.home(user)?.blocks_json();
        let digest = hex::encode(Sha256::digest(blocks.to_string()));
        let now = self.now();
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        let view = || json!({"type": "home", "callback_id": "home", "blocks": blocks});
        let Some(home) = homes.get_mut(user).filter(|home| home.session == session) else {
            // Opened anew since, or before a restart: this look is the last of its own.
            return Ok((Some(view()), None));
        };
        let news = home.digest != digest;
        home.digest = digest;
        let at = now + chrono::Duration::seconds(LOOK_EVERY_SECONDS);
        let again = (at < home.until).then(|| {
            let job = Job::PublishHome { user: user.to_owned(), session: session.to_owned(), at };
            job.enqueue(&format!("home-{user}-{session}-{}", at.timestamp()), now)
        });
        Ok((news.then(view), again))
    }

    /// The home of one person. A record that cannot be read is left out, and the others are shown.
    fn home(&self, user: &str) -> Result<Rendered, Failure> {
        let names = |id: &str| self.name(id);
        let now = self.now();
        let list = |filter: Filter| -> Result<Vec<Incident>, Failure> {
            let filter = Filter { viewer: self.viewer(user), ..filter };
            Ok(self.list(&filter, None, LOOKED_AT)?.incidents)
        };
        let open = list(Filter { open: true, ..Filter::default() })?;
        let latest = list(Filter::default())?;
        let shown = |incidents: &[&Incident]| -> Vec<Value> {
            incidents
                .iter()
                .take(LINES)
                .map(|incident| {
                    let mut view = views::incident(incident, &names, now);
                    let roles = Role::ALL.into_iter().filter(|role| incident.has_role(*role, user)).map(Role::as_str);
                    view["my_roles"] = json!(roles.collect::<Vec<_>>());
                    view
                })
                .collect()
        };
        let (mine, others): (Vec<&Incident>, Vec<&Incident>) =
            open.iter().partition(|incident| incident.people().iter().any(|person| person == user));
        let mut tasks = Vec::new();
        for incident in
            open.iter().chain(latest.iter().filter(|one| !one.status.is_open())).filter(|one| one.open_tasks > 0)
        {
            let own: Vec<_> = self
                .tasks(&incident.uid)?
                .into_iter()
                .filter(|task| task.done_at.is_none() && task.assignee.as_deref() == Some(user))
                .collect();
            tasks.extend(self.task_views(&own).into_iter().map(|mut task| {
                task["incident"] = json!(incident.name());
                task
            }));
        }
        let more_tasks = tasks.len().saturating_sub(LINES);
        tasks.truncate(LINES);
        let silences: Vec<_> = self
            .silences()
            .iter()
            .take(LINES)
            .map(|silence| {
                json!({"number": silence.number, "match": silence.matcher.to_string(), "until": silence.until, "reason": silence.reason})
            })
            .collect();
        let drafts: Vec<_> = latest
            .iter()
            .filter(|incident| incident.reviewed_at.is_some() && !incident.drill)
            .take(5)
            .map(|incident| json!({"name": incident.name(), "title": incident.title, "at": incident.reviewed_at}))
            .collect();
        let view = json!({
            "mine": shown(&mine), "open": shown(&others), "more": others.len().saturating_sub(LINES),
            "tasks": tasks, "more_tasks": more_tasks, "silences": silences, "drafts": drafts,
            "figures": figures(&open, &latest, now), "follows": self.followed_by(user),
        });
        let mut buttons = vec![Button::new("declare", "Declare an incident", "declare").primary()];
        buttons.extend(tasks.iter().take(5).map(|task| {
            let name = task["incident"].as_str().unwrap_or_default();
            Button::new(
                format!("task_done:{}:{name}", task["number"]),
                &tr!("Done: {name} task {number}", name = name, number = task["number"]),
                name,
            )
        }));
        Ok(Rendered::new(&self.templates.render("home", &view), &buttons))
    }
}

/// A few figures: how many are open by severity, and how long the last ones took. Drills count nowhere.
fn figures(open: &[Incident], latest: &[Incident], now: Time) -> Value {
    let real = |incident: &&Incident| !incident.drill;
    let by_severity: Vec<_> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, open.iter().filter(real).filter(|one| one.severity == severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let month = now - chrono::Duration::days(30);
    let recent: Vec<&Incident> = latest.iter().filter(real).filter(|one| one.opened_at >= month).collect();
    let median = |mut minutes: Vec<i64>| {
        minutes.sort_unstable();
        let middle = minutes.get(minutes.len() / 2).copied();
        middle.map(|minutes| duration(now, now + chrono::Duration::minutes(minutes)))
    };
    let taken = |until: fn(&Incident) -> Option<Time>| {
        median(recent.iter().filter_map(|one| Some((until(one)? - one.opened_at).num_minutes())).collect())
    };
    json!({
        "open": by_severity, "month": recent.len(),
        "to_acknowledge": taken(|one| one.acknowledged_at), "to_resolve": taken(|one| one.resolved_at),
    })
}
