//! The state of the sandbox, under one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exchange::Exchange;
use super::faults::State;
use super::pagerduty::account::Account;
use super::settings::SandboxConfig;
use super::slack::tickets::Sockets;
use super::slack::workspace::Workspace;

pub(crate) struct World {
    pub(crate) config: SandboxConfig,
    pub(crate) slack: Workspace,
    pub(crate) pagerduty: Account,
    pub(crate) sockets: Sockets,
    pub(crate) faults: State,
    pub(crate) traffic: Vec<Exchange>,
    /// What was sent to the bot: path and body.
    pub(crate) sent: Vec<(String, String)>,
    pub(crate) bot: Option<String>,
    pub(crate) base: String,
}

/// The state, and the client that carries events to the bot.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) http: reqwest::Client,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
