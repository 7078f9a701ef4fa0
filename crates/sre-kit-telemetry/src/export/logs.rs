//! The processor and exporter of log records, bounded and counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{LogRecord, LoggerProvider, Severity};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, LogProcessor, SdkLogRecord,
    SdkLogger, SdkLoggerProvider,
};

use super::signal_counts::SignalCounts;
use super::size::{self, first_batch};
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
        .with_log_processor(BoundedProcessor {
            inner: processor,
            value_length: settings.record_value_length,
            blank: blank_logger(),
            counts: Arc::clone(counts),
        })
        .build()
}

/// Returns a logger that only creates records: the SDK has no other way to create one.
fn blank_logger() -> SdkLogger {
    let resource = Resource::builder_empty().build();
    SdkLoggerProvider::builder().with_resource(resource).build().logger("")
}

/// A processor that passes records to `inner` while its queue has room, each with the ids of the
/// active span and with cut texts.
#[derive(Debug)]
struct BoundedProcessor<P> {
    inner: P,
    /// The longest text of an attribute in bytes.
    value_length: usize,
    blank: SdkLogger,
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
        if record.event_name().is_some_and(is_source_location) {
            // An empty name is the same as none in OTLP, and the SDK cannot remove a name.
            record.set_event_name("");
        }
        size::record::cut(record, self.value_length, &self.blank);
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

/// Returns whether a name is the one that `tracing` gives to an event without a name: `event
/// src/main.rs:7`. A record with a name is an event to OpenTelemetry, and this one has a path of
/// the machine that built the program.
fn is_source_location(name: &str) -> bool {
    let place = name.strip_prefix("event ").and_then(|place| place.rsplit_once(".rs:"));
    place.is_some_and(|(_, line)| line.parse::<u32>().is_ok())
}

/// An exporter that counts the results of `inner`, and sends no more bytes at once than a collector
/// accepts.
#[derive(Debug)]
struct CountingExporter<E> {
    inner: E,
    counts: Arc<SignalCounts>,
}

impl<E: LogExporter> LogExporter for CountingExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let all: Vec<_> = batch.iter().collect();
        let mut rest = all.as_slice();
        let mut outcome = Ok(());
        while !rest.is_empty() {
            let sizes = rest.iter().map(|(record, _)| size::record::size(record));
            let (part, after) = rest.split_at(first_batch(sizes));
            rest = after;
            self.counts.start(part.len());
            let result = self.inner.export(LogBatch::new(part)).await;
            self.counts.finish(part.len(), result.as_ref().err().map(|error| error as _));
            outcome = outcome.and(result);
        }
        outcome
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::InstrumentationScope;
    use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
    use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
    use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
    use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord};
    use tracing_subscriber::layer::SubscriberExt;

    use super::{SignalCounts, provider, size};
    use crate::settings::Settings;
    use crate::vars::Vars;

    /// Keeps each batch, and fails the first one.
    #[derive(Clone, Debug, Default)]
    struct Batches(Arc<Mutex<Vec<Vec<SdkLogRecord>>>>);

    impl LogExporter for Batches {
        async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
            let records = batch.iter().map(|(record, _)| record.clone()).collect();
            let mut batches = self.0.lock().expect("free");
            batches.push(records);
            match batches.len() {
                1 => Err(OTelSdkError::InternalFailure("too large".to_owned())),
                _ => Ok(()),
            }
        }
    }

    fn export(set: &[(&str, &str)], records: usize, text: &str) -> Vec<Vec<SdkLogRecord>> {
        let lookup = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::from_vars(&Vars::new(&lookup)).expect("valid");
        let counts = Arc::new(SignalCounts::new("logs", 2048));
        let batches = Batches::default();
        let provider = provider(&settings, batches.clone(), &counts);
        let logger = provider.logger_with_scope(InstrumentationScope::builder("test").build());
        for _ in 0..records {
            let mut record = logger.create_log_record();
            record.set_target("shop::pay");
            record.set_severity_number(Severity::Warn);
            record.set_severity_text("WARN");
            record.set_body(text.to_owned().into());
            record.add_attribute("path", text.to_owned());
            record.add_attribute("bytes", AnyValue::Bytes(Box::new(text.into())));
            record.add_attribute("list", AnyValue::from_iter([text.to_owned()]));
            record.add_attribute("number", 7);
            logger.emit(record);
        }
        let _ = provider.shutdown();
        let batches = batches.0.lock().expect("free");
        batches.clone()
    }

    #[test]
    fn texts_are_cut_and_the_rest_of_a_record_is_kept() {
        let batches = export(&[], 1, &"ü".repeat(30_000));
        let record = &batches[0][0];
        assert_eq!(record.body(), Some(&"ü".repeat(8_192).into()));
        let attributes: Vec<_> = record.attributes_iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(attributes[0], AnyValue::from("ü".repeat(2_048)));
        assert!(matches!(&attributes[1], AnyValue::Bytes(bytes) if bytes.len() == 4_096));
        assert_eq!(attributes[2], AnyValue::from_iter(["ü".repeat(2_048)]));
        assert_eq!(attributes[3], AnyValue::Int(7));
        assert_eq!(record.target().map(|target| &**target), Some("shop::pay"));
        assert_eq!(record.severity_text(), Some("WARN"));
        assert_eq!(record.severity_number(), Some(Severity::Warn));
        assert!(record.observed_timestamp().is_some());
    }

    #[test]
    fn only_a_name_that_the_caller_chose_makes_a_record_an_event() {
        let settings = Settings::from_vars(&Vars::new(&|_| None)).expect("valid");
        let batches = Batches::default();
        let counts = Arc::new(SignalCounts::new("logs", 2048));
        let provider = provider(&settings, batches.clone(), &counts);
        let appender = OpenTelemetryTracingBridge::new(&provider);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(appender), || {
            tracing::info!("a line");
            tracing::info!(name: "order.paid", "an event");
            tracing::info!(name: "event of 12:30", "a name with a space and a number");
        });
        let _ = provider.shutdown();
        let batches = batches.0.lock().expect("free");
        let names: Vec<_> = batches.concat().iter().map(SdkLogRecord::event_name).collect();
        assert_eq!(names, [Some(""), Some("order.paid"), Some("event of 12:30")]);
    }

    #[test]
    fn a_batch_of_records_is_split_by_bytes_and_a_refused_part_loses_no_other() {
        let whole = [
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "70000"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "600000"),
        ];
        let batches = export(&whole, 100, &"x".repeat(60_000));
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 100);
        assert!(batches.len() > 1, "more than 4 MiB in one batch");
        for batch in &batches {
            let bytes: usize = batch.iter().map(size::record::size).sum();
            assert!(bytes < 4 * 1024 * 1024, "{bytes}");
        }
    }
}
