//! The service of [`HttpClient`].

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::call::Call;
use super::future::HttpClientFuture;
use super::http_client::HttpClient;

/// A service that records the requests it sends. See [`HttpClient`].
#[derive(Clone, Debug)]
pub struct HttpClientService<S> {
    inner: S,
    client: HttpClient,
}

impl<S> HttpClientService<S> {
    pub(super) fn new(inner: S, client: HttpClient) -> Self {
        Self { inner, client }
    }
}

impl<S, B, C> Service<Request<B>> for HttpClientService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = HttpClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let call = Call::start(&self.client, &mut request);
        HttpClientFuture { inner: self.inner.call(request), call: Some(call) }
    }
}
