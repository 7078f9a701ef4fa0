//! The processor and exporter of spans, bounded and counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use super::signal_counts::SignalCounts;
use super::size::{self, first_batch};

/// A processor that passes sampled spans to `inner` while its queue has room, with cut texts.
#[derive(Debug)]
pub(super) struct BoundedProcessor<P> {
    inner: P,
    /// The longest text of an attribute in bytes.
    value_length: usize,
    counts: Arc<SignalCounts>,
}

impl<P> BoundedProcessor<P> {
    pub(super) fn new(inner: P, value_length: usize, counts: Arc<SignalCounts>) -> Self {
        Self { inner, value_length, counts }
    }
}

impl<P: SpanProcessor> SpanProcessor for BoundedProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        if span.span_context.is_sampled() && self.counts.try_enqueue() {
            size::span::cut(&mut span, self.value_length);
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.counts.close(|| self.inner.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that counts the results of `inner`, and sends no more bytes at once than a collector
/// accepts.
#[derive(Debug)]
pub(super) struct CountingExporter<E> {
    inner: E,
    counts: Arc<SignalCounts>,
}

impl<E> CountingExporter<E> {
    pub(super) fn new(inner: E, counts: Arc<SignalCounts>) -> Self {
        Self { inner, counts }
    }
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut outcome = Ok(());
        let mut rest = batch;
        while !rest.is_empty() {
            let after = rest.split_off(first_batch(rest.iter().map(size::span::size)));
            let part = std::mem::replace(&mut rest, after);
            let spans = part.len();
            self.counts.start(spans);
            let result = self.inner.export(part).await;
            self.counts.finish(spans, result.as_ref().err().map(|error| error as _));
            outcome = outcome.and(result);
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
