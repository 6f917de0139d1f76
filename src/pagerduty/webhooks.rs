//! Webhooks v3: the signature, and what an event says about a page. The signature contains no time. So the only guard against
//! a replay is the delivery's id, which is kept for longer than the 48 hours in which PagerDuty retries.
//! <https://developer.pagerduty.com/docs/webhook-behavior>

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;

use crate::domain::command::PagerNews;

/// Bytes whose signature was checked.
#[derive(Debug, Clone)]
pub struct Verified(Vec<u8>);

impl Verified {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Checks `X-PagerDuty-Signature`. During a rotation it may hold several signatures. One that fits one secret is enough.
pub fn verify(secrets: &[SecretString], header: Option<&str>, body: Vec<u8>) -> Option<Verified> {
    let signatures: Vec<Vec<u8>> =
        header?.split(',').filter_map(|signature| hex::decode(signature.trim().strip_prefix("v1=")?).ok()).collect();
    let fits = secrets.iter().any(|secret| {
        signatures.iter().any(|signature| {
            Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).is_ok_and(|mut mac| {
                mac.update(&body);
                mac.verify_slice(signature).is_ok()
            })
        })
    });
    fits.then_some(Verified(body))
}

/// News about one of our pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub event_id: String,
    /// The page's key, if PagerDuty sent it.
    pub key: Option<String>,
    /// The title of PagerDuty's incident, which contains the name of ours.
    pub title: String,
    pub news: PagerNews,
    pub agent: String,
    pub url: Option<String>,
}

/// Reads a webhook; `None` if Muster has no use for it. PagerDuty may add new kinds at any time.
pub fn read(body: &Verified) -> Option<News> {
    let body: Value = serde_json::from_slice(body.bytes()).ok()?;
    let event = &body["event"];
    let news = match event["event_type"].as_str()? {
        "incident.triggered" => PagerNews::Triggered,
        "incident.acknowledged" => PagerNews::Acknowledged,
        "incident.resolved" => PagerNews::Resolved,
        _ => return None,
    };
    let text = |pointer: &str| {
        event.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Some(News {
        event_id: text("/id")?,
        key: text("/data/incident_key"),
        title: text("/data/title").unwrap_or_default(),
        news,
        agent: text("/agent/summary").or_else(|| text("/client/name")).unwrap_or_else(|| "PagerDuty".to_owned()),
        url: text("/data/html_url"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_signature_of_any_secret_is_enough() {
        // This signature was made outside of this program.
        let body = r#"{"event":{"event_type":"incident.acknowledged","data":{"title":"café freshness ≤ 6h"}}}"#
            .as_bytes()
            .to_vec();
        let right = "v1=c3e77d1f8854b8bcf4dc96c12ff571670f4b81190636e206ed938a934241cd8a";
        let secrets = ["other".into(), "pd-test-secret".into()];
        let fits = |header: &str| verify(&secrets, Some(header), body.clone()).is_some();
        assert!(fits(right));
        assert!(fits(&format!("v1=00, {right}")));
        assert!(fits(&format!("{right},v1=00")));
        for wrong in
            ["", "v1=", "v1=c3", "v0=c3e77d1f8854b8bcf4dc96c12ff571670f4b81190636e206ed938a934241cd8a", "v1=zz"]
        {
            assert!(!fits(wrong), "{wrong}");
        }
        assert!(verify(&secrets, None, body.clone()).is_none());
        let mut tampered = body;
        tampered.push(b' ');
        assert!(verify(&secrets, Some(right), tampered).is_none());
    }
}
