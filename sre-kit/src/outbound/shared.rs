//! The shared state of the layers of one process.

use std::error::Error;
use std::sync::Arc;

use http::header;
use http::uri::Authority;
use sre_kit_core::internal::Clock;

use super::failure::CallFailure;
use super::series::{PeerSeries, Store};
use super::trace::Traces;
use crate::RequestHead;

/// A rule of the caller that classifies errors.
pub(super) type FailureRule =
    Arc<dyn Fn(&(dyn Error + 'static)) -> Option<CallFailure> + Send + Sync>;

/// The shared state of the layers of one [`Outbound`](super::Outbound).
pub(super) struct Shared {
    pub(super) store: Store,
    /// The declared peers, and the one for all others behind them.
    pub(super) peers: Box<[PeerSeries]>,
    pub(super) clock: Clock,
    pub(super) rule: Option<FailureRule>,
    #[cfg_attr(not(feature = "telemetry"), allow(dead_code, reason = "there are no traces"))]
    pub(super) traces: Traces,
}

impl Shared {
    /// Returns the index of the peer with this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.declared().position(|peer| peer.name == name)
    }

    /// Returns the declared peers.
    pub(super) fn declared(&self) -> impl Iterator<Item = &super::Peer> {
        self.peers.iter().filter_map(|series| series.peer.as_ref())
    }

    /// Returns the index of the peer that a request is for.
    #[inline]
    pub(super) fn addressed(&self, head: RequestHead<'_>) -> usize {
        let other = self.peers.len() - 1;
        // A request of HTTP/1 that a connection sends names its peer in a header.
        let host = || head.headers.get(header::HOST)?.to_str().ok();
        let Some(authority) = head.uri.authority().map(Authority::as_str).or_else(host) else {
            return other;
        };
        // The text as a whole first: taking it apart costs more than comparing it.
        let scheme = head.uri.scheme();
        let found = self.declared().position(|peer| {
            peer.authority == authority
                && (peer.has_port || scheme.is_none_or(|scheme| *scheme == peer.scheme))
        });
        found.unwrap_or_else(|| self.addressed_by_parts(authority, head.uri.scheme_str(), other))
    }

    #[cold]
    fn addressed_by_parts(&self, authority: &str, scheme: Option<&str>, other: usize) -> usize {
        let Ok(authority) = authority.parse::<Authority>() else { return other };
        let port = authority.port_u16().unwrap_or(match scheme {
            Some("https") => 443,
            _ => 80,
        });
        self.declared()
            .position(|peer| peer.port == port && peer.host.eq_ignore_ascii_case(authority.host()))
            .unwrap_or(other)
    }

    /// Returns the cause of an error.
    pub(super) fn failure(&self, error: &(dyn Error + 'static)) -> CallFailure {
        let by_rule = self.rule.as_ref().and_then(|rule| rule(error));
        by_rule.unwrap_or_else(|| CallFailure::of(error))
    }
}
