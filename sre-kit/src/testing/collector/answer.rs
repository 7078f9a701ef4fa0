//! How a collector answers.

use std::collections::VecDeque;

/// How a [`Collector`](super::Collector) answers one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the items.
    #[default]
    Accept,
    /// Takes the request, and says in its response that it rejected this number of its items
    /// (`partial_success`).
    Reject(u8),
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
            Self::Accept | Self::Reject(_) => Some((200, 0)),
            Self::TooManyRequests => Some((429, 8)),
            Self::Unavailable => Some((503, 14)),
            Self::Malformed => Some((400, 3)),
            Self::Close | Self::Hang => None,
        }
    }

    /// Returns the message of a success. Those of the three signals have the same fields.
    ///
    /// Source: <https://opentelemetry.io/docs/specs/otlp/#partial-success>
    pub(super) fn message(self) -> Vec<u8> {
        let Self::Reject(items) = self else { return Vec::new() };
        // A number above 127 has the high bit of its first byte set, and a second byte.
        let mut partial = vec![8, items];
        if items >= 0x80 {
            partial.push(1);
        }
        partial.extend(b"\x12\x07no room");
        let length = u8::try_from(partial.len()).unwrap_or(u8::MAX);
        [&[10, length][..], &partial].concat()
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
