//! What only this process remembers and a restart may forget: turns, open homes, the pace of sources, sources that are refused, bodies that
//! are not yet kept, and what Slack said of people whom it does not know.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use crate::domain::permission::Standing;
use crate::domain::{IncidentId, Time, UserId};
use crate::slack::client::SlackApi;

/// The turns to decide on an incident. Decisions on one incident run one after another.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<IncidentId, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    pub(super) fn of(&self, uid: &IncidentId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock();
        // Once there are many locks, those that nobody holds are dropped.
        if locks.len() > 1000 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        locks.entry(uid.to_owned()).or_default().clone()
    }
}

/// Who may have the home open: which opening counts, and what was last published.
pub(super) type Homes = HashMap<UserId, Watched>;

pub(super) struct Watched {
    pub(super) session: String,
    pub(super) until: Time,
    pub(super) digest: String,
}

/// What monitors posted and Muster has not kept yet.
#[derive(Default)]
pub(super) struct Bodies(Mutex<Unkept>);

#[derive(Default)]
pub(super) struct Unkept {
    pub(super) bodies: Vec<Waiting>,
    pub(super) bytes: usize,
}

pub(super) struct Waiting {
    pub(super) source: String,
    pub(super) at: Time,
    pub(super) body: Vec<u8>,
}

impl Bodies {
    pub(super) fn lock(&self) -> MutexGuard<'_, Unkept> {
        self.0.lock()
    }
}

/// When the next request of a source is due, by the source's pace.
#[derive(Debug, Default)]
pub(super) struct Pace(pub(super) Mutex<HashMap<String, Time>>);

/// The sources that are refused, by name.
#[derive(Debug, Default)]
pub(super) struct Refusals(pub(super) Mutex<BTreeMap<String, Refused>>);

#[derive(Debug)]
pub(super) struct Refused {
    pub(super) since: Time,
    /// How many requests since then. 0 if the source works again.
    pub(super) times: usize,
    pub(super) status: u16,
    pub(super) why: String,
    pub(super) wrong_token_said: Option<Time>,
}

/// How many such answers are remembered. Beyond that, nobody is looked up until some have run out.
const MAX_REMEMBERED: usize = 1000;

/// What this process remembers of the people whom it asked Slack about.
#[derive(Default)]
pub(super) struct Newcomers {
    /// Made when it is first needed.
    pub(super) slack: OnceLock<Option<SlackApi>>,
    pub(super) asked: Mutex<Asked>,
}

#[derive(Default)]
pub(super) struct Asked {
    /// So that two commands of one person make one call.
    turns: HashMap<UserId, Arc<tokio::sync::Mutex<()>>>,
    /// What is said of people who are not known, and until when.
    pub(super) answers: HashMap<UserId, (Standing, Time)>,
    /// Slack wants no calls until then.
    pub(super) pause: Option<Time>,
}

impl Asked {
    /// The turn to ask about somebody; `None` if Slack must not be asked now.
    pub(super) fn turn(&mut self, user: &UserId, now: Time) -> Option<Arc<tokio::sync::Mutex<()>>> {
        if self.pause.is_some_and(|until| now < until) {
            return None;
        }
        self.answers.retain(|_, (_, until)| *until > now);
        self.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        let room = self.answers.len() + self.turns.len() < MAX_REMEMBERED;
        room.then(|| self.turns.entry(user.to_owned()).or_default().clone())
    }
}
