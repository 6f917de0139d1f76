//! The subscription of an SNS topic. A call confirms it.

use std::time::Duration;

use super::{Carrier, Fault, Tried, Turn};
use crate::domain::Undelivered;

impl Carrier {
    /// Confirms an SNS subscription. Its address was checked with the signature of the message.
    pub(super) async fn confirm(&self, turn: &Turn, url: &str) -> Tried {
        let retry = |error: reqwest::Error| Fault::Retry { after: None, why: error.without_url().to_string().into() };
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none());
        let answer = client.build().map_err(retry)?.get(url).send().await.map_err(retry)?;
        match answer.status() {
            status if status.is_success() => self.done(turn).await,
            status => {
                let why = Undelivered::Sns { status: status.as_u16() };
                Err(if status.is_server_error() { Fault::Retry { after: None, why } } else { Fault::Permanent { why } })
            }
        }
    }
}
