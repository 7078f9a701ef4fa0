//! The trace of a call without the feature `telemetry`.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "the signatures are those of `client_trace`"
)]

use http::{Request, StatusCode};
use sre_kit_metrics::internal::Link;

use crate::outbound::key::Key;
use crate::outbound::outcome::CallOutcome;
use crate::outbound::peer::Peer;

/// The source of no traces.
#[derive(Debug, Default)]
pub(in crate::outbound) struct Traces(());

/// An empty trace.
#[derive(Debug, Default)]
pub(in crate::outbound) struct Trace(());

impl Trace {
    #[inline]
    pub(in crate::outbound) fn start<B>(
        _: &Traces,
        _: Key,
        _: Option<&Peer>,
        _: &mut Request<B>,
    ) -> Self {
        Self(())
    }

    #[inline]
    pub(in crate::outbound) fn link(&self) -> Option<Link> {
        None
    }

    #[inline]
    pub(in crate::outbound) fn end(&mut self, _: Option<StatusCode>, _: Key, _: CallOutcome) {}
}
