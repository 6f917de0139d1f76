//! The app's home: what one person wants to see at a glance. It is built from bounded reads. It is published when it is opened and, as long as
//! somebody may be looking at it, when it has changed.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cards::{by_severity, median_taken};
use super::queries::Filter;
use super::transient::Watched;
use super::{App, Failure};
use crate::domain::decide::permitted;
use crate::domain::permission::{Standing, Verb};
use crate::domain::visibility::Viewer;
use crate::domain::{Incident, Role, Task, Time, UserId};
use crate::records::outbox::{EntryId, Job};
use crate::records::{Mine, Reviewed};
use crate::render::{Action, Button, Press, Rendered, views};
use crate::store::{Batch, Id, Range};

/// How long after it was opened a home is kept up to date, in minutes.
const WATCHED_MINUTES: i64 = 30;
/// How often Muster checks whether it has changed, in seconds.
const LOOK_EVERY_SECONDS: i64 = 30;
/// How many incidents are read for tasks and figures.
const LOOKED_AT: usize = 100;
/// How many lines a list has.
const LINES: usize = 10;
/// How many reviewed post-mortems are shown.
const REVIEWED: usize = 5;
/// How many homes are kept up to date.
const MAX_WATCHED: usize = 500;

impl App {
    pub async fn home_opened(&self, user: &UserId, mut also: Batch) -> Result<(), Failure> {
        let standing = self.met_or_later(user).await?;
        if user.is_empty() || !self.may_look(user, standing) {
            return Ok(());
        }
        let (now, session) = (self.now(), self.clock.fresh_id());
        {
            let mut homes = self.homes.lock();
            homes.retain(|_, home| home.until > now);
            if homes.len() < MAX_WATCHED || homes.contains_key(user) {
                let until = now + chrono::Duration::minutes(WATCHED_MINUTES);
                homes.insert(user.to_owned(), Watched { session: session.clone(), until, digest: String::new() });
            }
        }
        let job = Job::PublishHome { user: user.to_owned(), session: session.clone(), at: now };
        also.enqueue(&EntryId::home(user, &session), job, now);
        self.commit(also).await
    }

    fn may_look(&self, user: &UserId, standing: Standing) -> bool {
        permitted(Verb::Read, standing, Some(user), None, &self.policy, self).is_ok()
    }

    /// What to publish for somebody, if it is news, and the check that comes after this one.
    pub async fn home_due(&self, user: &UserId, session: &str) -> Result<(Option<Value>, Batch), Failure> {
        if !self.may_look(user, self.standing(user, None)) {
            return Ok((None, Batch::new()));
        }
        let blocks = self.home(user).await?.blocks_json();
        let digest = hex::encode(Sha256::digest(blocks.to_string()));
        let now = self.now();
        let mut homes = self.homes.lock();
        let view = || json!({"type": "home", "callback_id": "home", "blocks": blocks});
        let Some(home) = homes.get_mut(user).filter(|home| home.session == session) else {
            // It was opened again since, or before a restart. So this series of checks ends here.
            return Ok((Some(view()), Batch::new()));
        };
        let news = home.digest != digest;
        home.digest = digest;
        let at = now + chrono::Duration::seconds(LOOK_EVERY_SECONDS);
        let mut again = Batch::new();
        if at < home.until {
            let job = Job::PublishHome { user: user.to_owned(), session: session.to_owned(), at };
            again.enqueue(&EntryId::home_again(user, session, at), job, now);
        }
        Ok((news.then(view), again))
    }

    /// The home of one person. A record that cannot be read is left out, and the others are shown.
    async fn home(&self, user: &UserId) -> Result<Rendered, Failure> {
        let names = |id: &str| self.name(id);
        let now = self.now();
        let seen = Filter { viewer: self.viewer(user).await?, ..Filter::default() };
        let open = self.list(&Filter { open: true, ..seen.clone() }, None, LOOKED_AT).await?.incidents;
        let latest = self.list(&seen, None, LOOKED_AT).await?.incidents;
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
        let (mine, mut tasks) = self.duties_of(user).await?;
        let mine: Vec<&Incident> = mine.iter().collect();
        let others: Vec<&Incident> = open.iter().filter(|one| mine.iter().all(|own| own.uid != one.uid)).collect();
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
        let reviewed: Vec<_> = self
            .lately_reviewed(&seen.viewer)
            .await?
            .into_iter()
            .map(|incident| json!({"name": incident.name(), "title": incident.title, "at": incident.reviewed_at}))
            .collect();
        let more = others.len().saturating_sub(LINES);
        let more = (more > 0).then(|| if open.len() == LOOKED_AT { format!("{more}+") } else { more.to_string() });
        let view = json!({
            "mine": shown(&mine), "more_mine": mine.len().saturating_sub(LINES), "open": shown(&others), "more": more,
            "tasks": tasks, "more_tasks": more_tasks, "silences": silences, "reviewed": reviewed,
            "figures": figures(&open, &latest, now), "subscriptions": self.subscriptions_of(user),
        });
        let mut buttons = vec![Button::new(&Action::Declare { asset: None }, "Declare an incident").primary()];
        buttons.extend(tasks.iter().take(5).map(|task| {
            let (name, number) = (task["incident"].as_str().unwrap_or_default(), task["number"].as_u64());
            let press = Press::TaskDone(number.and_then(|number| number.try_into().ok()).unwrap_or_default());
            Button::on(name, press, &format!("Done: {name} task {}", number.unwrap_or_default()))
        }));
        Ok(self.shown("home", &view, &buttons))
    }

    /// The open incidents in which somebody has a role, newest first, and their open tasks as templates see them, those due first at the top.
    async fn duties_of(&self, user: &UserId) -> Result<(Vec<Incident>, Vec<Value>), Failure> {
        let (mut incidents, mut tasks) = (Vec::<Incident>::new(), Vec::new());
        for rec in self.store.scan(&Range::<Mine>::of(user), LOOKED_AT).await?.records {
            let Mine { uid, task } = rec.value;
            let Some(incident) = self.incident(&uid).await? else {
                continue;
            };
            let Some(number) = task else {
                incidents.push(incident);
                continue;
            };
            // A person who has a task in it may see it.
            let task = self.store.value(&Id::<Task>::of(&uid, number)).await?;
            tasks.extend(task.map(|task| (incident.name(), task)));
        }
        tasks.sort_by_key(|(_, task)| (task.due.is_none(), task.due, task.added_at));
        let views = tasks.into_iter().flat_map(|(name, task)| {
            self.task_views(&[task]).into_iter().map(move |mut view| {
                view["incident"] = json!(name);
                view
            })
        });
        Ok((incidents, views.collect()))
    }

    /// The incidents whose post-mortems were reviewed most recently.
    async fn lately_reviewed(&self, viewer: &Viewer) -> Result<Vec<Incident>, Failure> {
        let mut found: Vec<Incident> = Vec::new();
        for rec in self.store.scan(&Range::<Reviewed>::all(), LINES).await?.records {
            let incident = self.incident(&rec.value.uid).await?;
            found.extend(incident.filter(|incident| {
                // An incident that was reopened is not reviewed any more.
                incident.reviewed_at.is_some()
                    && !incident.drill
                    && found.iter().all(|other| other.uid != incident.uid)
                    && viewer.sees(incident)
            }));
        }
        found.truncate(REVIEWED);
        Ok(found)
    }
}

/// A few figures: how many are open by severity, and how long the last ones took. Drills are not counted.
fn figures(open: &[Incident], latest: &[Incident], now: Time) -> Value {
    let real = |incident: &&Incident| !incident.drill;
    let month = now - chrono::Duration::days(30);
    let recent: Vec<&Incident> = latest.iter().filter(real).filter(|one| one.opened_at >= month).collect();
    // Incidents that were not read are not counted, and the home says so.
    let at_least = |count: usize| if count == LOOKED_AT { format!("{count}+") } else { count.to_string() };
    json!({
        "open": by_severity(&open.iter().filter(real).collect::<Vec<_>>()), "more": open.len() == LOOKED_AT, "month": at_least(recent.len()),
        "to_acknowledge": median_taken(recent.iter().copied(), |one| one.acknowledged_at),
        "to_resolve": median_taken(recent.iter().copied(), |one| one.resolved_at),
    })
}
