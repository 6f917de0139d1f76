//! Who somebody is whom Slack has not told us of. Everybody in the workspace is read at the start and followed by events. Whoever comes in
//! before that, or beside it, is looked up while they wait. This is the one place in this room that calls Slack.
//!
//! What Slack said counts for a while, so neither a person nor a flood of them makes one call a command.

use std::time::Duration;

use chrono_tz::Tz;

use super::{App, Failure};
use crate::domain::permission::Standing;
use crate::domain::{Time, UserId};
use crate::records::outbox::{EntryId, Job};
use crate::slack::client::{FailureKind, Member, SlackApi, SlackError};
use crate::store::{Batch, Expect, Id};

/// How long it counts that Slack knows nobody by an id.
const UNKNOWN_FOR: chrono::Duration = chrono::Duration::minutes(10);
/// How long nobody asks for somebody again after Slack did not answer. The outbox asks meanwhile.
const UNANSWERED_FOR: chrono::Duration = chrono::Duration::seconds(30);

impl App {
    /// What we know of somebody in Slack. `team` is the workspace that Slack says they belong to.
    pub fn standing(&self, id: &str, team: Option<&str>) -> Standing {
        self.heard_of(id, team).unwrap_or(Standing::Unanswered)
    }

    /// The same; `None` if Slack was not asked yet, or too long ago.
    fn heard_of(&self, id: &str, team: Option<&str>) -> Option<Standing> {
        let ours = &self.config.slack.team_id;
        if team.is_some_and(|team| !team.is_empty() && team != ours) {
            return Some(Standing::Stranger);
        }
        if let Some(standing) = self.models.people.read().standing(id, ours) {
            return Some(standing);
        }
        let asked = self.newcomers.asked.lock();
        asked.answers.get(id).filter(|(_, until)| *until > self.now()).map(|(standing, _)| *standing)
    }

    /// What is known of somebody who comes in. Slack is asked about a person whom it has not told of.
    pub async fn met(&self, user: &UserId, team: Option<&str>) -> Standing {
        if user.is_empty() {
            return Standing::Unknown;
        }
        if let Some(standing) = self.heard_of(user, team) {
            return standing;
        }
        let turn = self.newcomers.asked.lock().turn(user, self.now());
        let Some(turn) = turn else {
            self.count_lookup("put_off");
            return Standing::Unanswered;
        };
        let _turn = turn.lock().await;
        if let Some(standing) = self.heard_of(user, team) {
            return standing;
        }
        let answer = self.look_up(user).await;
        if let Err(failure) = self.keep_answer(user, answer, Batch::new()).await {
            tracing::warn!(user = user.as_str(), error = %failure, "what Slack says of somebody cannot be kept");
        }
        self.standing(user, team)
    }

    /// The same for what Slack sends again: if it did not answer, that is a failure, and nothing is lost.
    pub async fn met_or_later(&self, user: &UserId) -> Result<Standing, Failure> {
        match self.met(user, None).await {
            Standing::Unanswered => Err(Failure::Unavailable(format!("Slack did not answer who {user} is"))),
            standing => Ok(standing),
        }
    }

    async fn look_up(&self, user: &UserId) -> Result<Option<Member>, SlackError> {
        let slack = self.newcomers.slack.get_or_init(|| {
            let config = &self.config.slack;
            let token = self.config.secrets.slack_bot_token.clone().unwrap_or_default();
            let api =
                SlackApi::new(&config.api_url, &token, &config.team_id, Duration::from_secs(config.timeout_seconds));
            api.inspect_err(|error| tracing::error!(%error, "Slack cannot be called")).ok()
        });
        match slack {
            Some(slack) => slack.person(user).await,
            None => Err(SlackError::not_called("users.info")),
        }
    }

    /// Keeps what Slack said of somebody: the person, or for a while that it knows nobody, or that it did not answer.
    pub async fn keep_answer(
        &self,
        user: &UserId,
        answer: Result<Option<Member>, SlackError>,
        also: Batch,
    ) -> Result<(), Failure> {
        let now = self.now();
        let mut members = Vec::new();
        match answer {
            Ok(Some(member)) => {
                self.count_lookup("found");
                members.push(member);
            }
            Ok(None) => self.nobody(user, now),
            Err(error) if ["user_not_found", "user_not_visible"].contains(&error.code.as_str()) => {
                self.nobody(user, now);
            }
            Err(error) => {
                self.count_lookup("no_answer");
                tracing::warn!(user = user.as_str(), %error, "Slack did not say who somebody is");
                {
                    let mut asked = self.newcomers.asked.lock();
                    asked.answers.insert(user.to_owned(), (Standing::Unanswered, now + UNANSWERED_FOR));
                    if let FailureKind::Retry { after: Some(after) } = error.verdict {
                        asked.pause =
                            chrono::Duration::from_std(after).ok().and_then(|after| now.checked_add_signed(after));
                    }
                }
                // The outbox asks again by itself, as long as that can help.
                if error.verdict != FailureKind::Permanent {
                    self.enqueue(&EntryId::meet(user), Job::MeetPerson { id: user.to_owned() }).await?;
                }
            }
        }
        self.remember_people(members, also).await
    }

    fn nobody(&self, user: &UserId, now: Time) {
        self.count_lookup("unknown");
        tracing::warn!(user = user.as_str(), "Slack knows nobody by the id of somebody who came in");
        self.newcomers.asked.lock().answers.insert(user.to_owned(), (Standing::Unknown, now + UNKNOWN_FOR));
    }

    fn count_lookup(&self, outcome: &'static str) {
        self.metrics.lookups.get_or_create(&[("outcome", outcome)]).inc();
    }

    pub async fn remember_people(&self, members: Vec<Member>, mut also: Batch) -> Result<(), Failure> {
        for member in &members {
            also.put(&Id::<Member>::of(&member.id), Expect::Any, member);
        }
        self.commit(also).await
    }

    /// The time zone in which somebody reads and types times, as Slack tells it.
    pub fn zone_of(&self, person: &UserId) -> Option<Tz> {
        self.models.people.read().get(person)?.zone()
    }
}
