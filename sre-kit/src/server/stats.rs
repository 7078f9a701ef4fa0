//! The counters of one server.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::connection_end::ConnectionEnd;

/// The values of `error_type` for a failed `accept`.
pub(super) const ACCEPT_ERRORS: [&str; 3] = ["too_many_files", "aborted", "other"];

/// The values of `error_type` for a connection that ended badly.
pub(super) const CONNECTION_ERRORS: [&str; 14] = [
    "header_timeout",
    "body_timeout",
    "write_timeout",
    "evicted",
    "incomplete",
    "malformed",
    "too_large",
    "io",
    "tls_handshake",
    "tls_timeout",
    "service_error",
    "panic",
    "cut_off",
    "other",
];

/// What failed when a connection was to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AcceptFailure {
    /// The one connection. The next one can be accepted at once.
    OfTheConnection,
    /// The process or the system has no file descriptor left.
    TooManyFiles,
    Other,
}

/// The counters of one server. They change with each connection, not with each request.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) accepted: AtomicU64,
    pub(super) accept_errors: [AtomicU64; ACCEPT_ERRORS.len()],
    pub(super) connection_errors: [AtomicU64; CONNECTION_ERRORS.len()],
}

impl Stats {
    /// Counts an accepted connection.
    pub(super) fn connection_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failed `accept`, and returns what failed.
    pub(super) fn accept_failed(&self, error: &io::Error) -> AcceptFailure {
        // The numbers are the same on every Unix; std has no kind for these.
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        let (kind, failure) = match (error.raw_os_error(), error.kind()) {
            (Some(ENFILE | EMFILE), _) => ("too_many_files", AcceptFailure::TooManyFiles),
            // These are errors of the one connection, not of the listener.
            (
                _,
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset,
            ) => ("aborted", AcceptFailure::OfTheConnection),
            _ => ("other", AcceptFailure::Other),
        };
        count(&ACCEPT_ERRORS, &self.accept_errors, kind);
        failure
    }

    /// Counts a request that names no host, or more than one, or a malformed one.
    pub(super) fn bad_host(&self) {
        count(&CONNECTION_ERRORS, &self.connection_errors, "malformed");
    }

    /// Counts a request whose body did not arrive in time.
    pub(super) fn body_timeout(&self) {
        count(&CONNECTION_ERRORS, &self.connection_errors, "body_timeout");
    }

    /// Counts an HTTP/2 stream whose client did not take its response in time.
    pub(super) fn write_timeout(&self) {
        count(&CONNECTION_ERRORS, &self.connection_errors, "write_timeout");
    }

    /// Counts how a connection ended, and returns its `error_type`, or `None` if it ended well.
    pub(super) fn connection_ended(&self, end: &ConnectionEnd) -> Option<&'static str> {
        let kind = match end {
            ConnectionEnd::Done => return None,
            ConnectionEnd::HeaderTimeout => "header_timeout",
            ConnectionEnd::WriteTimeout => "write_timeout",
            ConnectionEnd::Evicted => "evicted",
            ConnectionEnd::Incomplete => "incomplete",
            ConnectionEnd::Io(_) => "io",
            #[cfg(feature = "tls")]
            ConnectionEnd::Tls(_) => "tls_handshake",
            #[cfg(feature = "tls")]
            ConnectionEnd::TlsTimeout => "tls_timeout",
            ConnectionEnd::Hyper(error) => hyper_kind(error),
            ConnectionEnd::Panic => "panic",
            ConnectionEnd::Unfinished => "cut_off",
        };
        count(&CONNECTION_ERRORS, &self.connection_errors, kind);
        Some(kind)
    }
}

/// Adds one to the counter of `kind`.
fn count(kinds: &[&str], counts: &[AtomicU64], kind: &str) {
    if let Some(index) = kinds.iter().position(|known| *known == kind) {
        counts[index].fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the `error_type` of an error of hyper.
fn hyper_kind(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        "too_large"
    } else if error.is_parse() {
        "malformed"
    } else if error.is_incomplete_message() {
        "incomplete"
    } else if error.is_user() {
        "service_error"
    } else if error.is_timeout() {
        "header_timeout"
    } else if error.source().is_some_and(<dyn Error>::is::<io::Error>) {
        "io"
    } else {
        "other"
    }
}
