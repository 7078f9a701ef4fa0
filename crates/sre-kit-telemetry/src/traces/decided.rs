//! Ids and sampling decisions that are made before the SDK builds the span.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample,
};

use super::span_context::from_otel;
use crate::context::TraceContext;
use crate::sampler::Sampler;

thread_local! {
    /// The decision for the span that this thread is about to build.
    static DECIDED: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// Runs `build` such that the one span it builds is sampled and has the ids of `context`.
pub(super) fn with_ids<T>(context: TraceContext, build: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            DECIDED.set(None);
        }
    }
    // Reset on drop, so that a panic in `build` leaves no decision for the thread's next span.
    let _reset = Reset;
    DECIDED.set(Some(context));
    build()
}

/// An id generator that returns the decided ids, and random ids for all other spans.
#[derive(Debug, Default)]
pub(crate) struct DecidedIds(RandomIdGenerator);

impl IdGenerator for DecidedIds {
    fn new_trace_id(&self) -> TraceId {
        match DECIDED.get() {
            Some(decided) => TraceId::from(decided.trace_id().to_u128()),
            None => self.0.new_trace_id(),
        }
    }

    fn new_span_id(&self) -> SpanId {
        match DECIDED.get() {
            Some(decided) => SpanId::from(decided.span_id().to_u64()),
            None => self.0.new_span_id(),
        }
    }
}

/// A [`Sampler`] as the SDK's [`ShouldSample`]. A decided span is always sampled.
#[derive(Clone, Debug)]
pub(crate) struct SdkSampler(pub(crate) Sampler);

impl ShouldSample for SdkSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent =
            parent.filter(|cx| cx.has_active_span()).map(|cx| cx.span().span_context().clone());
        let sampled = DECIDED.get().is_some() || {
            let parent = parent.as_ref().and_then(from_otel);
            self.0.should_sample(u128::from_be_bytes(trace_id.to_bytes()), parent.as_ref())
        };
        let decision =
            if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: parent
                .map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        }
    }
}
