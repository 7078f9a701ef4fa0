//! What an exporter sends to a collector.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::span::{Span, attributes, text};

/// The bytes in front of a gRPC message: whether it is compressed, and its length.
const GRPC_PREFIX: usize = 5;

/// One decoded request of an exporter: its spans, log records or metric names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtlpPayload {
    /// The attributes of the resource.
    pub resource: BTreeMap<String, String>,
    /// The spans.
    pub spans: Vec<Span>,
    /// The log records.
    pub records: Vec<OtlpRecord>,
    /// The names of the metrics.
    pub metrics: BTreeSet<String>,
}

/// A log record, as a collector sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtlpRecord {
    /// The severity, such as `WARN`.
    pub severity: String,
    /// The message.
    pub message: String,
    /// The attributes, as text.
    pub attributes: BTreeMap<String, String>,
}

impl OtlpPayload {
    /// Decodes the body of a request to `path`, which is a path of OTLP over HTTP, such as
    /// `/v1/traces`, or of a gRPC method. `encoding` is the request's `Content-Encoding` or
    /// `Grpc-Encoding`.
    ///
    /// # Errors
    ///
    /// Returns a sentence that says what is malformed.
    pub fn decode(path: &str, encoding: Option<&str>, body: &[u8]) -> Result<Self, String> {
        let gzip = encoding.is_some_and(|encoding| encoding == "gzip");
        let (signal, message) = match path {
            "/v1/traces" | "/v1/logs" | "/v1/metrics" => (&path[4..], decompress(gzip, body)?),
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
                ("traces", grpc_message(gzip, body)?)
            }
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
                ("logs", grpc_message(gzip, body)?)
            }
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
                ("metrics", grpc_message(gzip, body)?)
            }
            _ => return Err(format!("`{path}` is no path of OTLP; send to `/v1/traces`")),
        };
        let malformed = |error: prost::DecodeError| format!("the {signal} are malformed: {error}");
        let mut payload = Self::default();
        match signal {
            "traces" => {
                let request = ExportTraceServiceRequest::decode(&*message).map_err(malformed)?;
                for part in &request.resource_spans {
                    payload.add_resource(part.resource.as_ref());
                    let spans = part.scope_spans.iter().flat_map(|scope| &scope.spans);
                    payload.spans.extend(spans.map(Span::from_proto));
                }
            }
            "logs" => {
                let request = ExportLogsServiceRequest::decode(&*message).map_err(malformed)?;
                for part in &request.resource_logs {
                    payload.add_resource(part.resource.as_ref());
                    let records = part.scope_logs.iter().flat_map(|scope| &scope.log_records);
                    payload.records.extend(records.map(OtlpRecord::from_proto));
                }
            }
            _ => {
                let request = ExportMetricsServiceRequest::decode(&*message).map_err(malformed)?;
                for part in &request.resource_metrics {
                    payload.add_resource(part.resource.as_ref());
                    let metrics = part.scope_metrics.iter().flat_map(|scope| &scope.metrics);
                    payload.metrics.extend(metrics.map(|metric| metric.name.clone()));
                }
            }
        }
        Ok(payload)
    }

    fn add_resource(&mut self, resource: Option<&Resource>) {
        self.resource
            .extend(resource.map(|found| attributes(&found.attributes)).unwrap_or_default());
    }
}

impl OtlpRecord {
    fn from_proto(record: &LogRecord) -> Self {
        Self {
            severity: record.severity_text.clone(),
            message: record.body.as_ref().map(text).unwrap_or_default(),
            attributes: attributes(&record.attributes),
        }
    }
}

fn grpc_message(gzip: bool, body: &[u8]) -> Result<Vec<u8>, String> {
    match body.split_at_checked(GRPC_PREFIX) {
        Some(([compressed, ..], message)) => decompress(gzip && *compressed == 1, message),
        _ => Err("a gRPC message has a prefix of five bytes".to_owned()),
    }
}

fn decompress(gzip: bool, body: &[u8]) -> Result<Vec<u8>, String> {
    if !gzip {
        return Ok(body.to_vec());
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(body).read_to_end(&mut plain);
    read.map(|_| plain).map_err(|error| format!("the body is not gzip: {error}"))
}
