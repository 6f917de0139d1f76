//! Bodies that are compressed. Every address that takes a body takes gzip, too. What it unpacks to is bounded by the limit of the address, because it
//! is unpacked only while it is read.

use std::error::Error;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};

use crate::body::{Encoding, Unpacking};
use crate::http::Problem;

/// Unpacks the body of a request before its handler sees it.
pub(crate) async fn unpack(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match unpacked(&parts.headers, body) {
        Ok(body) => {
            // They told of the bytes as they were sent.
            if parts.headers.remove(header::CONTENT_ENCODING).is_some() {
                parts.headers.remove(header::CONTENT_LENGTH);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// What a body is, uncompressed.
pub(super) fn unpacked(headers: &HeaderMap, body: Body) -> Result<Body, Problem> {
    match Encoding::of(headers) {
        Ok(Encoding::Identity) => Ok(body),
        Ok(Encoding::Gzip) => Ok(gunzipped(body)),
        Err(other) => Err(unknown(&other)),
    }
}

/// Refuses a compressed body where nobody sends one.
pub(super) fn as_sent(headers: &HeaderMap) -> Result<(), Problem> {
    match Encoding::of(headers) {
        Ok(Encoding::Identity) => Ok(()),
        Ok(Encoding::Gzip) => Err(Problem::new(
            415,
            "This address takes no `Content-Encoding`. Nothing was saved; send the body uncompressed",
        )),
        Err(other) => Err(unknown(&other)),
    }
}

fn unknown(encoding: &str) -> Problem {
    let encoding: String = encoding.chars().filter(|c| !c.is_control()).take(40).collect();
    Problem::new(
        415,
        format!(
            "`Content-Encoding: {encoding}` cannot be read here. Nothing was saved; send the body as gzip, or uncompressed"
        ),
    )
}

fn gunzipped(body: Body) -> Body {
    let state = (body.into_data_stream(), Bytes::new(), Some(Unpacking::default()));
    Body::from_stream(stream::try_unfold(state, |(mut arriving, mut piece, unpacking)| async move {
        let Some(mut unpacking) = unpacking else { return Ok(None) };
        loop {
            while piece.is_empty() {
                match arriving.next().await {
                    Some(next) => piece = next?,
                    None => return Ok(Some((Bytes::from(unpacking.end()?), (arriving, piece, None)))),
                }
            }
            let made = unpacking.step(&piece.split_to(piece.len().min(Unpacking::STEP)))?;
            if !made.is_empty() {
                return Ok::<_, Box<dyn Error + Send + Sync>>(Some((made.into(), (arriving, piece, Some(unpacking)))));
            }
        }
    }))
}
