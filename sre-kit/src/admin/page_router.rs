//! The router from a request to its page, and the rules that hold for all pages.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use matchit::Router;
use tower::BoxError;

use super::access::{Access, Refusal};
use super::body::AdminBody;
use super::page::Page;
use super::{builtin_pages, response};
use crate::ConfigError;

/// The longest request target in bytes.
const MAX_TARGET: usize = 8 * 1024;

/// The largest request body in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The time in which a request body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// All pages, with a router of their paths.
pub(super) struct PageRouter {
    pages: Vec<Page>,
    /// The indices of the pages that share a path.
    routes: Router<Vec<usize>>,
}

impl PageRouter {
    /// Creates the router.
    ///
    /// # Errors
    ///
    /// Returns an error if a path is malformed, or two pages have the same path and method.
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

    /// Returns the indices of the pages of a path.
    fn at(&self, path: &str) -> Option<&[usize]> {
        // Probes are configured by hand, some with a slash at the end.
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        self.routes.at(path).ok().map(|found| found.value.as_slice())
    }

    /// Returns the response to the request with this head and body, if `access` allows it.
    pub(super) async fn respond<B>(
        &self,
        head: Parts,
        body: B,
        access: &Access,
    ) -> Response<AdminBody>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > MAX_TARGET {
            return closing(head.version, StatusCode::URI_TOO_LONG, "at most 8 KiB of target\n");
        }
        let found = self.at(head.uri.path());
        // A path without a page is not public, so that strangers do not learn which pages exist.
        let is_public = found.is_some_and(|found| found.iter().all(|&i| self.pages[i].is_public()));
        if let Some(refusal) = access.refuses_read(&head, is_public).await {
            return refused(head.version, refusal);
        }
        let Some(found) = found else {
            let list = builtin_pages::list(self.pages.iter());
            let words = format!("There is no such page. These exist:\n\n{list}");
            return response::text(StatusCode::NOT_FOUND, words);
        };
        let Some(page) = found.iter().map(|&i| &self.pages[i]).find(|p| p.has_method(&head.method))
        else {
            return self.other_method(found, &head.method);
        };
        if *page.method() != Method::GET
            && let Some(refusal) = access.refuses_write(&head).await
        {
            return refused(head.version, refusal);
        }
        let body = match read_body(&head, page, body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        page.respond(Request::from_parts(head, Full::new(body))).await
    }

    /// Returns the response to `OPTIONS`, and to methods that the pages do not have.
    fn other_method(&self, found: &[usize], method: &Method) -> Response<AdminBody> {
        let mut response = if method == Method::OPTIONS {
            let mut response = Response::new(AdminBody::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        } else {
            response::text(StatusCode::METHOD_NOT_ALLOWED, "the page does not know this method\n")
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

impl fmt::Debug for PageRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.pages).finish()
    }
}

/// Returns the body of a request, which is empty for `GET`, or the response that refuses it.
async fn read_body<B>(head: &Parts, page: &Page, body: B) -> Result<Bytes, Response<AdminBody>>
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
        // Pages that are read take no body, so none is waited for.
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

/// Returns the response to a client that may not do what it asks for.
fn refused(version: Version, Refusal { status, text }: Refusal) -> Response<AdminBody> {
    let mut response = closing(version, status, text);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"admin\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Returns a refusal after which the rest of the request is not read. HTTP/1 needs a header for
/// that; HTTP/2 resets the stream.
fn closing(version: Version, status: StatusCode, text: &'static str) -> Response<AdminBody> {
    let mut response = response::text(status, text);
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
