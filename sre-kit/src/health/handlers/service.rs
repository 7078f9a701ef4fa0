//! The tower service of the probes.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tower_service::Service;

use super::accept::Format;
use super::body::ProbeBody;
use super::page::Page;
use super::query::Query;
use super::{json, text};
use crate::health::handle::Health;
use crate::health::probe::Probe;

/// A tower service that responds to probes. [`Health::service`] creates it.
///
/// It reads the current state and never runs a check, so it is always ready, never waits and never
/// fails.
#[derive(Clone, Debug)]
pub struct ProbeService {
    health: Health,
}

/// The target of a request, by its path.
enum Target<'a> {
    Probe(Probe),
    Check(&'a str),
}

impl Health {
    /// Returns the probes as a tower service for any router: `/livez`, `/readyz`, `/startupz`.
    pub fn service(&self) -> ProbeService {
        ProbeService { health: self.clone() }
    }
}

impl ProbeService {
    fn respond(&self, head: &Parts) -> Response<ProbeBody> {
        let Some(target) = route(head.uri.path()) else {
            return plain(StatusCode::NOT_FOUND, "there are /livez, /readyz and /startupz\n");
        };
        if head.method != Method::GET && head.method != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "a probe only reads\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let query = Query::new(head.uri.query());
        let format = Format::negotiate(&head.headers);
        match target {
            Target::Probe(probe) => {
                // The fast path of the periodic probes: no snapshot and no rendering.
                if query.is_empty() && format == Format::Text && self.passes(probe) {
                    return plain(StatusCode::OK, "ok\n");
                }
                let snapshot = self.health.snapshot();
                self.render(&Page::of(probe, &snapshot, query), head, query, format)
            }
            Target::Check(name) => {
                let snapshot = self.health.snapshot();
                match Page::of_check(name, &snapshot) {
                    Some(page) => self.render(&page, head, query, format),
                    None => plain(StatusCode::NOT_FOUND, "no check has that name\n"),
                }
            }
        }
    }

    fn passes(&self, probe: Probe) -> bool {
        match probe {
            Probe::Startup => self.health.is_started(),
            Probe::Readiness => self.health.is_ready(),
            Probe::Liveness => self.health.is_live(),
        }
    }

    fn render(
        &self,
        page: &Page<'_>,
        head: &Parts,
        query: Query<'_>,
        format: Format,
    ) -> Response<ProbeBody> {
        let show_details = query.verbose() && self.health.inner.details.allows(head);
        let body = match format {
            Format::Text if query.verbose() => text::verbose(page, show_details).into(),
            Format::Text => text::plain(page).into(),
            Format::HealthJson | Format::Json => {
                json::document(page, &self.health.inner.identity, show_details).into()
            }
        };
        let status = if page.passes() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        build(status, format, body)
    }
}

impl<B> Service<Request<B>> for ProbeService {
    type Response = Response<ProbeBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<ProbeBody>, Infallible>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let mut response = self.respond(&head);
        if head.method == Method::HEAD {
            strip_body(&mut response);
        }
        ready(Ok(response))
    }
}

/// Returns the target of a path. Accepts a trailing slash, because probes are configured by hand.
fn route(path: &str) -> Option<Target<'_>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    match path.split_once('/') {
        None => Probe::ALL.into_iter().find(|probe| probe.name() == path).map(Target::Probe),
        Some(("readyz", check)) => Some(Target::Check(check)),
        Some(_) => None,
    }
}

/// Returns a response with a fixed text.
fn plain(status: StatusCode, text: &'static str) -> Response<ProbeBody> {
    build(status, Format::Text, Bytes::from_static(text.as_bytes()))
}

fn build(status: StatusCode, format: Format, body: Bytes) -> Response<ProbeBody> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    // An edge once kept a 503 for hours: JSONbored/metagraphed#1562.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let mut response = Response::new(ProbeBody::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Removes the body for HEAD. Keeps the headers of GET, with the length of its body.
fn strip_body(response: &mut Response<ProbeBody>) {
    let body = std::mem::take(response.body_mut());
    let length = http_body::Body::size_hint(&body).exact().unwrap_or_default();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
}
