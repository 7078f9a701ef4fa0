//! From a request to its page, and the rules that hold for all of them.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use matchit::Router;
use tower::BoxError;
use tower_service::Service;

use super::body::AdminBody;
use super::page::Page;
use super::{answer, guard, pages};
use crate::ConfigError;

/// Longest request target.
const MAX_TARGET: usize = 8 * 1024;

/// Largest request body.
const MAX_BODY: usize = 64 * 1024;

/// Time for a request body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// All pages, and where each path leads.
pub(super) struct Pages {
    pages: Vec<Page>,
    /// Indices of the pages that share a path.
    routes: Router<Vec<usize>>,
}

impl Pages {
    pub(super) fn new(pages: Vec<Page>) -> Result<Self, ConfigError> {
        let mut by_path: Vec<(&str, Vec<usize>)> = Vec::new();
        for (i, page) in pages.iter().enumerate() {
            match by_path.iter_mut().find(|(path, _)| *path == page.path()) {
                Some((_, same)) if same.iter().any(|&j| pages[j].method() == page.method()) => {
                    return Err(ConfigError::new(
                        "admin.page",
                        page.path(),
                        "another page has that path and method",
                        "give one of them another path",
                    ));
                }
                Some((_, same)) => same.push(i),
                None => by_path.push((page.path(), vec![i])),
            }
        }
        let mut routes = Router::new();
        for (path, indices) in by_path {
            let refused = if path.starts_with('/') {
                routes.insert(path, indices).err().map(|error| error.to_string())
            } else {
                Some("a path begins with a slash".to_owned())
            };
            if let Some(rule) = refused {
                let advice = "write it like \"/queues/{name}\"";
                return Err(ConfigError::new("admin.page", path, rule, advice));
            }
        }
        Ok(Self { pages, routes })
    }

    fn at(&self, path: &str) -> Option<&[usize]> {
        // Probes are configured by hand, with and without a slash at the end.
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        self.routes.at(path).ok().map(|found| found.value.as_slice())
    }

    async fn answer<B>(&self, request: Request<B>) -> Response<AdminBody>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > MAX_TARGET {
            return closing(head.version, StatusCode::URI_TOO_LONG, "at most 8 KiB of target\n");
        }
        let Some(found) = self.at(head.uri.path()) else {
            let list = pages::list(self.pages.iter());
            let words = format!("There is no such page. These exist:\n\n{list}");
            return answer::text(StatusCode::NOT_FOUND, words);
        };
        let Some(page) = found.iter().map(|&i| &self.pages[i]).find(|p| p.knows(&head.method))
        else {
            return self.other_method(found, &head.method);
        };
        if *page.method() != Method::GET
            && let Some(reason) = guard::refuse(&head)
        {
            return answer::text(StatusCode::FORBIDDEN, reason);
        }
        let body = match read(&head, page, body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        page.respond(Request::from_parts(head, Full::new(body))).await
    }

    /// `OPTIONS`, and what the path does not know.
    fn other_method(&self, found: &[usize], method: &Method) -> Response<AdminBody> {
        let mut response = if method == Method::OPTIONS {
            let mut response = Response::new(AdminBody::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        } else {
            answer::text(StatusCode::METHOD_NOT_ALLOWED, "the page does not know this method\n")
        };
        let mut allow = String::new();
        for &i in found {
            let method = self.pages[i].method();
            let with_head = if *method == Method::GET { "GET, HEAD" } else { method.as_str() };
            allow.push_str(with_head);
            allow.push_str(", ");
        }
        allow.push_str("OPTIONS");
        if let Ok(allow) = HeaderValue::from_str(&allow) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.pages).finish()
    }
}

/// The body of a request, as far as the page takes one.
async fn read<B>(head: &Parts, page: &Page, body: B) -> Result<Bytes, Response<AdminBody>>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let too_large =
        || closing(head.version, StatusCode::PAYLOAD_TOO_LARGE, "at most 64 KiB of body\n");
    let declared =
        head.headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
    if declared.or(body.size_hint().exact()).unwrap_or(0) > MAX_BODY as u64 {
        return Err(too_large());
    }
    if *page.method() == Method::GET {
        // Nothing that is read takes one, so none is waited for.
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(closing(head.version, StatusCode::BAD_REQUEST, "the body broke off\n")),
        Err(_) => {
            let words = "the body did not arrive in 10 seconds\n";
            Err(closing(head.version, StatusCode::REQUEST_TIMEOUT, words))
        }
    }
}

/// A refusal after which what the client still sends is not read. HTTP/2 resets
/// the stream by itself, and knows no such header.
fn closing(version: Version, status: StatusCode, text: &'static str) -> Response<AdminBody> {
    let mut response = answer::text(status, text);
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The admin pages as a tower `Service`, for a listener or any router.
///
/// The response to `HEAD`, and with the status 204 or 304, has no body on either
/// protocol: hyper would send one over HTTP/2, which clients take for an error.
#[derive(Clone, Debug)]
pub struct AdminService {
    pages: Arc<Pages>,
}

impl AdminService {
    pub(super) fn new(pages: Arc<Pages>) -> Self {
        Self { pages }
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
        let pages = Arc::clone(&self.pages);
        let head = request.method() == Method::HEAD;
        AdminFuture {
            inner: Box::pin(async move {
                let answer = AssertUnwindSafe(pages.answer(request)).catch_unwind().await;
                let response = answer.unwrap_or_else(|_| {
                    answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the page panicked\n")
                });
                finish(response, head)
            }),
        }
    }
}

/// The response of an [`AdminService`]. May be dropped at any time.
#[must_use = "futures do nothing unless polled"]
pub struct AdminFuture {
    inner: Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>,
}

impl Future for AdminFuture {
    type Output = Result<Response<AdminBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for AdminFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminFuture").finish_non_exhaustive()
    }
}

fn finish(mut response: Response<AdminBody>, head: bool) -> Response<AdminBody> {
    set_default(response.headers_mut(), CACHE_CONTROL, "no-store");
    set_default(response.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
    let bare = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if head
        && !bare
        && let Some(length) = response.body().size_hint().exact().filter(|&length| length > 0)
    {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    if head || bare {
        *response.body_mut() = AdminBody::empty();
    }
    response
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert_with(|| HeaderValue::from_static(value));
}
