//! One outbound call, from its start to its end.

use std::time::Instant;

use http::{Request, StatusCode, Uri};

use super::http_client::HttpClient;
use crate::traces::client::{ClientRequest, ClientSpan};
use sre_kit_core::internal::method_name;
use sre_kit_metrics::internal::HistogramFamilyInternals as _;

/// A call in flight. Dropping it without [`end`](Self::end) records it as canceled.
pub(super) struct Call {
    client: HttpClient,
    method: &'static str,
    address: String,
    port: String,
    started: Instant,
    trace: Option<ClientSpan>,
    ended: bool,
}

impl Call {
    pub(super) fn start<B>(client: &HttpClient, request: &mut Request<B>) -> Self {
        let method = method_name(request.method());
        let (address, port) = server_address(request.uri());
        let outgoing = ClientRequest {
            method,
            original: request.method().clone(),
            uri: request.uri().clone(),
            address: &address,
            port,
        };
        let trace = client.inner.traces.start(&outgoing, request.headers_mut());
        let port = port.map_or_else(String::new, |port| port.to_string());
        let (client, started, ended) = (client.clone(), Instant::now(), false);
        Self { client, method, address, port, started, trace, ended }
    }

    /// Records the result: a response with `status`, or an error without a response.
    pub(super) fn end(mut self, status: Option<StatusCode>) {
        self.finish(status, "client_error");
    }

    fn finish(&mut self, status: Option<StatusCode>, error_without_response: &'static str) {
        self.ended = true;
        let code = status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        let error = match status {
            None => error_without_response,
            Some(status) if status.as_u16() >= 400 => &code,
            Some(_) => "",
        };
        let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let link = self.trace.as_ref().map(ClientSpan::link);
        let labels = [self.method, &self.address, &self.port, &code, error];
        self.client.inner.durations.observe_linked(&labels, nanos, link);
        if let Some(trace) = self.trace.take() {
            // A canceled call is not an error of the span.
            trace.end(status, error, error != "canceled");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(None, "canceled");
        }
    }
}

/// Returns the host and the port, which defaults to that of the scheme.
fn server_address(uri: &Uri) -> (String, Option<u16>) {
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    });
    (uri.host().unwrap_or_default().to_owned(), port)
}
