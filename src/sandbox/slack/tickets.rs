//! The connections of Socket Mode, and the tickets for them.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

/// The connections of the bot.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(crate) address: Option<String>,
    pub(crate) tickets: Vec<String>,
    /// The way to the connection that was opened last.
    pub(crate) out: Option<mpsc::UnboundedSender<String>>,
    pub(crate) waiting: BTreeMap<String, oneshot::Sender<Value>>,
    pub(crate) count: u64,
    pub(crate) opened: watch::Sender<usize>,
}

impl Sockets {
    /// A ticket for one connection.
    pub(crate) fn ticket(&mut self) -> Option<String> {
        self.count += 1;
        let ticket = format!("t{}", self.count);
        self.tickets.push(ticket.clone());
        Some(format!("ws://{}/link?ticket={ticket}", self.address.as_ref()?))
    }
}
