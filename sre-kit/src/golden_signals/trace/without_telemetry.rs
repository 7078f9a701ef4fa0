//! The trace of a request without the feature `telemetry`.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "the signatures are those of `request_trace`"
)]

use sre_kit_metrics::internal::Link;

use super::super::completed::CompletedRequest;
use super::super::key::Key;
use crate::RequestHead;

/// The source of no traces.
#[derive(Debug, Default)]
pub(crate) struct Traces(());

/// An empty trace.
#[derive(Debug, Default)]
pub(crate) struct Trace(());

/// Returns `false`.
pub(crate) fn is_enabled(_: &Traces) -> bool {
    false
}

/// Returns an empty trace.
#[inline]
pub(crate) fn start(_: &Traces, _: Option<&str>, _: Key, _: RequestHead<'_>) -> Trace {
    Trace(())
}

/// Returns a guard that does nothing.
#[inline]
pub(crate) fn enter(_: Option<&Trace>) -> Trace {
    Trace(())
}

impl Trace {
    #[inline]
    pub(crate) fn is_sampled(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) fn link(&self) -> Option<Link> {
        None
    }

    #[inline]
    pub(crate) fn end(&self, _: &CompletedRequest) {}
}
