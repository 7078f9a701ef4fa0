//! The record of a request that has ended.

use super::exclusion::ExclusionId;
use super::key::Key;
use super::outcome::{Cause, Outcome};

/// The kind of a response that lives long instead of having a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    /// Server-sent events.
    Sse,
    /// A response that the caller declared to be a stream.
    Stream,
    /// A connection that changed its protocol.
    Upgrade,
}

impl StreamKind {
    /// Returns the value of the label `stream`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Stream => "stream",
            Self::Upgrade => "upgrade",
        }
    }
}

/// A request that has ended, as metrics, SLOs and traces record it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompletedRequest {
    pub(crate) key: Key,
    pub(crate) outcome: Outcome,
    pub(crate) cause: Cause,
    pub(crate) stream: Option<StreamKind>,
    /// The duration in nanoseconds.
    pub(crate) nanos: u64,
    pub(crate) response_bytes: Option<u64>,
    /// The size of a request body whose head did not declare one.
    pub(crate) request_bytes: Option<u64>,
    /// The nanoseconds to the response head, if there was one.
    pub(crate) to_headers: Option<u64>,
    /// The reason for which an SLO may exclude the request.
    pub(crate) exclusion: Option<ExclusionId>,
}

impl CompletedRequest {
    /// Returns the `error.type` of a request whose status prints as `status`.
    pub(crate) fn error_type<'a>(&self, status: &'a str) -> Option<&'a str> {
        let of_status = || (self.outcome == Outcome::Error).then_some(status);
        self.cause.error_type().or(self.outcome.error_type()).or_else(of_status)
    }
}
