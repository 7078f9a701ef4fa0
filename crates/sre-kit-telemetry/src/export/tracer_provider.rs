//! The SDK's tracer provider, with decided ids, this crate's sampler and a bounded queue.

use std::sync::Arc;

use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanExporter, SpanProcessor,
};

use super::signal_counts::SignalCounts;
use super::spans::{BoundedProcessor, CountingExporter};
use crate::settings::Settings;
use crate::traces::decided::{DecidedIds, SdkSampler};

/// Creates a provider that exports through `exporter`.
pub(crate) fn provider(
    settings: &Settings,
    exporter: impl SpanExporter + 'static,
    counts: &Arc<SignalCounts>,
) -> SdkTracerProvider {
    let batch = settings.spans;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(batch.max_queue as usize)
        .with_max_export_batch_size(batch.max_batch as usize)
        .with_scheduled_delay(batch.delay)
        .build();
    let processor =
        BatchSpanProcessor::builder(CountingExporter::new(exporter, Arc::clone(counts)))
            .with_batch_config(config)
            .build();
    provider_of(settings, processor, counts)
}

/// Creates a provider that passes the spans that end to `processor`.
pub(crate) fn provider_of(
    settings: &Settings,
    processor: impl SpanProcessor + 'static,
    counts: &Arc<SignalCounts>,
) -> SdkTracerProvider {
    let limits = settings.span_limits;
    SdkTracerProvider::builder()
        .with_id_generator(DecidedIds::default())
        .with_sampler(SdkSampler(settings.sampler))
        .with_max_attributes_per_span(limits.attributes)
        .with_max_attributes_per_event(limits.event_attributes)
        .with_max_attributes_per_link(limits.link_attributes)
        .with_max_events_per_span(limits.events)
        .with_max_links_per_span(limits.links)
        .with_resource(settings.resource.to_sdk())
        .with_span_processor(BoundedProcessor::new(
            processor,
            limits.value_length,
            Arc::clone(counts),
        ))
        .build()
}
