//! Ids and decisions that were taken before the span was built.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample,
};

use crate::context::TraceContext;
use crate::sampler::Sampler;
use crate::traces::innermost::of;

thread_local! {
    /// What the layer has decided for the span that this thread is about to build.
    static DECIDED: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// Builds a span whose ids, and that it is sampled, are `context`'s.
pub(super) fn build_as<T>(context: TraceContext, build: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            DECIDED.set(None);
        }
    }
    let _reset = Reset;
    DECIDED.set(Some(context));
    build()
}

/// Hands out what was decided, and random ids for every other span.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
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

/// Our sampler as the SDK asks for it.
#[derive(Clone, Debug)]
pub(super) struct SdkSampler(pub(super) Sampler);

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
        let kept = DECIDED.get().is_some() || {
            let parent = parent.as_ref().and_then(of);
            self.0.keeps(u128::from_be_bytes(trace_id.to_bytes()), parent.as_ref())
        };
        SamplingResult {
            decision: if kept { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: parent
                .map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        }
    }
}
