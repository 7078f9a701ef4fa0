//! The cause of a call that failed, found by the types in the chain of its error.

use std::error::Error;
use std::fmt;
use std::io;

use super::connect::{ConnectError, ConnectPhase};
use super::outcome::CallOutcome;

/// The cause of a call that failed without a response, or in its body.
///
/// The causes are values of the label `error_type` of the duration histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CallFailure {
    /// The connection was refused, or could not be opened for another reason.
    Connect,
    /// The name of the host could not be resolved. Only a resolver in
    /// [`Marked::dns`](super::Marked::dns) tells this from [`Connect`](Self::Connect).
    Dns,
    /// The TLS handshake failed. Without [`Marked::tls`](super::Marked::tls), only rustls's errors
    /// are recognized, with the feature `tls`.
    Tls,
    /// A timeout of this process or of the operating system ended the call.
    Timeout,
    /// The other side reset the connection or the stream.
    Reset,
    /// The connection was closed before the response was complete.
    Closed,
    /// The other side broke the protocol.
    Protocol,
    /// The other side refused the request before it processed it (GOAWAY with `NO_ERROR`, or
    /// `REFUSED_STREAM`). It is safe to send it again.
    Refused,
    /// This process refused to send the request.
    Shed,
    /// No type in the chain says what happened.
    Other,
}

impl CallFailure {
    /// The causes, in the order of their values.
    pub(super) const ALL: [Self; 10] = [
        Self::Connect,
        Self::Dns,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Closed,
        Self::Protocol,
        Self::Refused,
        Self::Shed,
        Self::Other,
    ];

    /// Returns the value of the label `error_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Shed => "overloaded",
            Self::Other => "_OTHER",
        }
    }

    /// Returns the cause that the types in the chain of `error` show.
    ///
    /// It knows the errors of hyper, hyper-util, h2, `tower`, the standard library and [`Marked`](super::Marked)
    /// (super::Marked), tonic's with the feature `tonic` and rustls's with the feature `tls`.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut seen = Seen::default();
        let mut next = Some(error);
        for _ in 0..MAX_DEPTH {
            let Some(error) = next else { break };
            seen.look_at(error);
            next = inner(error);
        }
        seen.cause()
    }

    /// Returns the outcome of a call that failed for this cause. `in_body` says whether there was a
    /// response head.
    pub(super) fn outcome(self, in_body: bool) -> CallOutcome {
        match self {
            Self::Timeout => CallOutcome::Timeout,
            Self::Shed => CallOutcome::Shed,
            _ if in_body => CallOutcome::Error,
            _ => CallOutcome::NoResponse,
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The most errors of a chain that are read. A chain could be endless.
const MAX_DEPTH: usize = 32;

/// Returns the next error of a chain. An `io::Error` passes over the error that it wraps: its
/// source is the source of that error.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
}

/// The causes that a chain of errors contains.
#[derive(Default)]
struct Seen {
    /// A bit per cause.
    causes: u16,
    /// The phase of the innermost mark.
    phase: Option<ConnectPhase>,
}

/// The causes from the strongest to the weakest. A phase of the connection follows the timeout.
const ORDER: [CallFailure; 7] = [
    CallFailure::Shed,
    CallFailure::Timeout,
    CallFailure::Connect,
    CallFailure::Refused,
    CallFailure::Reset,
    CallFailure::Protocol,
    CallFailure::Closed,
];

impl Seen {
    fn add(&mut self, cause: CallFailure) {
        self.causes |= 1 << cause as u16;
    }

    fn add_if(&mut self, seen: bool, cause: CallFailure) {
        if seen {
            self.add(cause);
        }
    }

    fn look_at(&mut self, error: &(dyn Error + 'static)) {
        if let Some(marked) = error.downcast_ref::<ConnectError>() {
            self.phase = Some(marked.phase());
        } else if let Some(io) = error.downcast_ref::<io::Error>() {
            self.look_at_io(io);
        } else if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            self.add_if(hyper.is_timeout(), CallFailure::Timeout);
            self.add_if(hyper.is_parse(), CallFailure::Protocol);
            let closed = hyper.is_incomplete_message() || hyper.is_closed() || hyper.is_canceled();
            self.add_if(closed, CallFailure::Closed);
        } else if let Some(h2) = error.downcast_ref::<h2::Error>() {
            self.look_at_h2(h2);
        } else if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            self.add_if(client.is_connect(), CallFailure::Connect);
        } else {
            self.add_if(error.is::<tower::load_shed::error::Overloaded>(), CallFailure::Shed);
            self.add_if(error.is::<tower::timeout::error::Elapsed>(), CallFailure::Timeout);
            #[cfg(feature = "tonic")]
            self.add_if(error.is::<tonic::TimeoutExpired>(), CallFailure::Timeout);
            #[cfg(feature = "tls")]
            if error.is::<rustls::Error>() {
                self.phase = Some(ConnectPhase::Tls);
            }
        }
    }

    fn look_at_io(&mut self, error: &io::Error) {
        self.add(match error.kind() {
            io::ErrorKind::TimedOut => CallFailure::Timeout,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => CallFailure::Connect,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => CallFailure::Reset,
            io::ErrorKind::UnexpectedEof => CallFailure::Closed,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => CallFailure::Protocol,
            _ => return,
        });
    }

    fn look_at_h2(&mut self, error: &h2::Error) {
        if let Some(io) = error.get_io() {
            self.look_at_io(io);
        }
        let reason = error.reason();
        let went_away = error.is_go_away() && reason == Some(h2::Reason::NO_ERROR);
        if went_away || reason == Some(h2::Reason::REFUSED_STREAM) {
            self.add(CallFailure::Refused);
        } else if error.is_library() {
            self.add(CallFailure::Protocol);
        } else if error.is_reset() {
            self.add(CallFailure::Reset);
        } else if error.is_go_away() {
            self.add(CallFailure::Closed);
        }
    }

    fn cause(mut self) -> CallFailure {
        self.add_if(self.phase.is_some(), CallFailure::Connect);
        let seen = |cause: &CallFailure| self.causes & (1 << *cause as u16) != 0;
        match ORDER.into_iter().find(seen) {
            Some(CallFailure::Connect) => match self.phase {
                Some(ConnectPhase::Dns) => CallFailure::Dns,
                Some(ConnectPhase::Tls) => CallFailure::Tls,
                Some(ConnectPhase::Tcp) | None => CallFailure::Connect,
            },
            Some(cause) => cause,
            None => CallFailure::Other,
        }
    }
}
