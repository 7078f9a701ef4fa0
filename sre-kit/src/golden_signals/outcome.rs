//! How a request ended.

use std::fmt;

/// The one way in which a request ended.
///
/// Every request that reaches the layer ends in exactly one of these, whatever
/// happens to it. They are the values of the label `outcome` of
/// `http_server_requests_total`, and
/// `started = sum of outcomes + in flight` holds in every scrape.
///
/// A service that knows better than the layer says so by leaving an outcome in
/// the extensions of its response:
///
/// ```
/// use sre_kit::golden_signals::Outcome;
///
/// let mut response = http::Response::builder().status(503).body(()).unwrap();
/// response.extensions_mut().insert(Outcome::Shed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// Answered in full: any status below 400, or gRPC `OK`.
    Ok,
    /// Answered in full, and the client was at fault: 4xx, or a gRPC status that
    /// the semantic conventions do not count as a server's error.
    ClientError,
    /// Answered with a server's error: 5xx, a gRPC status such as `INTERNAL`, or
    /// a body that broke off with an error.
    Error,
    /// The inner service returned an error instead of a response.
    ServiceError,
    /// Given up because it took too long: `tower`'s `Elapsed`, status 504, or
    /// gRPC `DEADLINE_EXCEEDED`.
    Timeout,
    /// Refused to protect the service: `tower`'s `Overloaded`, or a response that
    /// is marked [`Shed`](crate::Shed).
    Shed,
    /// Dropped before there was a response head: the client went away, or
    /// something around the layer cancelled it.
    AbortedBeforeHeaders,
    /// Dropped after the head and before the end of the body.
    AbortedMidBody,
    /// The service panicked. The panic goes on; it is only counted.
    Panic,
}

impl Outcome {
    /// Every outcome, in the order of the labels.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::ClientError,
        Self::Error,
        Self::ServiceError,
        Self::Timeout,
        Self::Shed,
        Self::AbortedBeforeHeaders,
        Self::AbortedMidBody,
        Self::Panic,
    ];

    /// The value of the label `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::Error => "error",
            Self::ServiceError => "service_error",
            Self::Timeout => "timeout",
            Self::Shed => "shed",
            Self::AbortedBeforeHeaders => "aborted_before_headers",
            Self::AbortedMidBody => "aborted_mid_body",
            Self::Panic => "panic",
        }
    }

    /// What a status alone says. 504 is a timeout: some server gave up waiting.
    /// 408 is the client's: it did not send its request in time.
    pub(crate) fn of_status(status: http::StatusCode) -> Self {
        match status.as_u16() {
            ..400 => Self::Ok,
            400..500 => Self::ClientError,
            504 => Self::Timeout,
            _ => Self::Error,
        }
    }

    /// The `error.type` of an outcome that a status does not explain.
    pub(crate) const fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Ok | Self::ClientError | Self::Error => None,
            Self::ServiceError => Some("service_error"),
            Self::Timeout => Some("timeout"),
            Self::Shed => Some("overloaded"),
            Self::AbortedBeforeHeaders | Self::AbortedMidBody => Some("canceled"),
            Self::Panic => Some("panic"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What makes an [`Outcome::Error`] an error when the HTTP status was 200: five
/// bits, as the series key has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause(u8);

impl Cause {
    /// The status, or the outcome, says it.
    pub(crate) const STATUS: Self = Self(0);
    /// The response body ended in an error.
    pub(crate) const BODY: Self = Self(31);

    /// A gRPC status code, 0 to 16.
    pub(crate) const fn grpc(code: u8) -> Self {
        Self(code + 1)
    }

    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0 as u64
    }

    /// The `error.type` that this cause gives, if it gives one.
    pub(crate) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::STATUS => None,
            Self::BODY => Some("body_error"),
            Self(after) => GRPC_CODES.get(usize::from(after - 1)).copied(),
        }
    }
}

/// Names of the gRPC status codes, from the gRPC core documentation.
const GRPC_CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What the value of a `grpc-status` header or trailer says. Anything that is
/// not a known code counts as `UNKNOWN`, as gRPC clients read it.
///
/// Source of the split: OpenTelemetry semantic conventions for gRPC, server spans.
pub(crate) fn of_grpc_status(value: &http::HeaderValue) -> (Outcome, Cause) {
    let code = std::str::from_utf8(value.as_bytes())
        .ok()
        .and_then(|text| text.parse::<u8>().ok())
        .filter(|&code| code <= 16)
        .unwrap_or(2);
    match code {
        0 => (Outcome::Ok, Cause::STATUS),
        4 => (Outcome::Timeout, Cause::grpc(code)),
        2 | 12 | 13 | 14 | 15 => (Outcome::Error, Cause::grpc(code)),
        _ => (Outcome::ClientError, Cause::STATUS),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::{Cause, Outcome, of_grpc_status};

    #[test]
    fn each_outcome_knows_its_place_and_its_label() {
        for (i, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, i, "{outcome} indexes its counter");
        }
        let names: std::collections::HashSet<_> = Outcome::ALL.map(Outcome::as_str).into();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn a_status_says_who_was_at_fault() {
        let of = |code| Outcome::of_status(StatusCode::from_u16(code).expect("valid"));
        assert_eq!([of(101), of(204), of(302), of(399)], [Outcome::Ok; 4]);
        assert_eq!([of(400), of(408), of(429), of(499)], [Outcome::ClientError; 4]);
        assert_eq!([of(500), of(503), of(599), of(999)], [Outcome::Error; 4]);
        assert_eq!(of(504), Outcome::Timeout);
    }

    #[test]
    fn a_grpc_status_says_it_whatever_the_http_status() {
        let of = |text| of_grpc_status(&HeaderValue::from_static(text));
        assert_eq!(of("0"), (Outcome::Ok, Cause::STATUS));
        assert_eq!(of("5").0, Outcome::ClientError);
        assert_eq!(of("13"), (Outcome::Error, Cause::grpc(13)));
        assert_eq!(of("4").0, Outcome::Timeout);
        for odd in ["", "17", "-1", "boom"] {
            assert_eq!(of(odd), (Outcome::Error, Cause::grpc(2)), "{odd:?} is UNKNOWN");
        }
    }
}
