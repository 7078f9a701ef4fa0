//! The requests of the three signals.

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// A request of one signal, with its method of gRPC and its response.
pub(in crate::export) trait Call: Message + Clone + 'static {
    type Reply: Message + Default + 'static;

    /// Sends the request by gRPC.
    fn call(
        channel: Channel,
        gzip: bool,
        request: Request<Self>,
    ) -> impl Future<Output = Result<Response<Self::Reply>, Status>> + Send;

    /// Returns how many items the collector rejected, and its message.
    fn rejected(reply: Self::Reply) -> Option<(i64, String)>;
}

macro_rules! call {
    ($request:ty, $reply:ty, $client:ident, $rejected:ident) => {
        impl Call for $request {
            type Reply = $reply;

            async fn call(
                channel: Channel,
                gzip: bool,
                request: Request<Self>,
            ) -> Result<Response<$reply>, Status> {
                let mut client = $client::new(channel);
                if gzip {
                    client = client.send_compressed(CompressionEncoding::Gzip);
                }
                client.export(request).await
            }

            fn rejected(reply: $reply) -> Option<(i64, String)> {
                reply.partial_success.map(|partial| (partial.$rejected, partial.error_message))
            }
        }
    };
}

call!(ExportTraceServiceRequest, ExportTraceServiceResponse, TraceServiceClient, rejected_spans);
call!(ExportLogsServiceRequest, ExportLogsServiceResponse, LogsServiceClient, rejected_log_records);
call!(
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    MetricsServiceClient,
    rejected_data_points
);
