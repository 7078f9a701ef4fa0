//! What heads, headers and errors say of a request.

use std::any::Any;
use std::error::Error;

use http::{HeaderMap, Version, header};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use super::outcome::{Cause, Outcome, of_grpc_status};
use super::series::StreamKind;
use crate::Shed;
use crate::{RequestHead, ResponseHead};

/// What is known once there is a response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) cause: Cause,
    pub(crate) stream: Option<StreamKind>,
    /// The trailers will say how it ended.
    pub(crate) grpc: bool,
}

/// Marks a response as a stream: its lifetime is not a latency.
///
/// Put it into the extensions of a response whose body has no natural end, when
/// neither its content type nor its route says so.
///
/// ```
/// use sre_kit::golden_signals::Streaming;
///
/// let mut response = http::Response::new(());
/// response.extensions_mut().insert(Streaming);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streaming;

/// What the layer wants to know of a request's headers, found in one pass over
/// their names: three lookups would hash three names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestFacts {
    /// The size of the body, where the request says it.
    ///
    /// `Content-Length` is what an HTTP/1 or HTTP/2 server holds the body to. An
    /// HTTP/1 request with neither it nor `Transfer-Encoding` has no body. The
    /// rest is not known before the body was read, and a guess is not recorded.
    pub(crate) bytes: Option<u64>,
    /// Whether it asks to change the protocol.
    pub(crate) upgrade: bool,
}

impl RequestFacts {
    #[inline]
    pub(crate) fn of(head: RequestHead<'_>) -> Self {
        let mut upgrade = head.method == http::Method::CONNECT;
        let (mut declared, mut chunked) = (false, false);
        for name in head.headers.keys() {
            match *name {
                header::CONTENT_LENGTH => declared = true,
                header::TRANSFER_ENCODING => chunked = true,
                header::UPGRADE => upgrade = true,
                _ => {}
            }
        }
        let bytes = if declared { content_length(head.headers) } else { None };
        let framed_by_headers = matches!(head.version, Version::HTTP_10 | Version::HTTP_11);
        let nothing = || (framed_by_headers && !chunked).then_some(0);
        Self { bytes: bytes.or_else(nothing), upgrade }
    }
}

fn parse_length(value: &http::HeaderValue) -> Option<u64> {
    std::str::from_utf8(value.as_bytes()).ok()?.trim().parse().ok()
}

/// The size that a head declares.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    parse_length(headers.get(header::CONTENT_LENGTH)?)
}

/// Reads a response head. `exact` is the body's size where it is known: a body of
/// known size is neither an event stream nor a gRPC message stream, so most
/// responses are judged without a look at their headers.
pub(crate) fn response(
    head: ResponseHead<'_>,
    exact: Option<u64>,
    route_is_stream: bool,
    connect: bool,
) -> Verdict {
    let mut verdict = Verdict {
        outcome: Outcome::of_status(head.status),
        cause: Cause::STATUS,
        stream: route_is_stream.then_some(StreamKind::Stream),
        grpc: false,
    };
    if head.status.as_u16() == 101 || (connect && head.status.is_success()) {
        verdict.stream = Some(StreamKind::Upgrade);
        return verdict;
    }
    if exact.is_none_or(|size| size == 0) {
        read_content_type(head.headers, &mut verdict);
    }
    if !head.extensions.is_empty() {
        if head.extensions.get::<Streaming>().is_some() {
            verdict.stream = Some(StreamKind::Stream);
        }
        if let Some(outcome) = head.extensions.get::<Outcome>() {
            verdict.outcome = *outcome;
            verdict.grpc = false;
        } else if head.extensions.get::<Shed>().is_some() {
            verdict.outcome = Outcome::Shed;
            verdict.grpc = false;
        }
    }
    verdict
}

fn read_content_type(headers: &HeaderMap, verdict: &mut Verdict) {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return };
    let value = value.as_bytes();
    if has_prefix(value, b"text/event-stream") {
        verdict.stream.get_or_insert(StreamKind::Sse);
    } else if has_prefix(value, b"application/grpc")
        // gRPC-Web carries its trailers inside the body, where nobody here reads them.
        && !has_prefix(value, b"application/grpc-web")
        && verdict.outcome == Outcome::Ok
    {
        match headers.get("grpc-status") {
            Some(status) => (verdict.outcome, verdict.cause) = of_grpc_status(status),
            None => verdict.grpc = true,
        }
    }
}

fn has_prefix(value: &[u8], prefix: &[u8]) -> bool {
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Reads an error of the inner service: `tower`'s own are told apart, bare or
/// boxed, at any depth of the chain of sources.
pub(crate) fn error<E: 'static>(error: &E) -> Outcome {
    let any: &dyn Any = error;
    if any.is::<Elapsed>() {
        return Outcome::Timeout;
    }
    if any.is::<Overloaded>() {
        return Outcome::Shed;
    }
    let boxed: Option<&(dyn Error + 'static)> = any
        .downcast_ref::<Box<dyn Error + Send + Sync>>()
        .map(|boxed| &**boxed as &(dyn Error + 'static));
    let mut source = boxed;
    while let Some(error) = source {
        if error.is::<Elapsed>() {
            return Outcome::Timeout;
        }
        if error.is::<Overloaded>() {
            return Outcome::Shed;
        }
        source = error.source();
    }
    Outcome::ServiceError
}

/// Whether the status alone rules a body out.
#[inline]
pub(crate) fn has_no_body(status: http::StatusCode) -> bool {
    status.is_informational() || matches!(status.as_u16(), 204 | 304)
}
