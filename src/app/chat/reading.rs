//! What people read without changing anything: lists, one incident, its timeline and tasks, who is on duty, who may do what.

use serde_json::{Value, json};

use super::choices::again;
use super::{Caller, Reply};
use crate::app::queries::Filter;
use crate::app::{App, Failure};
use crate::domain::permission::{Verb, Who};
use crate::domain::timeline::{self, Line};
use crate::domain::times::duration;
use crate::domain::{AssetName, Incident, Role, Severity, SignalStatus, Task, Time};
use crate::records::Verdicts;
use crate::render::{self, Button, Rendered, escape, views};
use crate::slack::slash::{Listed, Search};

/// So many incidents stand on a page.
const PAGE: usize = 15;
/// So far back `sla` counts, in days.
const SLA_DAYS: i64 = 30;
/// So many assets of an incident `sla` shows.
const SLA_ASSETS: usize = 10;
/// So many incidents `stats` counts.
const COUNTED: usize = 1000;
/// So many tasks stand on a page.
const TASKS: usize = 30;
/// So many tasks stand below an incident.
const LISTED_TASKS: usize = 10;
/// So many lines of a timeline, or alerts, stand on a page.
const LINES: usize = 40;

impl App {
    /// The incidents that somebody may see, the newest first.
    pub(super) async fn visible(
        &self,
        filter: &Filter,
        caller: &Caller<'_>,
        limit: usize,
    ) -> Result<Vec<Incident>, Failure> {
        let filter = Filter { viewer: self.viewer(caller.user).await?, ..filter.clone() };
        Ok(self.list(&filter, None, limit).await?.incidents)
    }

    pub(super) async fn list_said(&self, search: &Search, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let filter = Filter {
            open: search.open,
            person: search.mine.then(|| caller.user.to_owned()),
            severity: search.severity,
            status: search.status,
            asset: search.asset.as_deref().and_then(AssetName::new).map(|asset| self.catalog.known_as(&asset)),
            since: search.since,
            before: search.before,
            words: search.words.clone(),
            viewer: self.viewer(caller.user).await?,
        };
        let after = search.after.map(crate::app::queries::place_of);
        let page = self.list(&filter, after.as_deref(), PAGE).await?;
        let names = |id: &str| self.name(id);
        let mut buttons = Vec::new();
        if page.next.is_some() {
            // Where nothing was found on this page, the search goes on where it stopped.
            let last = page.next.as_deref().and_then(crate::app::queries::number_at);
            buttons.extend(last.and_then(|number| again(0, "Older", &search.line_after(number))));
        }
        let incidents: Vec<Value> = page.incidents.iter().map(|one| views::incident(one, &names, self.now())).collect();
        let view = json!({"title": search.heading(), "incidents": incidents, "more": page.next.is_some()});
        Ok(Rendered::new(&self.templates.render("list", &view), &buttons).into())
    }

    pub(super) async fn show(&self, uid: &str) -> Result<Reply, Failure> {
        let incident = self.must(uid).await?;
        let names = |id: &str| self.name(id);
        let latest = self.latest_entries(&incident, 15).await?;
        let mut tasks = self.task_views(&self.tasks(uid).await?);
        let more_tasks = tasks.len().saturating_sub(LISTED_TASKS);
        tasks.truncate(LISTED_TASKS);
        let view = json!({
            "incident": views::incident(&incident, &names, self.now()), "lines": self.lines(&timeline::lines(&latest)),
            "tasks": tasks, "more_tasks": more_tasks,
        });
        Ok(views::plain_view(&self.templates, "show", &view).into())
    }

    async fn must(&self, uid: &str) -> Result<Incident, Failure> {
        self.incident(uid).await?.ok_or_else(|| Failure::NotFound("There is no such incident.".to_owned()))
    }

    fn lines(&self, lines: &[Line]) -> Vec<Value> {
        let names = |id: &str| self.name(id);
        let view = |line: &Line| {
            json!({
                "number": line.entry.seq, "at": line.at, "text": render::timeline::line(&self.templates, line, &names),
                "link": line.message().map(|message| self.link(message)),
            })
        };
        lines.iter().map(view).collect()
    }

    /// A page of what an incident has many of, with the way to the next one.
    pub(super) async fn listed_said(&self, uid: &str, what: Listed, page: usize) -> Result<Reply, Failure> {
        let incident = self.must(uid).await?;
        let (shown, more, mut buttons) = match what {
            Listed::Timeline => {
                let (lines, more) = self.latest_lines(&incident, page).await?;
                (lines, more, Vec::new())
            }
            Listed::Tasks => {
                let (tasks, more) = page_of(self.task_views(&self.tasks(uid).await?), page, TASKS);
                let open = tasks.iter().filter(|task| task["done"] == false).filter_map(|task| task["number"].as_u64());
                let done = |number: u64| {
                    Button::new(format!("task_done:{number}"), &format!("Done {number}"), &incident.name())
                };
                let buttons = open.take(5).map(done).collect();
                (tasks, more, buttons)
            }
            Listed::Alerts => {
                let alerts = self.alerts_in_order(uid).await?.into_iter().enumerate().map(|(place, alert)| {
                    json!({
                        "number": place + 1, "firing": alert.signal.status == SignalStatus::Firing,
                        "title": alert.signal.title, "because": alert.joined_because.words(&|id| self.name(id)),
                    })
                });
                let (alerts, more) = page_of(alerts.collect(), page, LINES);
                (alerts, more, Vec::new())
            }
        };
        if more {
            let label = if what == Listed::Timeline { "Earlier" } else { "More" };
            buttons.extend(again(0, label, &format!("{} {} {}", incident.name(), what.verb(), page + 1)));
        }
        let view = json!({"name": incident.name(), "lines": shown, "more": more, "page": page});
        Ok(Rendered::new(&self.templates.render(what.verb(), &view), &buttons).into())
    }

    /// The lines of a timeline, the latest page first, and whether there are earlier ones.
    async fn latest_lines(&self, incident: &Incident, page: usize) -> Result<(Vec<Value>, bool), Failure> {
        let mut read = 4 * LINES * page;
        loop {
            let latest = self.latest_entries(incident, read as u64).await?;
            let all = latest.first().is_none_or(|first| first.seq == 1);
            let mut lines = timeline::lines(&latest);
            // Not every entry is a line, so more of them may have to be read.
            if !all && lines.len() < LINES * page {
                read *= 2;
                continue;
            }
            lines.truncate(lines.len().saturating_sub(LINES * (page - 1)));
            let earlier = lines.len().saturating_sub(LINES);
            lines.drain(..earlier);
            return Ok((self.lines(&lines), earlier > 0 || !all));
        }
    }

    /// Tasks as templates see them, those that are open first.
    pub fn task_views(&self, tasks: &[Task]) -> Vec<Value> {
        let mut tasks: Vec<&Task> = tasks.iter().collect();
        tasks.sort_by_key(|task| (task.done_at.is_some(), task.number));
        tasks
            .into_iter()
            .map(|task| {
                json!({
                    "number": task.number, "text": task.text, "done": task.done_at.is_some(),
                    "assignee": task.assignee.as_ref().map(|id| json!({"id": id, "name": self.name(id)})),
                    "due": task.due.map(|due| due.format("%Y-%m-%d").to_string()),
                    "late": task.done_at.is_none() && task.due.is_some_and(|due| due < self.now()),
                })
            })
            .collect()
    }

    /// The last why, as its form repeats it.
    pub(super) async fn last_why(&self, incident: &Incident) -> Result<Option<String>, Failure> {
        let entries = self.entries(&incident.uid, 0, usize::MAX).await?;
        let last = timeline::corrected(&entries).into_iter().rev().find_map(|one| match one.entry.event {
            crate::domain::Event::Why { number, text, .. } => Some((number, text)),
            _ => None,
        });
        Ok(last.map(|(number, text)| escape(&format!("Why {number}: {text}"))))
    }

    /// What was promised of assets, and for how long each was broken lately.
    pub(super) async fn sla_said(
        &self,
        incident: Option<u64>,
        asset: Option<&str>,
        caller: &Caller<'_>,
    ) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let assets = match asset {
            Some(asset) => vec![self.meant(asset)?],
            None => {
                let incident = self.must(&self.target(incident, caller).await?).await?;
                incident.assets.iter().map(ToString::to_string).collect()
            }
        };
        let since = self.now() - chrono::Duration::days(SLA_DAYS);
        let mut lines = Vec::new();
        for asset in assets.iter().take(SLA_ASSETS) {
            let filter = Filter { asset: AssetName::new(asset), since: Some(since), ..Filter::default() };
            let incidents = self.visible(&filter, caller, 100).await?;
            let bad: i64 = incidents
                .iter()
                .filter(|one| !one.drill)
                .map(|one| {
                    let until = one.good_again.or(one.resolved_at).unwrap_or(self.now());
                    (until - one.bad_from.unwrap_or(one.detected_at)).num_minutes().max(0)
                })
                .sum();
            let promised = self.asset(asset).await?.as_ref().and_then(crate::domain::lineage::Asset::sla);
            let bad_for = (bad > 0).then(|| duration(since, since + chrono::Duration::minutes(bad)));
            lines.push(json!({"asset": asset, "sla": promised, "incidents": incidents.len(), "one": incidents.len() == 1, "bad_for": bad_for}));
        }
        Ok(views::plain_view(&self.templates, "sla", &json!({"lines": lines, "days": SLA_DAYS})).into())
    }

    /// How incidents went since a moment; and how monitors do: precision over all, and the noisiest.
    pub(super) async fn stats_said(&self, since: Time, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let filter = Filter { since: Some(since), ..Filter::default() };
        let mut incidents = self.visible(&filter, caller, COUNTED).await?;
        let more = incidents.len() == COUNTED;
        incidents.retain(|one| !one.drill);
        let by_severity: Vec<_> = Severity::ALL
            .into_iter()
            .map(|severity| (severity, incidents.iter().filter(|one| one.severity == severity).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        let all = self.verdicts().await?;
        let useful: u32 = all.iter().map(|one| one.useful).sum();
        let total: u32 = all.iter().map(Verdicts::total).sum();
        let percent = |part: f64| format!("{:.0} %", 100.0 * part);
        let noisy: Vec<_> = all
            .iter()
            .filter(|one| one.false_ + one.expected > 0)
            .take(10)
            .map(|one| {
                json!({
                    "title": one.title, "source": one.source, "false": one.false_, "expected": one.expected,
                    "useful": one.useful, "precision": percent(one.precision()),
                })
            })
            .collect();
        let bad = incidents.iter().filter_map(|one| Some((one.good_again? - one.bad_from?).num_minutes()));
        let medians = [
            median_taken(&incidents, |one| one.acknowledged_at).map(|time| format!("acknowledged in {time}")),
            median_taken(&incidents, |one| one.resolved_at).map(|time| format!("resolved in {time}")),
            median_of(bad.collect()).map(|time| format!("data bad for {time}")),
        ];
        let view = json!({
            "since": since, "incidents": incidents.len(), "one": incidents.len() == 1, "more": more,
            "by_severity": by_severity, "medians": medians.into_iter().flatten().collect::<Vec<_>>(),
            "monitors": all.len(), "total": total, "useful": useful,
            "precision": percent(f64::from(useful) / f64::from(total.max(1))), "noisy": noisy,
        });
        Ok(views::plain_view(&self.templates, "stats", &view).into())
    }

    /// An asset, with the ways to hear of its incidents and to say that something is wrong with it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn asset_card(&self, shown: &str) -> Result<Rendered, Failure> {
        let mut buttons: Vec<_> =
            again(0, "Tell me of its incidents", &format!("subscribe {shown}")).into_iter().collect();
        let owners = self.asset(shown).await?.map(|asset| asset.owners()).unwrap_or_default();
        let team = owners.iter().find_map(|owner| self.policy.teams.iter().find(|team| team.name == owner.name));
        if let Some(team) = team {
            let label = format!("Tell me of all of {team}", team = team.name);
            buttons.extend(again(1, &label, &format!("subscribe {}", team.name)));
        }
        buttons.push(Button::new("declare", "Something is wrong with it", shown));
        Ok(Rendered::new(&self.templates.render("asset", &self.asset_page(shown).await?), &buttons))
    }

    /// What a commander must know now.
    pub async fn brief(&self, incident: &Incident) -> Result<String, Failure> {
        let names = |id: &str| self.name(id);
        let entries = self.latest_entries(incident, 200).await?;
        let said = |pick: &dyn Fn(&crate::domain::Event) -> Option<String>| -> Vec<String> {
            entries.iter().rev().filter_map(|entry| pick(&entry.event)).take(5).collect()
        };
        let tried = said(&|event| match event {
            crate::domain::Event::Tried { text, ruled_out: false } => Some(text.clone()),
            _ => None,
        });
        let ruled_out = said(&|event| match event {
            crate::domain::Event::Tried { text, ruled_out: true } => Some(text.clone()),
            _ => None,
        });
        let found = said(&|event| match event {
            crate::domain::Event::Looked { look, finding } => Some(format!("{}: {finding}", look.as_str())),
            _ => None,
        });
        let tasks = self.task_views(&self.tasks(&incident.uid).await?);
        let open: Vec<_> = tasks.into_iter().filter(|task| task["done"] == false).take(10).collect();
        let view = json!({
            "incident": views::incident(incident, &names, self.now()), "tasks": open, "tried": tried,
            "ruled_out": ruled_out, "found": found, "bad_for": incident.bad_from.map(|from| duration(from, self.now())),
            "remind_at": incident.remind_at, "told_at": incident.updated_at,
        });
        Ok(self.templates.render("brief", &view))
    }

    pub(super) async fn brief_said(&self, uid: &str, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        Ok(Rendered::new(&self.brief(&self.must(uid).await?).await?, &[]).into())
    }

    /// What a role asks of whoever holds it, now; with the brief for the commander. Markdown and buttons.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn role_card(
        &self,
        incident: &Incident,
        role: Role,
        person: &str,
    ) -> Result<(String, Vec<Button>), Failure> {
        let names = |id: &str| self.name(id);
        let view = json!({
            "incident": views::incident(incident, &names, self.now()), "role": role.as_str(),
            "duties": self.library.duties(role, incident),
        });
        let mut words = self.templates.render(&format!("role_{}", role.as_str()), &view);
        if role == Role::Commander {
            words = format!("{words}\n\n---\n\n{}", self.brief(incident).await?);
        }
        let buttons = if incident.has_role(role, person) {
            vec![Button::new(format!("leave:{}", role.as_str()), "Give the role back", &incident.name())]
        } else {
            vec![Button::new(format!("take:{}", role.as_str()), "Take this role", &incident.name()).primary()]
        };
        Ok((words, buttons))
    }

    pub(super) async fn role_said(&self, uid: &str, role: Role, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let (words, buttons) = self.role_card(&self.must(uid).await?, role, caller.user).await?;
        Ok(Rendered::new(&words, &buttons).into())
    }

    pub(super) fn on_call_said(&self, service: Option<&str>, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let known = service.map(|name| {
            self.policy.service(name).ok_or_else(|| {
                let names: Vec<_> = self.policy.services.iter().map(|service| format!("`{}`", service.name)).collect();
                Failure::NotFound(format!(
                    "There is no service “{name}”. There are: {names}.",
                    names = names.join(", ")
                ))
            })
        });
        let service = known.transpose()?.map(|service| service.name.as_str());
        let rotations: Vec<_> = self
            .policy
            .rotations
            .iter()
            .filter(|rotation| service.is_none() || rotation.covers(service))
            .map(|rotation| {
                let of = service.or(rotation.services.first().map(String::as_str));
                let duty = self.duty_of(of).into_iter().find(|duty| duty.rotation == rotation.name);
                let people: Vec<_> = duty
                    .iter()
                    .flat_map(|duty| &duty.people)
                    .map(|id| json!({"id": id, "name": self.name(id)}))
                    .collect();
                json!({"name": rotation.name, "role": rotation.role.as_str(), "services": rotation.services,
                    "people": people, "from": duty.map(|duty| duty.from.words())})
            })
            .collect();
        Ok(views::plain_view(&self.templates, "oncall", &json!({"rotations": rotations})).into())
    }

    /// Somebody follows an asset or a team, or no more.
    pub(super) async fn follow_said(&self, of: &str, on: bool, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let team =
            self.policy.teams.iter().find(|team| team.name.eq_ignore_ascii_case(of)).map(|team| team.name.clone());
        let known = match team {
            Some(team) => team,
            // What is not known any more can still be let go.
            None if !on => self.meant(of).unwrap_or_else(|_| of.to_owned()),
            None => self.meant(of)?,
        };
        let news = self.subscribe_to(&known, caller.user, on).await?;
        Ok(Reply::words(&match (on, news) {
            (true, true) => format!(
                "You hear of every incident that reaches `{known}` now. `/incident unsubscribe {known}` ends it."
            ),
            (true, false) => format!("You follow `{known}` already."),
            (false, true) => format!("You hear no more of `{known}`."),
            (false, false) => {
                let followed: Vec<_> = self.followed_by(caller.user).iter().map(|one| format!("`{one}`")).collect();
                let hint = if followed.is_empty() {
                    "You follow nothing.".to_owned()
                } else {
                    format!("You follow {followed}.", followed = followed.join(", "))
                };
                format!("You do not follow `{known}`. {hint}")
            }
        }))
    }

    /// The table of who may do what.
    pub(super) fn who_may(&self, caller: &Caller<'_>) -> Result<Reply, Failure> {
        self.may_read(caller)?;
        let rules = &self.policy.permissions;
        let rows: Vec<_> = [Who::Everyone, Who::Team, Who::Responders, Who::Commander, Who::Admins]
            .into_iter()
            .filter_map(|who| {
                let verbs: Vec<_> = Verb::of_people()
                    .filter(|verb| rules.who(*verb) == who)
                    .map(crate::domain::permission::Verb::as_str)
                    .collect();
                (!verbs.is_empty()).then(|| json!({"who": who.as_str(), "verbs": verbs}))
            })
            .collect();
        let person = |id: &String| json!({"id": id.starts_with(['U', 'W']).then_some(id), "name": self.name(id)});
        let admins: Vec<_> = rules.admins.iter().map(person).collect();
        Ok(views::plain_view(&self.templates, "who", &json!({"rows": rows, "admins": admins})).into())
    }
}

/// The median time from the opening to something, in words.
pub(in crate::app) fn median_taken<'a>(
    incidents: impl IntoIterator<Item = &'a Incident>,
    until: fn(&Incident) -> Option<Time>,
) -> Option<String> {
    median_of(incidents.into_iter().filter_map(|one| Some((until(one)? - one.opened_at).num_minutes())).collect())
}

/// The median of minutes, in words.
fn median_of(mut minutes: Vec<i64>) -> Option<String> {
    minutes.sort_unstable();
    let middle = *minutes.get(minutes.len() / 2)?;
    Some(duration(Time::UNIX_EPOCH, Time::UNIX_EPOCH + chrono::Duration::minutes(middle)))
}

/// A page of a list, from 1, and whether there is another one.
fn page_of(all: Vec<Value>, page: usize, size: usize) -> (Vec<Value>, bool) {
    let before = (page - 1).saturating_mul(size);
    let more = all.len() > before.saturating_add(size);
    (all.into_iter().skip(before).take(size).collect(), more)
}
