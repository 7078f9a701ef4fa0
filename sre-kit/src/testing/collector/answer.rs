//! How a collector answers.

use std::collections::VecDeque;

/// How a [`Collector`](super::Collector) answers one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the items.
    #[default]
    Accept,
    /// Refuses with status 429 or the gRPC code `RESOURCE_EXHAUSTED`. Nothing is taken.
    TooManyRequests,
    /// Refuses with status 503 or the gRPC code `UNAVAILABLE`. Nothing is taken.
    Unavailable,
    /// Refuses for good, with status 400 or the gRPC code `INVALID_ARGUMENT`. Nothing is taken.
    Malformed,
    /// Reads the request and ends the connection, or the stream of gRPC, without an answer.
    Close,
    /// Reads the request and never answers.
    Hang,
}

impl Answer {
    /// Returns the HTTP status and the gRPC code of an answer that has them.
    pub(super) fn codes(self) -> Option<(u16, u8)> {
        match self {
            Self::Accept => Some((200, 0)),
            Self::TooManyRequests => Some((429, 8)),
            Self::Unavailable => Some((503, 14)),
            Self::Malformed => Some((400, 3)),
            Self::Close | Self::Hang => None,
        }
    }
}

/// The answers to come.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) next: VecDeque<Answer>,
    pub(super) then: Answer,
}

impl Script {
    pub(super) fn take(&mut self) -> Answer {
        self.next.pop_front().unwrap_or(self.then)
    }
}
