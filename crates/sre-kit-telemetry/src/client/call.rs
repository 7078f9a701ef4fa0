//! One call, from its start to its one end.

use std::time::Instant;

use http::{Request, StatusCode, Uri};

use super::HttpClient;
use crate::traces::client::{ClientTrace, Outgoing};
use sre_kit_core::internal::method_name;
use sre_kit_metrics::internal::HistogramFamilyInternals as _;

/// A call that has started. Dropping it is its end: whoever waited has given up.
pub(super) struct Call {
    client: HttpClient,
    method: &'static str,
    address: String,
    port: String,
    started: Instant,
    trace: Option<ClientTrace>,
    ended: bool,
}

impl Call {
    pub(super) fn start<B>(client: &HttpClient, request: &mut Request<B>) -> Self {
        let method = method_name(request.method());
        let (address, port) = server(request.uri());
        let outgoing = Outgoing {
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

    /// There is a response, or there is none.
    pub(super) fn end(mut self, status: Option<StatusCode>) {
        self.finish(status, "client_error");
    }

    fn finish(&mut self, status: Option<StatusCode>, without: &'static str) {
        self.ended = true;
        let code = status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        let error = match status {
            None => without,
            Some(status) if status.as_u16() >= 400 => &code,
            Some(_) => "",
        };
        let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let link = self.trace.as_ref().map(ClientTrace::link);
        let labels = [self.method, &self.address, &self.port, &code, error];
        self.client.inner.durations.observe_linked(&labels, nanos, link);
        if let Some(trace) = self.trace.take() {
            // Who gave up waiting has not met an error.
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

fn server(uri: &Uri) -> (String, Option<u16>) {
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    });
    (uri.host().unwrap_or_default().to_owned(), port)
}
