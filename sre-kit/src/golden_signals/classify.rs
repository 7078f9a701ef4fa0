//! The classification of requests by their heads and errors.

use std::any::Any;
use std::error::Error;

use http::{HeaderMap, Version, header};
use sre_kit_core::internal::{content_length, is_grpc};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use super::completed::StreamKind;
use super::outcome::{Cause, Outcome, of_grpc_status};
use crate::Shed;
use crate::{RequestHead, ResponseHead};

/// The class of a response, as its head tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseClass {
    pub(crate) outcome: Outcome,
    pub(crate) cause: Cause,
    pub(crate) stream: Option<StreamKind>,
    /// Whether the trailers will tell the outcome of a gRPC call.
    pub(crate) grpc: bool,
}

/// Marks a response as a stream, whose duration is a lifetime and not a latency.
///
/// Insert it into the extensions of a response whose body has no natural end, if neither its
/// content type nor its route says so. See [`GoldenSignalsBuilder::streams`] for whole routes.
///
/// [`GoldenSignalsBuilder::streams`]: super::GoldenSignalsBuilder::streams
///
/// ```
/// use sre_kit::golden_signals::Streaming;
///
/// let mut response = http::Response::new(());
/// response.extensions_mut().insert(Streaming);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Streaming;

/// The traits of a request that its head tells.
///
/// One pass over the names of the headers finds them. Three lookups would hash three names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestTraits {
    /// The size of the body, if the head declares it.
    ///
    /// An HTTP/1 or HTTP/2 server enforces `Content-Length`. An HTTP/1 request with neither
    /// `Content-Length` nor `Transfer-Encoding` has no body. Any other size is unknown until the
    /// body was read.
    pub(crate) bytes: Option<u64>,
    /// Whether the request asks for another protocol.
    pub(crate) upgrade: bool,
}

impl RequestTraits {
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

/// Classifies a response by its head.
///
/// `exact_size` is the size of the body, if it is known. A body of known size is neither an event
/// stream nor a gRPC message stream, so most responses are classified without reading headers.
pub(crate) fn response(
    head: ResponseHead<'_>,
    exact_size: Option<u64>,
    route_is_stream: bool,
    connect: bool,
) -> ResponseClass {
    let mut class = ResponseClass {
        outcome: Outcome::of_status(head.status),
        cause: Cause::STATUS,
        stream: route_is_stream.then_some(StreamKind::Stream),
        grpc: false,
    };
    if head.status.as_u16() == 101 || (connect && head.status.is_success()) {
        class.stream = Some(StreamKind::Upgrade);
        return class;
    }
    if exact_size.is_none_or(|size| size == 0) {
        read_content_type(head.headers, &mut class);
    }
    if !head.extensions.is_empty() {
        if head.extensions.get::<Streaming>().is_some() {
            class.stream = Some(StreamKind::Stream);
        }
        if let Some(outcome) = head.extensions.get::<Outcome>() {
            class.outcome = *outcome;
            class.grpc = false;
        } else if head.extensions.get::<Shed>().is_some() {
            class.outcome = Outcome::Shed;
            class.grpc = false;
        }
    }
    class
}

fn read_content_type(headers: &HeaderMap, class: &mut ResponseClass) {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return };
    let value = value.as_bytes();
    if has_prefix(value, b"text/event-stream") {
        class.stream.get_or_insert(StreamKind::Sse);
    } else if is_grpc(value) && class.outcome == Outcome::Ok {
        match headers.get("grpc-status") {
            Some(status) => (class.outcome, class.cause) = of_grpc_status(status),
            None => class.grpc = true,
        }
    }
}

fn has_prefix(value: &[u8], prefix: &[u8]) -> bool {
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Classifies an error of the inner service. Recognizes the errors of `tower`, boxed or not, at any
/// depth of the chain of sources.
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
