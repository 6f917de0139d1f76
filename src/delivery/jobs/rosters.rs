//! Who is on duty: Slack's user groups, PagerDuty's schedules.

use super::{Carrier, Tried, Turn};
use crate::domain::{Principal, UserId};
use crate::pagerduty::failure::PagerError;

impl Carrier {
    /// Reads who is in a user group or on a schedule. If one cannot be read, the last reading stays, with its age.
    pub(super) async fn read_roster(&self, turn: &Turn, id: &str, one: bool) -> Tried {
        let read = if let Some(Principal::Group(id)) = Principal::parse(id) {
            self.slack.group(&id).await.map(|people| (people, Vec::new())).map_err(|error| error.to_string())
        } else {
            self.on_schedule(id).await
        };
        let read = read.inspect_err(|error| tracing::warn!(roster = id, error, "who is on duty cannot be read")).ok();
        Ok(self.app.remember_roster(id, one, read, turn.end()).await?)
    }

    /// Who is on a schedule: the people whom Slack knows, and the names of the others.
    async fn on_schedule(&self, id: &str) -> Result<(Vec<UserId>, Vec<String>), String> {
        let rest = self.rest.as_ref().ok_or("MUSTER_PAGERDUTY__API_TOKEN is not set")?;
        let on_call = rest.on_call(id).await.map_err(|error| match error {
            PagerError::Retry { why, .. } | PagerError::Permanent { why } => why.to_string(),
        })?;
        let (mut people, mut strangers) = (Vec::new(), Vec::new());
        for one in on_call {
            match one.email.as_deref().and_then(|email| self.app.person_of(email)) {
                Some(person) => people.push(person),
                None => strangers.push(one.name),
            }
        }
        Ok((people, strangers))
    }
}
