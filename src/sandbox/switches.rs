//! The switches that make things go wrong.

use std::time::Duration;

use super::faults::Fault;
use super::world::Shared;

/// The switches. A target is `slack`, `pagerduty`, a Web API method, or a path such as `/v2/enqueue`.
pub struct Faults(pub(crate) Shared);

impl Faults {
    fn add(&self, fault: Fault) {
        self.0.lock().faults.faults.push(fault);
    }

    /// 429 with `Retry-After`.
    pub fn rate_limit(&self, target: &str, times: usize, retry_after: u64) {
        self.add(Fault { status: Some(429), retry_after: Some(retry_after), ..Fault::new(target, times) });
    }

    /// Lets this many calls succeed before the next fault begins.
    pub fn pass(&self, target: &str, times: usize) {
        if times > 0 {
            self.add(Fault::new(target, times));
        }
    }

    pub fn server_error(&self, target: &str, times: usize, status: u16) {
        self.add(Fault { status: Some(status), ..Fault::new(target, times) });
    }

    pub fn slow(&self, target: &str, times: usize, delay: Duration) {
        self.add(Fault { delay: Some(delay), ..Fault::new(target, times) });
    }

    /// The call is done, but its answer is lost.
    pub fn lose_answer(&self, target: &str, times: usize) {
        self.add(Fault { lose_answer: true, ..Fault::new(target, times) });
    }

    /// Answers with one of Slack's error codes.
    pub fn fail_with(&self, target: &str, times: usize, error: &str) {
        self.add(Fault { slack_error: Some(error.to_owned()), ..Fault::new(target, times) });
    }

    /// Removes the faults of a target.
    pub fn mend(&self, target: &str) {
        self.0.lock().faults.faults.retain(|fault| fault.target != target);
    }

    /// A whole service refuses everything until it is switched on again.
    pub fn down(&self, service: &str, down: bool) {
        let mut world = self.0.lock();
        world.faults.down.retain(|one| one != service);
        if down {
            world.faults.down.push(service.to_owned());
        }
    }

    /// Every event and webhook comes twice.
    pub fn duplicate_deliveries(&self, on: bool) {
        self.0.lock().faults.duplicates = on;
    }

    /// Events and webhooks wait. When this is switched off, they come late and in another order.
    pub fn delay_deliveries(&self, on: bool) {
        let mut world = self.0.lock();
        world.faults.held_back = on;
        if !on {
            world.slack.events.reverse();
            world.pagerduty.webhooks.reverse();
        }
    }
}
