//! One page: a path, what it is for, which methods it knows, and who answers.

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
use sre_kit_core::internal::accept_weight as weight;

/// What a page is asked: the body is read already, and within its bound.
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
pub struct Page {
    path: Cow<'static, str>,
    about: Cow<'static, str>,
    method: Method,
    listed: bool,
    handler: Handler,
}

impl Page {
    /// A page that is read: `GET`, and `HEAD` with it.
    ///
    /// `path` begins with a slash and may hold `{parameters}` and a last
    /// `{*rest}`, as `matchit` writes them. `about` is a few words for the list
    /// of pages.
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

    /// A page that changes something.
    ///
    /// It answers only to requests of this machine: the peer is a loopback
    /// address, the request was not forwarded, and it does not come from a page
    /// of another site in a browser that runs here (its `Host` is a loopback name,
    /// and its `Origin`, if it has one, is the same).
    /// Others get 403. On a router that does not tell the peer's address by
    /// [`ConnectionInfo`](crate::server::ConnectionInfo) nobody passes.
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

    /// A tower service that is read: a router, or what a part of the kit offers.
    /// It is given the whole path.
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
                    Err(error) => return super::answer::failed(&error.into()),
                };
                match called.await {
                    Ok(response) => response.map(AdminBody::new),
                    Err(error) => super::answer::failed(&error.into()),
                }
            }
        })
    }

    /// A page that is JSON for who asks for it (`Accept: application/json`) and a
    /// plain text for everybody else.
    pub fn text_or_json(
        path: impl Into<Cow<'static, str>>,
        about: impl Into<Cow<'static, str>>,
        json: impl Fn() -> String + Send + Sync + 'static,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self::get(path, about, move |request| {
            let weight = |media_type| weight(request.headers(), media_type);
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

    /// Keeps the page out of the list of pages.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    /// The path, with its parameters.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn new<F, R>(method: Method, path: Cow<'static, str>, about: Cow<'static, str>, f: F) -> Self
    where
        F: Fn(AdminRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Response<AdminBody>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(f(request)));
        Self { path, about, method, listed: true, handler }
    }

    pub(super) fn about(&self) -> &str {
        &self.about
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether the page answers to `method`. `HEAD` comes with `GET`.
    pub(super) fn knows(&self, method: &Method) -> bool {
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
