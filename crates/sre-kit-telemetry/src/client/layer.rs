use tower_layer::Layer;

use super::HttpClient;
use super::service::HttpClientService;

/// Wraps services that send requests. See [`HttpClient`].
#[derive(Clone, Debug)]
pub struct HttpClientLayer {
    client: HttpClient,
}

impl HttpClientLayer {
    pub(super) fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl<S> Layer<S> for HttpClientLayer {
    type Service = HttpClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpClientService::new(inner, self.client.clone())
    }
}
