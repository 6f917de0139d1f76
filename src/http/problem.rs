//! Problems for programs, by RFC 9457. People in Slack never see one.

use std::error::Error;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::Failure;
use crate::body::NotGzip;
use crate::catalog::BadCatalog;
use crate::monitors::Unreadable;

/// Why a request was refused.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// Seconds to wait before trying again.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// Why a request was refused, beside the response.
#[derive(Debug, Clone)]
pub(crate) struct Why(pub(crate) String);

pub(crate) const BODY_LIMIT: &str = "[server] body_limit_kib";
pub(crate) const UPLOAD_LIMIT: &str = "[lineage] upload_limit_mib";

impl Problem {
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let title = reason.unwrap_or("Problem").to_owned();
        Self { kind: "about:blank", title, status, detail: detail.into(), retry_after: None }
    }

    /// Nothing can be saved now. The sender keeps what it has and sends it again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(503, detail) }
    }

    /// A body that did not arrive, at an address whose limit is this setting.
    pub(crate) fn not_arrived(rejection: BytesRejection, setting: &str) -> Self {
        let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        if too_large { Self::too_large(setting) } else { rejection.into() }
    }

    /// A body that said that it is gzip, and is not. `None` if it did not arrive for another reason.
    pub(crate) fn not_gzip(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(why) = error.downcast_ref::<NotGzip>() {
                return Some(Self::new(400, why.to_string()));
            }
            cause = error.source();
        }
        None
    }

    pub(crate) fn too_large(setting: &str) -> Self {
        Self::new(413, format!("The body is larger than this address takes. Split it, or raise `{setting}`"))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::WhichIncident => Self::new(422, failure.to_string()),
            Failure::NotFound(detail) => Self::new(404, detail),
            Failure::Refused(refusal) => Self::new(409, refusal.to_string()),
            Failure::Duplicate => Self::new(409, "This was done already"),
            Failure::Invalid(detail) => Self::new(422, detail),
            Failure::TooLarge(_) => Self::new(413, failure.to_string()),
            Failure::TooFast { .. } => Self::unavailable(failure.to_string()),
            Failure::Unavailable(_) => {
                tracing::error!(error = %failure, "a request was turned away");
                Self::unavailable("Nothing was saved; please send it again in a few seconds")
            }
        }
    }
}

impl From<BadCatalog> for Problem {
    fn from(error: BadCatalog) -> Self {
        Self::new(422, error.to_string())
    }
}

/// 400 if the body is not JSON, 422 if its shape is wrong.
impl From<Unreadable> for Problem {
    fn from(error: Unreadable) -> Self {
        let status = match &error {
            Unreadable::NotJson(_) => 400,
            Unreadable::WrongShape(_) => 422,
        };
        Self::new(status, error.to_string())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(413, "The body is larger than this address takes"),
            _ => Self::not_gzip(&rejection).unwrap_or_else(|| Self::new(400, "The body did not arrive whole")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let why = Why(self.detail.clone());
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self).into_response().into_body())
                .into_response();
        response.extensions_mut().insert(why);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}
