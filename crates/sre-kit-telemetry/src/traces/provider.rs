//! The SDK's tracer, with our ids, our sampler and our bounds.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanExporter,
};

use super::ids::{Ids, SdkSampler};
use crate::export::counts::Counts;
use crate::export::spans::{Bounded, Counted};
use crate::resource::Resource;
use crate::settings::Settings;

/// The attributes as the SDK wants them, without detectors of its own.
pub(crate) fn sdk_resource(resource: &Resource) -> opentelemetry_sdk::Resource {
    let attributes =
        resource.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    opentelemetry_sdk::Resource::builder_empty().with_attributes(attributes).build()
}

/// A provider that exports through `exporter`.
pub(crate) fn provider(
    settings: &Settings,
    exporter: impl SpanExporter + 'static,
    counts: &Arc<Counts>,
) -> SdkTracerProvider {
    let batch = settings.spans;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(batch.queue as usize)
        .with_max_export_batch_size(batch.most as usize)
        .with_scheduled_delay(batch.delay)
        .build();
    let processor = BatchSpanProcessor::builder(Counted::new(exporter, Arc::clone(counts)))
        .with_batch_config(config)
        .build();
    let limits = settings.span_limits;
    SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_sampler(SdkSampler(settings.sampler))
        .with_max_attributes_per_span(limits.attributes)
        .with_max_events_per_span(limits.events)
        .with_max_links_per_span(limits.links)
        .with_resource(sdk_resource(&settings.resource))
        .with_span_processor(Bounded::new(processor, Arc::clone(counts)))
        .build()
}
