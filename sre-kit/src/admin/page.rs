//! A page of the admin listener: its path, its method and its handler.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::BoxError;
use tower_service::Service;

use super::body::AdminBody;
use super::response::internal_error;
use sre_kit_core::internal::accept_weight;

/// The request that a page handles. Its body was read and is within its limit.
pub type AdminRequest = Request<Full<Bytes>>;

pub(super) type PageFuture = Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>;
type Handler = Arc<dyn Fn(AdminRequest) -> PageFuture + Send + Sync>;

/// A page of the admin listener.
///
/// ```
/// use http::Response;
/// use sre_kit::admin::{AdminBody, Page};
///
/// let motd = Page::get("/motd", "The message of the day.", |_| async {
///     Response::new(AdminBody::from("All is well.\n"))
/// });
/// let team = Page::get("/teams/{team}", "One team.", |request| async move {
///     Response::new(AdminBody::from(request.uri().path().to_owned()))
/// });
/// ```
#[derive(Clone)]
#[must_use = "a page is served by the admin listener that it is added to"]
pub struct Page {
    path: Cow<'static, str>,
    about: Cow<'static, str>,
    method: Method,
    listed: bool,
    public: bool,
    handler: Handler,
}

impl Page {
    /// Creates a page for `GET` and `HEAD`.
    ///
    /// `path` begins with a slash and may contain `{parameters}` and end with `{*rest}`, in the
    /// syntax of `matchit`. `about` is a short description for the list of pages.
    pub fn get<F, R>(
        path: impl Into<Cow<'static, str>>,
        about: impl Into<Cow<'static, str>>,
        handler: F,
    ) -> Self
    where
        F: Fn(AdminRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<AdminBody>> + Send + 'static,
    {
        Self::new(Method::GET, path.into(), about.into(), handler)
    }

    /// Creates a page for `POST`, which may change something. It takes requests from this machine,
    /// and requests with the token or a client certificate, see [who may ask](super#who-may-ask).
    /// It refuses those that a proxy forwarded or that the page of another site sent.
    pub fn post<F, R>(
        path: impl Into<Cow<'static, str>>,
        about: impl Into<Cow<'static, str>>,
        handler: F,
    ) -> Self
    where
        F: Fn(AdminRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<AdminBody>> + Send + 'static,
    {
        Self::new(Method::POST, path.into(), about.into(), handler)
    }

    /// Creates a page for `GET` and `HEAD` from a tower service, such as a router. The service gets
    /// the whole path.
    pub fn service<S, B>(
        path: impl Into<Cow<'static, str>>,
        about: impl Into<Cow<'static, str>>,
        service: S,
    ) -> Self
    where
        S: Service<AdminRequest, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::get(path, about, move |request| {
            let mut service = service.clone();
            async move {
                let called = match poll_fn(|cx| service.poll_ready(cx)).await {
                    Ok(()) => service.call(request),
                    Err(error) => return internal_error(&error.into()),
                };
                match called.await {
                    Ok(response) => response.map(AdminBody::new),
                    Err(error) => internal_error(&error.into()),
                }
            }
        })
    }

    /// Creates a page for `GET` and `HEAD` that is JSON for clients that prefer it
    /// (`Accept: application/json`), and plain text for the others.
    pub fn text_or_json(
        path: impl Into<Cow<'static, str>>,
        about: impl Into<Cow<'static, str>>,
        json: impl Fn() -> String + Send + Sync + 'static,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self::get(path, about, move |request| {
            let weight = |media_type| accept_weight(request.headers(), media_type);
            let (content_type, body) = if weight("application/json") > weight("text/plain") {
                ("application/json", json())
            } else {
                ("text/plain; charset=utf-8", text())
            };
            let mut response = Response::new(AdminBody::from(body));
            let content_type = HeaderValue::from_static(content_type);
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response.headers_mut().insert(http::header::VARY, HeaderValue::from_static("accept"));
            std::future::ready(response)
        })
    }

    /// Answers every client that can connect, without a token. By default only processes of this
    /// machine and clients with the token or a certificate see the page, see [who may
    /// ask](super#who-may-ask). Has no effect on a page for `POST`.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Removes the page from the list of pages.
    pub fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    /// Returns the path, with its parameters.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn new<F, R>(method: Method, path: Cow<'static, str>, about: Cow<'static, str>, f: F) -> Self
    where
        F: Fn(AdminRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<AdminBody>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(f(request)));
        Self { path, about, method, listed: true, public: false, handler }
    }

    pub(super) fn about(&self) -> &str {
        &self.about
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn is_public(&self) -> bool {
        self.public
    }

    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Returns whether the page has `method`. `GET` includes `HEAD`.
    pub(super) fn has_method(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }

    pub(super) fn respond(&self, request: AdminRequest) -> PageFuture {
        (self.handler)(request)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
