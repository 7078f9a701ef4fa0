//! The outcome of a call.

use std::fmt;

use http::StatusCode;

/// The outcome of a call to another service.
///
/// Every call ends in exactly one outcome. The outcomes are the values of the label `outcome` of
/// `sre_kit_http_client_requests_total`, and `started = sum of outcomes + in flight` holds in every scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The response is complete, with a status below 400 or gRPC `OK`.
    Ok,
    /// The response is complete, and it says that this caller was at fault: status 4xx, or a gRPC
    /// status that is no server error.
    ClientError,
    /// The other service failed: status 5xx, a gRPC status such as `UNAVAILABLE`, or a response
    /// that ended before it was complete.
    Error,
    /// There was no response head: the connection could not be opened, or it ended too early.
    NoResponse,
    /// The call took too long: a timeout of this process or of the operating system, status 504, or
    /// gRPC `DEADLINE_EXCEEDED`.
    Timeout,
    /// This process refused to send the request: `tower`'s `Overloaded`, or a response with
    /// [`Shed`](crate::Shed) in its extensions.
    Shed,
    /// The caller dropped the call before it was complete.
    Canceled,
    /// The client panicked. The layer counts the panic and lets it continue.
    Panic,
}

impl CallOutcome {
    /// All outcomes, in the order of the metric.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::ClientError,
        Self::Error,
        Self::NoResponse,
        Self::Timeout,
        Self::Shed,
        Self::Canceled,
        Self::Panic,
    ];

    /// The values of the label `outcome`, in the order of [`ALL`](Self::ALL).
    pub(crate) const NAMES: [&'static str; 8] =
        ["ok", "client_error", "error", "no_response", "timeout", "shed", "canceled", "panic"];

    /// Returns the value of the label `outcome`.
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Returns the outcome of a response with this status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            ..400 => Self::Ok,
            400..500 => Self::ClientError,
            504 => Self::Timeout,
            _ => Self::Error,
        }
    }

    /// Returns the outcome of a gRPC call with this code. The server errors are those of the
    /// OpenTelemetry semantic conventions for gRPC server spans.
    pub(crate) fn of_grpc(code: u8) -> Self {
        match code {
            0 => Self::Ok,
            4 => Self::Timeout,
            2 | 12 | 13 | 14 | 15 => Self::Error,
            _ => Self::ClientError,
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
