//! Checks who may post: by a token (as Bearer, as the password of Basic, or in the address if a monitor can do no better), or by a
//! signature over the raw bytes. It compares in constant time. During a rotation, two secrets count.

use std::borrow::Cow;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::monte_carlo;
use crate::config::{Source, SourceKind};
use crate::domain::Time;

/// How old, or how far in the future, a signed timestamp may be, in seconds.
const WINDOW_SECONDS: i64 = 300;

/// A request that is not trusted yet.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub headers: &'a HeaderMap,
    /// The part after the `?`. It is never logged.
    pub query: Option<&'a str>,
    pub body: &'a [u8],
}

/// Why a request is refused. It reveals nothing about the right token or signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It has no token or signature. The words are the same as for a wrong one, so that nobody can guess names.
    #[error("{DENIED}")]
    Nothing,
    #[error("{DENIED}")]
    Wrong,
    /// A replay, or a clock that is wrong.
    #[error("The signed timestamp is more than five minutes off; if this goes on, check the clocks")]
    Stale,
}

/// The answer to everybody who may not post.
const DENIED: &str = "There is no source of this name with this token or signature. Send the source's token in the header `Authorization: Bearer …`, or sign the body as the source's kind does";

/// Compares in constant time. The length of a token is not secret.
pub fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// Checks a request against a source's tokens and signing secrets. If there are signing secrets, only a signature counts.
pub fn verify(
    source: &Source,
    tokens: &[SecretString],
    secrets: &[SecretString],
    request: &Request<'_>,
    now: Time,
) -> Result<(), Denied> {
    if !secrets.is_empty() {
        return signed(source, secrets, request, now);
    }
    let given = token(source.kind, request).ok_or(Denied::Nothing)?;
    if tokens.iter().any(|token| same(&given, token.expose_secret())) { Ok(()) } else { Err(Denied::Wrong) }
}

fn token<'a>(kind: SourceKind, request: &Request<'a>) -> Option<Cow<'a, str>> {
    if let Some(given) = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        if let Some((scheme, rest)) = given.trim().split_once(' ') {
            if scheme.eq_ignore_ascii_case("bearer") {
                return Some(rest.trim().into());
            }
            if scheme.eq_ignore_ascii_case("basic") {
                let login = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
                let login = String::from_utf8(login).ok()?;
                return login.split_once(':').map(|(_, password)| password.to_owned().into());
            }
        }
        return None;
    }
    // Google's and Amazon's notifications cannot set a header.
    if !matches!(kind, SourceKind::Gcp | SourceKind::Sns | SourceKind::Datadog) {
        return None;
    }
    url::form_urlencoded::parse(request.query?.as_bytes())
        .find(|(key, _)| key == "auth_token" || key == "token")
        .map(|(_, value)| value.into_owned().into())
}

/// The header with a kind's signature, unless the source names another header.
fn signature_header(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Grafana => "x-grafana-alerting-signature",
        SourceKind::DbtCloud => "authorization",
        SourceKind::Sentry => "sentry-hook-signature",
        SourceKind::MonteCarlo => "x-mcd-signature",
        _ => "x-signature",
    }
}

fn signed(source: &Source, secrets: &[SecretString], request: &Request<'_>, now: Time) -> Result<(), Denied> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let name = source.signature_header.as_deref().unwrap_or(signature_header(source.kind));
    let given = header(name).ok_or(Denied::Nothing)?;
    let given = hex::decode(given.strip_prefix("sha256=").unwrap_or(given)).map_err(|_| Denied::Wrong)?;
    let timestamp = match &source.timestamp_header {
        Some(name) => {
            let sent = header(name).ok_or(Denied::Nothing)?;
            let seconds: i64 = sent.parse().map_err(|_| Denied::Wrong)?;
            if now.timestamp().saturating_sub(seconds).saturating_abs() > WINDOW_SECONDS {
                return Err(Denied::Stale);
            }
            Some(sent)
        }
        None => None,
    };
    let body: Cow<'_, [u8]> = match source.kind {
        SourceKind::MonteCarlo => monte_carlo::signed_text(request.body).ok_or(Denied::Wrong)?.into_bytes().into(),
        _ => request.body.into(),
    };
    let fits = |secret: &SecretString| {
        let secret = secret.expose_secret().as_bytes();
        if source.kind == SourceKind::MonteCarlo {
            return Hmac::<Sha512>::new_from_slice(secret).is_ok_and(|mut mac| {
                mac.update(&body);
                mac.verify_slice(&given).is_ok()
            });
        }
        Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mut mac| {
            if let Some(timestamp) = timestamp {
                mac.update(timestamp.as_bytes());
                mac.update(b":");
            }
            mac.update(&body);
            mac.verify_slice(&given).is_ok()
        })
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(Denied::Wrong) }
}
