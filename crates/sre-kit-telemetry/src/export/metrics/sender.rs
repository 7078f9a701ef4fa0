//! The transport of one push: gRPC or HTTP.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use prost::Message;
use tokio::runtime::Handle;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

use crate::export::{otlp, tls};
use crate::settings::otlp::OtlpSettings;
use sre_kit_core::ConfigError;

/// A connection to the collector.
pub(super) enum Sender {
    Grpc {
        client: Box<MetricsServiceClient<Channel>>,
        headers: HeaderMap,
        timeout: Duration,
        runtime: Handle,
    },
    Http {
        client: reqwest::blocking::Client,
        endpoint: String,
        headers: HeaderMap,
        gzip: bool,
    },
}

impl Sender {
    pub(super) fn new(
        otlp: &OtlpSettings,
        timeout: Duration,
        grpc: Option<&Handle>,
    ) -> Result<Self, ConfigError> {
        let headers = otlp.headers.iter().cloned().collect();
        let timeout = timeout.min(otlp.timeout);
        let Some(runtime) = grpc.filter(|_| otlp.is_grpc()) else {
            let (client, endpoint) = (otlp::client(otlp, timeout)?, otlp.endpoint.clone());
            return Ok(Self::Http { client, endpoint, headers, gzip: otlp.gzip });
        };
        let endpoint = Endpoint::from_shared(otlp.endpoint.clone())
            .map_err(|error| otlp::setup_error(otlp, &error))?
            .timeout(timeout)
            .connect_timeout(timeout);
        let endpoint = tls::channel(endpoint, otlp)?;
        let _entered = runtime.enter();
        let mut client = MetricsServiceClient::new(endpoint.connect_lazy());
        if otlp.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        Ok(Self::Grpc { client: Box::new(client), headers, timeout, runtime: runtime.clone() })
    }

    /// Sends one request and waits for the response.
    pub(super) fn send(&self, request: ExportMetricsServiceRequest) -> Result<(), String> {
        match self {
            Self::Grpc { client, headers, timeout, runtime } => {
                let mut client = (**client).clone();
                let mut request = tonic::Request::new(request);
                *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
                // Spawned and not blocked on, because the runtime may be shut down meanwhile.
                let (done, result) = std::sync::mpsc::sync_channel(1);
                runtime.spawn(async move {
                    let _ = done.send(client.export(request).await);
                });
                let answer = result.recv_timeout(*timeout).map_err(|error| error.to_string())?;
                answer
                    .map(drop)
                    .map_err(|status| format!("{}: {}", status.code(), status.message()))
            }
            Self::Http { client, endpoint, headers, gzip } => {
                let mut body = request.encode_to_vec();
                let mut call = client
                    .post(endpoint)
                    .headers(headers.clone())
                    .header("content-type", "application/x-protobuf");
                if *gzip {
                    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                    packed.write_all(&body).map_err(|error| error.to_string())?;
                    body = packed.finish().map_err(|error| error.to_string())?;
                    call = call.header("content-encoding", "gzip");
                }
                let response = call.body(body).send().map_err(|error| error.to_string())?;
                let status = response.status();
                if status.is_success() { Ok(()) } else { Err(format!("HTTP status {status}")) }
            }
        }
    }
}
