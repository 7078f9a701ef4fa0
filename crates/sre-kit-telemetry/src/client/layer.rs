//! The layer of [`HttpClient`].

use tower_layer::Layer;

use super::http_client::HttpClient;
use super::service::HttpClientService;

/// A layer that wraps services that send requests. See [`HttpClient`].
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct HttpClientLayer {
    client: HttpClient,
}

impl HttpClient {
    /// Returns a layer for any `Service<http::Request<B>>` that sends requests.
    pub fn layer(&self) -> HttpClientLayer {
        HttpClientLayer { client: self.clone() }
    }
}

impl<S> Layer<S> for HttpClientLayer {
    type Service = HttpClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpClientService::new(inner, self.client.clone())
    }
}
