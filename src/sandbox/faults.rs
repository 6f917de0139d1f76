//! What goes wrong on purpose: each fault takes the next requests that it is meant for.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Shared;

/// One fault, for so many requests.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    target: String,
    times: usize,
    status: Option<u16>,
    retry_after: Option<u64>,
    slack_error: Option<String>,
    pub(super) delay: Option<Duration>,
    pub(super) lose_answer: bool,
}

/// The answer of a fault.
pub(super) struct Answer(pub(super) u16, pub(super) Bytes, Option<u64>);

impl Answer {
    /// A connection that ends without an answer, as far as HTTP can pretend: a body that breaks off.
    pub(super) fn lost() -> Response {
        let broken = broken_body();
        Response::new(broken)
    }
}

/// A body whose first piece is an error: the client sees a connection that broke.
fn broken_body() -> axum::body::Body {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            std::task::Poll::Ready(Some(Err(std::io::Error::other("the answer is lost"))))
        }
    }
    axum::body::Body::new(Broken)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], self.1).into_response();
        if let Some(seconds) = self.2 {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl Fault {
    fn new(target: &str, times: usize) -> Self {
        Self {
            target: target.to_owned(),
            times,
            status: None,
            retry_after: None,
            slack_error: None,
            delay: None,
            lose_answer: false,
        }
    }

    /// The answer that comes instead of the real one, if one does.
    pub(super) fn answer(&self, service: &str) -> Option<Answer> {
        if let Some(error) = &self.slack_error {
            return Some(Answer(200, json!({"ok": false, "error": error}).to_string().into(), None));
        }
        let status = self.status?;
        let body = match (service, status) {
            ("slack", 429) => json!({"ok": false, "error": "ratelimited"}).to_string(),
            ("slack", _) => "<html>Server Error</html>".to_owned(),
            (_, 429) => {
                json!({"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."})
                    .to_string()
            }
            _ => json!({"status": "error", "message": "internal error"}).to_string(),
        };
        Some(Answer(status, body.into(), self.retry_after))
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub(super) struct State {
    faults: Vec<Fault>,
    down: Vec<String>,
    duplicates: bool,
    held_back: bool,
}

impl State {
    pub(super) fn next(&mut self, service: &str, name: &str) -> Option<Fault> {
        if self.down.iter().any(|down| down == service) {
            return Some(Fault { status: Some(503), ..Fault::new(service, 1) });
        }
        let index = self.faults.iter().position(|fault| fault.target == service || fault.target == name)?;
        self.faults[index].times -= 1;
        let fault = self.faults[index].clone();
        if fault.times == 0 {
            self.faults.remove(index);
        }
        Some(fault)
    }

    pub(super) fn duplicates(&self) -> bool {
        self.duplicates
    }

    pub(super) fn held_back(&self) -> bool {
        self.held_back
    }
}

/// The switches. A target is `slack`, `pagerduty`, a Web API method, or a path such as `/v2/enqueue`.
pub struct Faults(pub(super) Shared);

impl Faults {
    fn add(&self, fault: Fault) {
        self.0.lock().faults.faults.push(fault);
    }

    /// 429 with `Retry-After`.
    pub fn rate_limit(&self, target: &str, times: usize, retry_after: u64) {
        self.add(Fault { status: Some(429), retry_after: Some(retry_after), ..Fault::new(target, times) });
    }

    /// So many calls go through, before what is set next.
    pub fn pass(&self, target: &str, times: usize) {
        if times > 0 {
            self.add(Fault::new(target, times));
        }
    }

    /// A server error.
    pub fn server_error(&self, target: &str, times: usize, status: u16) {
        self.add(Fault { status: Some(status), ..Fault::new(target, times) });
    }

    /// A slow answer.
    pub fn slow(&self, target: &str, times: usize, delay: Duration) {
        self.add(Fault { delay: Some(delay), ..Fault::new(target, times) });
    }

    /// It is done, and the answer never comes.
    pub fn lose_answer(&self, target: &str, times: usize) {
        self.add(Fault { lose_answer: true, ..Fault::new(target, times) });
    }

    /// One of Slack's error codes.
    pub fn fail_with(&self, target: &str, times: usize, error: &str) {
        self.add(Fault { slack_error: Some(error.to_owned()), ..Fault::new(target, times) });
    }

    /// What was set for a target holds no more.
    pub fn mend(&self, target: &str) {
        self.0.lock().faults.faults.retain(|fault| fault.target != target);
    }

    /// A whole service refuses everything, until it is switched on again.
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

    /// Events and webhooks wait; switched off, they come late and in another order.
    pub fn delay_deliveries(&self, on: bool) {
        let mut world = self.0.lock();
        world.faults.held_back = on;
        if !on {
            world.slack.events.reverse();
            world.pagerduty.webhooks.reverse();
        }
    }
}
