//! The state that all requests of one layer share.

use std::any::Any;
use std::sync::Arc;

use super::classify::{self, ResponseClass};
use super::completed::StreamKind;
use super::key::SCHEMES;
use super::objectives::Objectives;
use super::outcome::Outcome;
use super::series::Store;
use super::trace::Traces;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::Clock;

pub(crate) type ErrorRule = Arc<dyn Fn(&(dyn Any + 'static)) -> Option<Outcome> + Send + Sync>;
pub(crate) type ExclusionRule = Arc<dyn Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync>;
pub(crate) type StreamRule = Arc<dyn Fn(ResponseHead<'_>) -> bool + Send + Sync>;

/// The state that all requests of one layer share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    /// The index of the scheme of requests that name none.
    pub(crate) default_scheme: usize,
    pub(crate) error_rule: Option<ErrorRule>,
    pub(crate) stream_rule: Option<StreamRule>,
    pub(crate) exclusion_rule: Option<ExclusionRule>,
    pub(crate) counts_bodies: bool,
    pub(crate) objectives: Objectives,
    pub(crate) traces: Traces,
    /// Whether labels, request bodies, exclusions or traces read every request. One check is enough
    /// for most requests.
    pub(crate) inspects_requests: bool,
}

impl Shared {
    /// Returns the index of a scheme that a request names.
    #[cold]
    pub(crate) fn scheme(&self, named: &str) -> usize {
        // A client may send any scheme; only the two known ones become a label.
        SCHEMES.iter().position(|known| *known == named).unwrap_or(self.default_scheme)
    }

    /// Returns whether a rule of the caller reads response heads.
    pub(crate) fn inspects_responses(&self) -> bool {
        self.stream_rule.is_some() || !self.store.labels().is_empty()
    }

    /// Classifies a response by its head. `exact_size` is the size of the body, if it is known.
    pub(crate) fn classify_response(
        &self,
        head: ResponseHead<'_>,
        exact_size: Option<u64>,
        route_is_stream: bool,
        connect: bool,
    ) -> ResponseClass {
        let mut class = classify::response(head, exact_size, route_is_stream, connect);
        if class.stream.is_none() && self.stream_rule.as_ref().is_some_and(|rule| rule(head)) {
            class.stream = Some(StreamKind::Stream);
        }
        class
    }

    /// Classifies an error of the inner service.
    pub(crate) fn classify_error<E: 'static>(&self, error: &E) -> Outcome {
        self.error_rule
            .as_ref()
            .and_then(|rule| rule(error))
            .unwrap_or_else(|| classify::error(error))
    }
}
