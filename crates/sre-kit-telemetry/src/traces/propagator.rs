//! The propagators for code that uses OpenTelemetry's globals.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::BaggagePropagator;

use super::span_context::from_otel;
use super::trace_state::{TraceStateText, header, with_remote_span};
use crate::context::TraceContext;
use crate::settings::Propagators;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Returns the propagators of these formats.
pub(crate) fn composite(propagators: Propagators) -> TextMapCompositePropagator {
    let mut all: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
    if propagators.trace_context {
        all.push(Box::new(TraceContextPropagator {
            fields: [TRACEPARENT, TRACESTATE].map(String::from),
        }));
    }
    if propagators.baggage {
        all.push(Box::new(BaggagePropagator::new()));
    }
    TextMapCompositePropagator::new(all)
}

/// The parser of the server layer as a propagator of OpenTelemetry.
#[derive(Debug)]
struct TraceContextPropagator {
    fields: [String; 2],
}

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let Some(span) = from_otel(context.span().span_context()) else { return };
        let span = span.with_randomness_of(TraceContext::current());
        injector.set(TRACEPARENT, span.traceparent().as_str().to_owned());
        let state = header(context);
        if !state.is_empty() {
            injector.set(TRACESTATE, state);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let values = extractor.get_all(TRACEPARENT).unwrap_or_default();
        // Two headers are malformed together, even if each is well formed.
        let &[value] = &values[..] else { return context.clone() };
        let Some(parent) = TraceContext::from_traceparent(value.trim().as_bytes()) else {
            return context.clone();
        };
        let state = extractor.get_all(TRACESTATE).unwrap_or_default();
        with_remote_span(context, &parent, TraceStateText::parse(state.into_iter()))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Context, Propagators, TextMapPropagator, composite};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

    /// Returns what is sent on where `pairs` was received.
    fn relayed(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let propagator = composite(Propagators { trace_context: true, baggage: true });
        let received: HashMap<_, _> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let context = propagator.extract_with_context(&Context::new(), &received);
        let mut sent = HashMap::new();
        propagator.inject_context(&context, &mut sent);
        sent
    }

    #[test]
    fn the_context_is_relayed_with_its_flags_and_keys_that_the_sdk_does_not_know() {
        let state = "foo@@bar=1,b=2";
        let pairs = [("traceparent", PARENT), ("tracestate", state), ("baggage", "team=a")];
        let sent = relayed(&pairs);
        for (name, value) in pairs {
            assert_eq!(sent.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn a_state_without_a_valid_parent_is_not_relayed() {
        for parent in ["", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert!(relayed(&[("traceparent", parent), ("tracestate", "a=b")]).is_empty());
        }
        let propagator = composite(Propagators { trace_context: true, baggage: false });
        let mut fields: Vec<_> = propagator.fields().collect();
        fields.sort_unstable();
        assert_eq!(fields, ["traceparent", "tracestate"]);
    }
}
