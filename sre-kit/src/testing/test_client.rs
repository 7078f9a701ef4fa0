//! A client without a connection.

use std::fmt;
use std::future::poll_fn;

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::BoxError;
use tower_service::Service;

use super::call_context::CallContext;
use super::test_response::TestResponse;

/// Calls a service directly, without a connection, and reads each response to its end.
///
/// Get one from [`TestKit::client`](super::TestKit::client). Clones call clones of the service.
#[derive(Clone)]
pub struct TestClient<S> {
    pub(super) service: S,
    pub(super) context: CallContext,
}

impl<S, B> TestClient<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    /// Sends a GET request. `target` is a path, with a query if there is one.
    ///
    /// # Panics
    ///
    /// Panics if `target` is no valid URI, or if the service or its body returns an error.
    pub async fn get(&self, target: &str) -> TestResponse {
        self.request(http::Method::GET, target, Bytes::new()).await
    }

    /// Sends a POST request with a body.
    ///
    /// # Panics
    ///
    /// Panics like [`get`](Self::get).
    pub async fn post(&self, target: &str, body: impl Into<Bytes>) -> TestResponse {
        self.request(http::Method::POST, target, body.into()).await
    }

    /// Sends `request` and reads the response to its end.
    ///
    /// Dropping the future aborts the request, as a client does that disconnects.
    ///
    /// # Errors
    ///
    /// Returns the error of the service, or of its response body.
    pub async fn send(&self, request: Request<impl Into<Bytes>>) -> Result<TestResponse, BoxError> {
        let request = request.map(|body| Full::new(body.into()));
        self.context
            .run(async {
                let mut service = self.service.clone();
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                let response = service.call(request).await.map_err(Into::into)?;
                let (head, body) = response.into_parts();
                let collected = body.collect().await.map_err(Into::into)?;
                let trailers = collected.trailers().cloned().unwrap_or_else(HeaderMap::new);
                Ok(TestResponse {
                    status: head.status,
                    headers: head.headers,
                    trailers,
                    body: collected.to_bytes(),
                })
            })
            .await
    }

    async fn request(&self, method: http::Method, target: &str, body: Bytes) -> TestResponse {
        let request = Request::builder().method(&method).uri(target).body(body);
        let request = match request {
            Ok(request) => request,
            Err(error) => panic!("`{target}` is no path of a request: {error}"),
        };
        match self.send(request).await {
            Ok(response) => response,
            Err(error) => panic!(
                "expected a response to {method} {target}, but the service returned an error: \
                 {error}. Use `send` to test for an error."
            ),
        }
    }
}

impl<S> fmt::Debug for TestClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}
