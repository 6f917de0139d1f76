//! Parts that several surfaces show, in words and with buttons: an asset, a brief, the duties of a role, tasks. The callers decide where they
//! are shown.

use serde::Serialize;
use serde_json::{Value, json};

use super::{App, Failure};
use crate::domain::times::duration;
use crate::domain::{Event, Incident, Role, Severity, Task, Time, UserId};
use crate::render::{Action, Button, Press, Rendered, again, views};

impl App {
    /// A template's view, with buttons.
    pub fn shown(&self, template: &str, view: &impl Serialize, buttons: &[Button]) -> Rendered {
        Rendered::new(&self.templates.render(template, view), buttons)
    }

    /// Tasks as templates see them, open ones first.
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

    /// An asset, with buttons to subscribe to its incidents and to report that something is wrong with it.
    pub async fn asset_card(&self, shown: &str) -> Result<Rendered, Failure> {
        let mut buttons: Vec<_> =
            again(0, "Tell me of its incidents", &format!("subscribe {shown}")).into_iter().collect();
        let owners = self.asset(shown).await?.map(|asset| asset.owners()).unwrap_or_default();
        let team = owners.iter().find_map(|owner| self.policy.teams.iter().find(|team| team.name == owner.name));
        if let Some(team) = team {
            let label = format!("Tell me of all of {team}", team = team.name);
            buttons.extend(again(1, &label, &format!("subscribe {}", team.name)));
        }
        let declare = Action::Declare { asset: Some(shown.to_owned()) };
        buttons.push(Button::new(&declare, "Something is wrong with it"));
        Ok(self.shown("asset", &self.asset_page(shown).await?, &buttons))
    }

    /// What a commander must know now.
    pub async fn brief(&self, incident: &Incident) -> Result<String, Failure> {
        let names = |id: &str| self.name(id);
        let entries = self.latest_entries(incident, 200).await?;
        let said = |pick: &dyn Fn(&Event) -> Option<String>| -> Vec<String> {
            entries.iter().rev().filter_map(|entry| pick(&entry.event)).take(5).collect()
        };
        let tried = |out: bool| {
            said(&|event| match event {
                Event::Tried { text, ruled_out } if *ruled_out == out => Some(text.clone()),
                _ => None,
            })
        };
        let found = said(&|event| match event {
            Event::Looked { look, finding } => Some(format!("{}: {finding}", look.as_str())),
            _ => None,
        });
        let tasks = self.task_views(&self.tasks(&incident.uid).await?);
        let open: Vec<_> = tasks.into_iter().filter(|task| task["done"] == false).take(10).collect();
        let view = json!({
            "incident": views::incident(incident, &names, self.now()), "tasks": open, "tried": tried(false),
            "ruled_out": tried(true), "found": found, "bad_for": incident.bad_from.map(|from| duration(from, self.now())),
            "remind_at": incident.remind_at, "told_at": incident.updated_at,
        });
        Ok(self.templates.render("brief", &view))
    }

    /// What a role must do now, as Markdown and buttons. The commander also gets the brief.
    pub async fn role_card(
        &self,
        incident: &Incident,
        role: Role,
        person: &UserId,
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
            vec![Button::on(&incident.name(), Press::Leave(role), "Give the role back")]
        } else {
            vec![Button::on(&incident.name(), Press::Take(role), "Take this role").primary()]
        };
        Ok((words, buttons))
    }
}

/// How many incidents there are of each severity, in words: `2 SEV1`.
pub fn by_severity(incidents: &[&Incident]) -> Vec<String> {
    let count = |severity| incidents.iter().filter(|one| one.severity == severity).count();
    let counts = Severity::ALL.into_iter().map(|severity| (count(severity), severity));
    counts.filter(|(count, _)| *count > 0).map(|(count, severity)| format!("{count} {severity}")).collect()
}

/// The median time from the opening to some later moment, in words.
pub fn median_taken<'a>(
    incidents: impl IntoIterator<Item = &'a Incident>,
    until: fn(&Incident) -> Option<Time>,
) -> Option<String> {
    median_of(incidents.into_iter().filter_map(|one| Some((until(one)? - one.opened_at).num_minutes())).collect())
}

/// The median of minutes, in words.
pub fn median_of(mut minutes: Vec<i64>) -> Option<String> {
    minutes.sort_unstable();
    let middle = *minutes.get(minutes.len() / 2)?;
    Some(duration(Time::UNIX_EPOCH, Time::UNIX_EPOCH + chrono::Duration::minutes(middle)))
}
