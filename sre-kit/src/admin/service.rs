//! The admin pages as a tower service.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderName, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tower::BoxError;
use tower_service::Service;

use super::access::{self, Access, Refusal};
use super::body::AdminBody;
use super::future::AdminFuture;
use super::listen::ListenAddress;
use super::page_router::PageRouter;
use super::response;

/// The admin pages as a tower `Service`, for a listener or any router.
///
/// A response to `HEAD`, or with the status 204 or 304, has no body on either protocol. (Hyper
/// would send one over HTTP/2, which clients treat as an error.)
#[derive(Clone, Debug)]
pub struct AdminService {
    pages: Arc<PageRouter>,
    access: Arc<Access>,
    /// Whether the listener takes requests for loopback hosts only.
    loopback_only: bool,
}

impl AdminService {
    pub(super) fn new(pages: Arc<PageRouter>, access: Arc<Access>) -> Self {
        Self { pages, access, loopback_only: false }
    }

    /// Returns the service for a listener that is bound to `address`.
    pub(super) fn bound_to(mut self, address: &ListenAddress) -> Self {
        // On a Unix socket the host is arbitrary, and no browser can connect.
        self.loopback_only = matches!(address, ListenAddress::Tcp(_)) && address.is_loopback();
        self
    }
}

impl<B> Service<Request<B>> for AdminService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<AdminBody>;
    type Error = Infallible;
    type Future = AdminFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> AdminFuture {
        let (pages, access) = (Arc::clone(&self.pages), Arc::clone(&self.access));
        let loopback_only = self.loopback_only;
        let head = request.method() == Method::HEAD;
        AdminFuture::new(async move {
            let (parts, body) = request.into_parts();
            if loopback_only && let Some(Refusal { status, text }) = access::misdirected(&parts) {
                return finish(response::text(status, text), head);
            }
            let responding = pages.respond(parts, body, &access);
            let result = AssertUnwindSafe(responding).catch_unwind().await;
            let response = result.unwrap_or_else(|_| {
                response::text(StatusCode::INTERNAL_SERVER_ERROR, "the page panicked\n")
            });
            finish(response, head)
        })
    }
}

/// Sets the default headers, and removes the body where there must be none.
fn finish(mut response: Response<AdminBody>, head: bool) -> Response<AdminBody> {
    set_default(response.headers_mut(), CACHE_CONTROL, "no-store");
    set_default(response.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(response.headers_mut(), CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
    let status_without_body =
        matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if head
        && !status_without_body
        && let Some(length) = response.body().size_hint().exact().filter(|&length| length > 0)
    {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    if head || status_without_body {
        *response.body_mut() = AdminBody::empty();
    }
    response
}

/// The pages are not for other sites: a browser does not hand them to these.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert_with(|| HeaderValue::from_static(value));
}
