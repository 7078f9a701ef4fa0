//! OTLP exporters, set up from checked settings instead of from the environment.

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{
    Compression, LogExporter, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};

use crate::settings::otlp::OtlpSettings;
use crate::settings::protocol::Protocol;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::with_causes;

/// Creates the exporter of spans.
pub(crate) fn spans(otlp: &OtlpSettings) -> Result<SpanExporter, ConfigError> {
    let builder = SpanExporter::builder();
    match otlp.protocol {
        Protocol::Grpc => grpc(builder.with_tonic(), otlp)?.build(),
        Protocol::HttpProtobuf => http(builder.with_http(), otlp)?.build(),
    }
    .map_err(|error| setup_error(otlp, &error))
}

/// Creates the exporter of log records.
pub(crate) fn logs(otlp: &OtlpSettings) -> Result<LogExporter, ConfigError> {
    let builder = LogExporter::builder();
    match otlp.protocol {
        Protocol::Grpc => grpc(builder.with_tonic(), otlp)?.build(),
        Protocol::HttpProtobuf => http(builder.with_http(), otlp)?.build(),
    }
    .map_err(|error| setup_error(otlp, &error))
}

/// Returns the error of an exporter that could not be set up.
pub(super) fn setup_error(otlp: &OtlpSettings, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::new(
        "otlp exporter",
        &otlp.endpoint,
        format!("it could not be set up: {error}"),
        "correct the endpoint or its TLS files",
    )
}

fn grpc<B: WithExportConfig + WithTonicConfig>(
    builder: B,
    otlp: &OtlpSettings,
) -> Result<B, ConfigError> {
    let headers: http::HeaderMap = otlp.headers.iter().cloned().collect();
    let mut builder = builder
        .with_endpoint(&otlp.endpoint)
        .with_timeout(otlp.timeout)
        .with_metadata(MetadataMap::from_headers(headers));
    if otlp.gzip {
        builder = builder.with_compression(Compression::Gzip);
    }
    super::tls::grpc(builder, otlp)
}

fn http<B: WithExportConfig + WithHttpConfig>(
    builder: B,
    otlp: &OtlpSettings,
) -> Result<B, ConfigError> {
    let headers: HashMap<_, _> = otlp
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut builder = builder
        .with_endpoint(&otlp.endpoint)
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_timeout(otlp.timeout)
        .with_headers(headers);
    if otlp.gzip {
        builder = builder.with_compression(Compression::Gzip);
    }
    Ok(builder.with_http_client(client(otlp, otlp.timeout)?))
}

/// Creates an HTTP client that trusts the configured authority in addition to the system's.
///
/// It is created on a separate thread: the blocking client starts a runtime, which panics on a
/// thread of another runtime.
pub(super) fn client(
    otlp: &OtlpSettings,
    timeout: Duration,
) -> Result<reqwest::blocking::Client, ConfigError> {
    let builder = reqwest::blocking::Client::builder().timeout(timeout);
    let builder = super::tls::http(builder, otlp)?;
    std::thread::spawn(move || builder.build())
        .join()
        .map_err(|_| setup_error(otlp, &"the client could not be started"))?
        .map_err(|error| setup_error(otlp, &with_causes(&error)))
}
