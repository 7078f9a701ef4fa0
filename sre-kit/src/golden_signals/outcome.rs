//! The outcome of a request.

use std::fmt;

use sre_kit_core::internal::{GRPC_CODES, grpc_code};

/// The outcome of a request.
///
/// Every request that reaches the layer ends in exactly one outcome. The outcomes are the values of
/// the label `outcome` of `sre_kit_http_server_requests_total`, and
/// `started = sum of outcomes + in flight` holds in every scrape.
///
/// A service overrides the outcome by inserting another one into the extensions of its response:
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
    /// The response was sent completely, with a status below 400 or gRPC `OK`.
    Ok,
    /// The response was sent completely and the client was at fault: status 4xx, or a gRPC status
    /// that the semantic conventions do not count as a server error.
    ClientError,
    /// The server failed: status 5xx, a gRPC status such as `INTERNAL`, or an error of the response
    /// body.
    Error,
    /// The inner service returned an error instead of a response.
    ServiceError,
    /// The request took too long: `tower`'s `Elapsed`, status 504, or gRPC `DEADLINE_EXCEEDED`.
    Timeout,
    /// The request was refused to protect the service: `tower`'s `Overloaded`, or a response with
    /// [`Shed`](crate::Shed) in its extensions.
    Shed,
    /// The request was dropped before there was a response head, because the client disconnected or
    /// something around the layer cancelled it.
    AbortedBeforeHeaders,
    /// The request was dropped after the response head and before the end of the body.
    AbortedMidBody,
    /// The service panicked. The layer counts the panic and lets it continue.
    Panic,
}

impl Outcome {
    /// All outcomes, in the order of the metric.
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

    /// Returns the value of the label `outcome`.
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

    /// Returns the outcome of a response with this status.
    ///
    /// 504 is a timeout, because a server behind this one took too long. 408 is a client error,
    /// because the client did not send its request in time.
    pub(crate) fn of_status(status: http::StatusCode) -> Self {
        match status.as_u16() {
            ..400 => Self::Ok,
            400..500 => Self::ClientError,
            504 => Self::Timeout,
            _ => Self::Error,
        }
    }

    /// Returns the `error.type` of an outcome that a status does not explain.
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

/// The cause of an [`Outcome::Error`] that the HTTP status does not explain.
///
/// It takes five bits of the series key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause(u8);

impl Cause {
    /// The status or the outcome explains the error.
    pub(crate) const STATUS: Self = Self(0);
    /// The response body ended in an error.
    pub(crate) const BODY: Self = Self(31);

    /// Creates the cause for a gRPC status code from 0 to 16.
    pub(crate) const fn grpc(code: u8) -> Self {
        Self(code + 1)
    }

    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0 as u64
    }

    /// Returns the `error.type` of this cause, if it has one.
    pub(crate) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::STATUS => None,
            Self::BODY => Some("body_error"),
            Self(bits) => GRPC_CODES.get(usize::from(bits - 1)).copied(),
        }
    }
}

/// Returns the outcome and cause for the value of a `grpc-status` header or trailer.
///
/// A value that is no known code counts as `UNKNOWN`, as it does for gRPC clients. The server
/// errors are those of the OpenTelemetry semantic conventions for gRPC server spans.
pub(crate) fn of_grpc_status(value: &http::HeaderValue) -> (Outcome, Cause) {
    let code = grpc_code(value);
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
    fn each_outcome_has_its_index_and_its_own_label() {
        for (i, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, i, "{outcome} indexes its counter");
        }
        let names: std::collections::HashSet<_> = Outcome::ALL.map(Outcome::as_str).into();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn a_status_maps_to_its_outcome() {
        let of = |code| Outcome::of_status(StatusCode::from_u16(code).expect("valid"));
        assert_eq!([of(101), of(204), of(302), of(399)], [Outcome::Ok; 4]);
        assert_eq!([of(400), of(408), of(429), of(499)], [Outcome::ClientError; 4]);
        assert_eq!([of(500), of(503), of(599), of(999)], [Outcome::Error; 4]);
        assert_eq!(of(504), Outcome::Timeout);
    }

    #[test]
    fn a_grpc_status_maps_to_its_outcome() {
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
