//! The way of a log record from its event to the collector.

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

use super::counts::Counts;
use crate::settings::Settings;
use crate::traces;

/// A provider that exports through `exporter`.
pub(crate) fn provider(
    settings: &Settings,
    exporter: impl LogExporter + 'static,
    counts: &Arc<Counts>,
) -> SdkLoggerProvider {
    let batch = settings.records;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(batch.queue as usize)
        .with_max_export_batch_size(batch.most as usize)
        .with_scheduled_delay(batch.delay)
        .build();
    let counted = Counted { inner: exporter, counts: Arc::clone(counts) };
    let processor = BatchLogProcessor::builder(counted).with_batch_config(config).build();
    SdkLoggerProvider::builder()
        .with_resource(traces::provider::sdk_resource(&settings.resource))
        .with_log_processor(Bounded { inner: processor, counts: Arc::clone(counts) })
        .build()
}

/// Lets records through to `inner` while there is room, each with the trace of the
/// work that it came from.
#[derive(Debug)]
struct Bounded<P> {
    inner: P,
    counts: Arc<Counts>,
}

impl<P: LogProcessor> LogProcessor for Bounded<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if !self.counts.accept() {
            return;
        }
        // The SDK knows the traces that are sampled; we know the others as well.
        if let Some(trace) = traces::innermost() {
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

/// Counts what `inner` delivers.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    counts: Arc<Counts>,
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records = batch.iter().count();
        self.counts.taken(records);
        let result = self.inner.export(batch).await;
        self.counts.settled(records, result.as_ref().err().map(|error| error as _));
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
