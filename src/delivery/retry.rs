//! What follows a failed try: how long to wait before the next one (after a 429 as long as the service asks), and when to give up. What an
//! answer of a service means is read in its own `failure` file. Pure: nothing here puts an entry back.

use std::time::Duration;

use backon::BackoffBuilder as _;

use crate::app::Failure;
use crate::domain::{Lane, Time, Undelivered};
use crate::mail::MailError;
use crate::pagerduty::failure::PagerError;
use crate::records::outbox::{Entry, Job};
use crate::slack::client::{FailureKind, SlackError};

/// How long Muster tries to ask people whether an alert is an incident. After that, it is one.
const ASKS_WITHIN: chrono::Duration = chrono::Duration::minutes(10);
/// How long Muster tries something for Slack or by mail, before people are told that it will not come.
const SLACK_GIVES_UP_AFTER: chrono::Duration = chrono::Duration::hours(24);

/// The result of a try that did not succeed.
#[derive(Debug)]
#[rustfmt::skip]
pub(super) enum Fault {
    /// Not done. Try again later, not before the time that the other side names (the `Retry-After` of a 429).
    Retry { after: Option<Duration>, why: Undelivered },
    /// Perhaps done. Look before you do it again.
    Unknown { why: Undelivered },
    Permanent { why: Undelivered },
    /// The channel is archived, gone, or closed to Muster.
    NoChannel { code: String, why: Undelivered },
    /// Too early for Slack's pace.
    NotYet { until: Time },
}

/// The result of a try.
pub(super) type Tried<T = ()> = Result<T, Fault>;

impl From<SlackError> for Fault {
    fn from(error: SlackError) -> Self {
        let why = Undelivered::Slack { method: error.method.to_owned(), code: error.code.clone() };
        match error.verdict {
            FailureKind::Retry { after } => Self::Retry { after, why },
            FailureKind::Unknown => Self::Unknown { why },
            FailureKind::Permanent
                if matches!(error.code.as_str(), "is_archived" | "channel_not_found" | "not_in_channel") =>
            {
                Self::NoChannel { code: error.code, why }
            }
            FailureKind::Permanent => Self::Permanent { why },
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Retry { after: None, why: failure.to_string().into() }
    }
}

impl From<PagerError> for Fault {
    fn from(error: PagerError) -> Self {
        match error {
            // The key makes a repeat the same page, so "unknown" and "not done" are the same.
            PagerError::Retry { after, why } => Self::Retry { after, why },
            PagerError::Permanent { why } => Self::Permanent { why },
        }
    }
}

impl From<MailError> for Fault {
    fn from(error: MailError) -> Self {
        match error.permanent {
            true => Self::Permanent { why: error.why },
            false => Self::Retry { after: None, why: error.why },
        }
    }
}

/// What follows for the entry.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// It goes back unchanged, because this was not a try.
    Wait { until: Time },
    /// It is tried again. This try may have succeeded.
    Again { due: Time, maybe_done: bool, why: Undelivered },
    /// It becomes a dead letter, and people are told.
    GiveUp { why: Undelivered },
    /// It ends, and nobody is told.
    DoWithout { why: Undelivered },
}

/// What follows for an entry after a failed try.
pub(super) fn after(fault: Fault, lane: Lane, entry: &Entry, now: Time) -> Next {
    let (wait, why, maybe_done) = match fault {
        Fault::NotYet { until } => return Next::Wait { until },
        Fault::Permanent { why } | Fault::NoChannel { why, .. } => return given_up(lane, entry, now, why),
        Fault::Retry { after, why } => (after, why, false),
        Fault::Unknown { why } => (None, why, true),
    };
    if is_too_old(lane, entry, now) {
        return given_up(lane, entry, now, why);
    }
    let wait = wait.unwrap_or_else(|| backoff(entry.attempts));
    let due = now + chrono::Duration::from_std(wait).unwrap_or_else(|_| chrono::Duration::minutes(5));
    Next::Again { due, maybe_done, why }
}

/// Best effort ends silently after a long time of tries. If it is refused at once, people are told anyway.
fn given_up(lane: Lane, entry: &Entry, now: Time, why: Undelivered) -> Next {
    match &entry.job {
        Job::Of { effect, .. } if effect.is_best_effort() && is_too_old(lane, entry, now) => Next::DoWithout { why },
        _ => Next::GiveUp { why },
    }
}

/// A page is tried for ever.
fn is_too_old(lane: Lane, entry: &Entry, now: Time) -> bool {
    let patience = match entry.job {
        Job::Announce { asks: Some(_), .. } => ASKS_WITHIN,
        _ => SLACK_GIVES_UP_AFTER,
    };
    matches!(lane, Lane::Slack | Lane::Mail) && now - entry.at > patience
}

/// 2 s, 4 s, … 150 s, each with at most as much again of jitter. So never longer than five minutes.
fn backoff(attempts: u32) -> Duration {
    backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(2))
        .with_max_delay(Duration::from_secs(150))
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
        .nth(attempts.min(20) as usize)
        .unwrap_or(Duration::from_secs(150))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Effect;
    use crate::domain::incident::Slot;

    const START: Time = Time::UNIX_EPOCH;

    fn entry(effect: Effect) -> Entry {
        let job = Job::Of { uid: "01A".into(), effect };
        Entry { job, at: START, attempts: 0, maybe_done: false, last_error: None }
    }

    fn slack(code: &str, verdict: FailureKind) -> Fault {
        SlackError { method: "chat.postMessage", code: code.to_owned(), verdict }.into()
    }

    fn in_seconds(seconds: i64) -> Time {
        START + chrono::Duration::seconds(seconds)
    }

    #[test]
    fn a_429_waits_as_long_as_it_says_and_was_not_done() {
        let after_30 = FailureKind::Retry { after: Some(Duration::from_secs(30)) };
        let next = after(slack("ratelimited", after_30), Lane::Slack, &entry(Effect::OpenChannel), START);
        assert!(matches!(next, Next::Again { due, maybe_done: false, .. } if due == in_seconds(30)));
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_five_minutes() {
        for (attempts, least) in [(0, 2), (1, 4), (2, 8), (6, 128), (7, 150), (500, 150)] {
            let waits = backoff(attempts).as_secs_f64();
            assert!((f64::from(least)..=f64::from(2 * least)).contains(&waits), "{attempts}: {waits}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_looked_for_the_next_time() {
        let fault = slack("no_answer", FailureKind::Unknown);
        let next = after(fault, Lane::Slack, &entry(Effect::OpenChannel), START);
        assert!(matches!(next, Next::Again { maybe_done: true, .. }));
    }

    #[test]
    fn a_message_is_given_up_after_a_day_and_a_page_never() {
        let (day, later) = (in_seconds(24 * 3600), in_seconds(24 * 3600 + 1));
        let fault = || Fault::Retry { after: None, why: "down".into() };
        let entry = entry(Effect::OpenChannel);
        assert!(matches!(after(fault(), Lane::Slack, &entry, day), Next::Again { .. }));
        assert_eq!(after(fault(), Lane::Slack, &entry, later), Next::GiveUp { why: "down".into() });
        assert!(matches!(after(fault(), Lane::Page, &entry, later), Next::Again { .. }));
    }

    #[test]
    fn what_is_refused_is_given_up_at_once_and_best_effort_is_not_spoken_of_after_a_day() {
        let fault = || slack("no_permission", FailureKind::Permanent);
        let (now, later) = (START, in_seconds(24 * 3600 + 1));
        assert!(matches!(
            after(fault(), Lane::Slack, &entry(Effect::Pin { slot: Slot::Card }), now),
            Next::GiveUp { .. }
        ));
        assert!(matches!(
            after(fault(), Lane::Slack, &entry(Effect::Pin { slot: Slot::Card }), later),
            Next::DoWithout { .. }
        ));
        assert!(matches!(slack("is_archived", FailureKind::Permanent), Fault::NoChannel { .. }));
    }
}
