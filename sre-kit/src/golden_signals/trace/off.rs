#![allow(
    clippy::inline_always,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "the shape is that of `on`, and nothing of it may be left in the code"
)]

use super::super::in_flight::InFlight;
use super::super::series::{End, Key};
use super::super::site::Site;
use crate::RequestHead;
use sre_kit_metrics::internal::Link;

/// Starts no traces.
#[derive(Debug, Default)]
pub(crate) struct Traces(());

/// No trace.
#[derive(Debug, Default)]
pub(crate) struct Trace(());

/// Whether the layer has traces.
pub(crate) fn asked(_: &Traces) -> bool {
    false
}

#[inline]
pub(crate) fn begin(_: &Traces, _: &Site, _: Key, _: RequestHead<'_>) -> Trace {
    Trace(())
}

/// Makes nothing current.
#[inline]
pub(crate) fn enter(_: Option<&InFlight>) -> Trace {
    Trace(())
}

#[allow(clippy::unused_self, reason = "with the feature there is something in it")]
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
    pub(crate) fn end(&self, _: &End) {}
}
