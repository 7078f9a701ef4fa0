//! The services that a server takes.

use http::{Request, Response};
use http_body::Body;
use tower::BoxError;
use tower_service::Service;

use super::RequestBody;

/// A tower service that answers HTTP requests, such as an `axum::Router`.
///
/// It is implemented for every `Service<Request<RequestBody>>` that is `Clone + Send + 'static` and
/// whose future, error and response body can be served, and for nothing else: it only gives that
/// list of bounds a name.
///
/// ```
/// use http_body_util::Full;
/// use sre_kit::server::{HttpService, RunningServer, Server};
///
/// fn start(listener: tokio::net::TcpListener, service: impl HttpService) -> RunningServer {
///     Server::builder().build().expect("the defaults are valid").start(listener, service)
/// }
/// # fn is_served<S: HttpService>(_: &S) {}
/// # is_served(&tower::service_fn(|_: http::Request<sre_kit::server::RequestBody>| async {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(bytes::Bytes::new())))
/// # }));
/// ```
pub trait HttpService:
    Service<
        Request<RequestBody>,
        Response = Response<Self::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    /// The body of the responses.
    type ResponseBody: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type ResponseBody = B;
}
