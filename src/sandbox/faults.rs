//! Faults on purpose. Each fault affects the next requests to its target.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// A fault, for a number of requests.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) target: String,
    pub(crate) times: usize,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) slack_error: Option<String>,
    pub(crate) delay: Option<Duration>,
    pub(crate) lose_answer: bool,
}

/// The answer of a fault.
pub(crate) struct Answer(pub(crate) u16, pub(crate) Bytes, Option<u64>);

impl Answer {
    /// A connection that ends without an answer. HTTP can only imitate this with a body that breaks off.
    pub(crate) fn lost() -> Response {
        let broken = broken_body();
        Response::new(broken)
    }
}

/// A body whose first piece is an error. The client sees a broken connection.
pub(crate) fn broken_body() -> axum::body::Body {
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
    pub(crate) fn new(target: &str, times: usize) -> Self {
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

    /// The answer of a fault, instead of the real one, if a fault is due.
    pub(crate) fn answer(&self, service: &str) -> Option<Answer> {
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
pub(crate) struct State {
    pub(crate) faults: Vec<Fault>,
    pub(crate) down: Vec<String>,
    pub(crate) duplicates: bool,
    pub(crate) held_back: bool,
}

impl State {
    pub(crate) fn next(&mut self, service: &str, name: &str) -> Option<Fault> {
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

    pub(crate) fn duplicates(&self) -> bool {
        self.duplicates
    }

    pub(crate) fn held_back(&self) -> bool {
        self.held_back
    }
}
