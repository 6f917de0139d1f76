//! Slack's request signature: `v0=` HMAC-SHA256 over `v0:{timestamp}:{raw body}`, at most five minutes old, compared in
//! constant time. <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::domain::Time;

/// How old, or how far in the future, a request may be, in seconds.
const WINDOW_SECONDS: i64 = 300;

/// Bytes whose signature was checked. Only `verify` makes this.
#[derive(Debug, Clone)]
pub struct Verified(Vec<u8>);

impl Verified {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a request is refused. It reveals nothing about the right signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no signature, or it does not have Slack's form.
    #[error("the request has no Slack signature")]
    Unsigned,
    /// Too old or from the future: a replay, or a wrong clock.
    #[error("the request's timestamp is more than five minutes off; if this goes on, check the clock of this machine")]
    Stale,
    /// It was not made with one of our secrets.
    #[error("the request's signature is wrong")]
    Wrong,
}

/// Checks a request against each secret. During a rotation there are two.
pub fn verify(
    secrets: &[SecretString],
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: Vec<u8>,
    now: Time,
) -> Result<Verified, Rejected> {
    let timestamp = timestamp.ok_or(Rejected::Unsigned)?;
    let sent: i64 = timestamp.parse().map_err(|_| Rejected::Unsigned)?;
    let signature = signature.and_then(|signature| signature.strip_prefix("v0=")).ok_or(Rejected::Unsigned)?;
    let signature = hex::decode(signature).map_err(|_| Rejected::Unsigned)?;
    // Check the age first: it costs nothing, and an old request is refused whatever its signature.
    if now.timestamp().saturating_sub(sent).saturating_abs() > WINDOW_SECONDS {
        return Err(Rejected::Stale);
    }
    let fits = secrets.iter().any(|secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
        mac.update(b"v0:");
        mac.update(timestamp.as_bytes());
        mac.update(b":");
        mac.update(&body);
        mac.verify_slice(&signature).is_ok()
    });
    if fits { Ok(Verified(body)) } else { Err(Rejected::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    /// The body of the example in Slack's documentation, with the signature it prints for it.
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const SENT: i64 = 1_531_420_618;

    fn check(timestamp: Option<&str>, signature: Option<&str>, body: &str, now: i64) -> Result<(), Rejected> {
        let now = chrono::DateTime::from_timestamp(now, 0).expect("a time");
        let secrets = ["another".into(), SECRET.into()];
        verify(&secrets, timestamp, signature, body.as_bytes().to_vec(), now).map(|_| ())
    }

    #[test]
    fn slacks_own_example_is_accepted_within_five_minutes() {
        let sent = SENT.to_string();
        for age in [-300, 0, 299, 300] {
            assert_eq!(check(Some(&sent), Some(SIGNATURE), BODY, SENT + age), Ok(()), "{age}");
        }
        for age in [-301, 301, 86_400] {
            assert_eq!(check(Some(&sent), Some(SIGNATURE), BODY, SENT + age), Err(Rejected::Stale), "{age}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let sent = SENT.to_string();
        let refused = [
            (None, Some(SIGNATURE), BODY, Rejected::Unsigned),
            (Some(sent.as_str()), None, BODY, Rejected::Unsigned),
            (Some("now"), Some(SIGNATURE), BODY, Rejected::Unsigned),
            (Some(sent.as_str()), Some("v0="), BODY, Rejected::Wrong),
            (Some(sent.as_str()), Some("v0=a211"), BODY, Rejected::Wrong),
            (
                Some(sent.as_str()),
                Some("v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
                BODY,
                Rejected::Unsigned,
            ),
            (Some(sent.as_str()), Some("v0=zz"), BODY, Rejected::Unsigned),
            (Some(sent.as_str()), Some(SIGNATURE), "token=other", Rejected::Wrong),
            (Some("1531420619"), Some(SIGNATURE), BODY, Rejected::Wrong),
        ];
        for (timestamp, signature, body, why) in refused {
            assert_eq!(check(timestamp, signature, body, SENT), Err(why), "{timestamp:?} {signature:?}");
        }
    }
}
