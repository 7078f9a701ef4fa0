//! Spans that are kept instead of being exported.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self as sdk, SpanData, SpanProcessor};

use super::span::Span;
use crate::export::signal_counts::SignalCounts;

/// The spans of one [`Telemetry`](crate::Telemetry), from the moment at which they end.
///
/// Clones share the spans.
///
/// ```
/// use sre_kit_telemetry::testing::CapturedSpans;
/// use sre_kit_telemetry::{Sampler, Telemetry};
///
/// let spans = CapturedSpans::default();
/// let telemetry =
///     Telemetry::builder().sampler(Sampler::always_on()).capture_spans(&spans).build()?;
/// tracing::dispatcher::with_default(telemetry.dispatch(), || {
///     tracing::info_span!("pay", order = 7).in_scope(|| ());
/// });
/// assert_eq!(spans.all()[0].attribute("order"), Some("7"));
/// # Ok::<(), sre_kit_telemetry::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CapturedSpans(Arc<Mutex<Vec<Span>>>);

impl CapturedSpans {
    /// Returns the spans that have ended, in the order in which they ended.
    pub fn all(&self) -> Vec<Span> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all spans.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn push(&self, span: Span) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }
}

/// A processor that keeps each sampled span when it ends, and counts it as exported.
#[derive(Debug)]
pub(crate) struct CapturingProcessor {
    spans: CapturedSpans,
    counts: Arc<SignalCounts>,
}

impl CapturingProcessor {
    pub(crate) fn new(spans: CapturedSpans, counts: &Arc<SignalCounts>) -> Self {
        Self { spans, counts: Arc::clone(counts) }
    }
}

impl SpanProcessor for CapturingProcessor {
    fn on_start(&self, _: &mut sdk::Span, _: &Context) {}

    // The processor around this one has checked that the span is sampled, and queued it.
    fn on_end(&self, span: SpanData) {
        self.counts.start(1);
        self.spans.push(Span::from_sdk(&span));
        self.counts.finish(1, None);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
