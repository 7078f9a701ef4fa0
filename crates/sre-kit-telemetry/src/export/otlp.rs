//! The exporters of spans and log records over OTLP.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use super::sender::{Call, Sender};
use super::signal_counts::SignalCounts;
use crate::settings::otlp::OtlpSettings;
use sre_kit_core::ConfigError;

/// An exporter of spans or log records. Its thread, which is that of the batch processor, blocks
/// until a batch is answered.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    sender: Sender,
    resource: ResourceAttributesWithSchema,
    counts: Arc<SignalCounts>,
}

/// A connection that becomes an exporter.
#[derive(Debug)]
pub(crate) struct OtlpConnection(Sender);

/// Sets up the connection of a signal.
pub(crate) fn connect(
    otlp: &OtlpSettings,
    grpc: Option<&Handle>,
) -> Result<OtlpConnection, ConfigError> {
    Sender::new(otlp, otlp.timeout, grpc).map(OtlpConnection)
}

impl OtlpConnection {
    /// Returns an exporter that counts what the collector rejects.
    pub(crate) fn exporter(self, counts: &Arc<SignalCounts>) -> OtlpExporter {
        let resource = ResourceAttributesWithSchema::default();
        OtlpExporter { sender: self.0, resource, counts: Arc::clone(counts) }
    }
}

impl OtlpExporter {
    fn send<C: Call>(&self, request: &C, items: usize) -> OTelSdkResult {
        self.sender.send(request, items, &self.counts).map_err(OTelSdkError::InternalFailure)
    }
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let items = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        self.send(&ExportTraceServiceRequest { resource_spans }, items)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl LogExporter for OtlpExporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let items = batch.iter().count();
        let resource_logs = group_logs_by_resource_and_scope(&batch, &self.resource);
        self.send(&ExportLogsServiceRequest { resource_logs }, items)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
