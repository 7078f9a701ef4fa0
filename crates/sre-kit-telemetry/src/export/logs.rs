//! The processor and exporter of log records, bounded and counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{LogRecord, Severity};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, LogProcessor, SdkLogRecord,
    SdkLoggerProvider,
};

use super::signal_counts::SignalCounts;
use crate::settings::Settings;
use crate::traces;

/// Creates a provider that exports through `exporter`.
pub(crate) fn provider(
    settings: &Settings,
    exporter: impl LogExporter + 'static,
    counts: &Arc<SignalCounts>,
) -> SdkLoggerProvider {
    let batch = settings.records;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(batch.max_queue as usize)
        .with_max_export_batch_size(batch.max_batch as usize)
        .with_scheduled_delay(batch.delay)
        .build();
    let counted = CountingExporter { inner: exporter, counts: Arc::clone(counts) };
    let processor = BatchLogProcessor::builder(counted).with_batch_config(config).build();
    SdkLoggerProvider::builder()
        .with_resource(settings.resource.to_sdk())
        .with_log_processor(BoundedProcessor { inner: processor, counts: Arc::clone(counts) })
        .build()
}

/// A processor that passes records to `inner` while its queue has room, each with the ids of the
/// active span.
#[derive(Debug)]
struct BoundedProcessor<P> {
    inner: P,
    counts: Arc<SignalCounts>,
}

impl<P: LogProcessor> LogProcessor for BoundedProcessor<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if !self.counts.try_enqueue() {
            return;
        }
        // The SDK sets the ids of sampled traces only.
        if let Some(trace) = traces::active_span() {
            record.set_trace_context(
                TraceId::from(trace.trace_id().to_u128()),
                SpanId::from(trace.span_id().to_u64()),
                Some(TraceFlags::default().with_sampled(trace.is_sampled())),
            );
        }
        self.inner.emit(record, scope);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.counts.close(|| self.inner.shutdown_with_timeout(timeout))
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that counts the results of `inner`.
#[derive(Debug)]
struct CountingExporter<E> {
    inner: E,
    counts: Arc<SignalCounts>,
}

impl<E: LogExporter> LogExporter for CountingExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records = batch.iter().count();
        self.counts.start(records);
        let result = self.inner.export(batch).await;
        self.counts.finish(records, result.as_ref().err().map(|error| error as _));
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
