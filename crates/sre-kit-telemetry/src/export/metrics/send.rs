//! One push, over gRPC or HTTP.

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

use crate::export::otlp;
use crate::settings::otlp::Otlp;
use sre_kit_core::ConfigError;

/// Where pushes go.
pub(super) enum Sender {
    Grpc {
        client: Box<MetricsServiceClient<Channel>>,
        headers: HeaderMap,
        timeout: Duration,
        worker: Handle,
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
        otlp: &Otlp,
        timeout: Duration,
        worker: Option<&Handle>,
    ) -> Result<Self, ConfigError> {
        let headers = otlp.headers.iter().cloned().collect();
        let timeout = timeout.min(otlp.timeout);
        let Some(worker) = worker.filter(|_| otlp.is_grpc()) else {
            let (client, endpoint) = (otlp::client(otlp, timeout)?, otlp.endpoint.clone());
            return Ok(Self::Http { client, endpoint, headers, gzip: otlp.gzip });
        };
        let mut endpoint = Endpoint::from_shared(otlp.endpoint.clone())
            .map_err(|error| otlp::refused(otlp, &error))?
            .timeout(timeout)
            .connect_timeout(timeout);
        if let Some(tls) = otlp::tls(otlp)? {
            endpoint = endpoint.tls_config(tls).map_err(|error| otlp::refused(otlp, &error))?;
        }
        let _entered = worker.enter();
        let mut client = MetricsServiceClient::new(endpoint.connect_lazy());
        if otlp.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        Ok(Self::Grpc { client: Box::new(client), headers, timeout, worker: worker.clone() })
    }

    /// Sends it once. What went wrong, otherwise.
    pub(super) fn send(&self, request: ExportMetricsServiceRequest) -> Result<(), String> {
        match self {
            Self::Grpc { client, headers, timeout, worker } => {
                let mut client = (**client).clone();
                let mut request = tonic::Request::new(request);
                *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
                // On the worker, since the runtime may go away while this waits.
                let (done, result) = std::sync::mpsc::sync_channel(1);
                worker.spawn(async move {
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
