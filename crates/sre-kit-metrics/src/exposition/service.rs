//! The exposition as a service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request};
use sre_kit_core::internal::accepts_gzip;
use tokio::runtime::Handle;
use tower_service::Service;

use super::future::ExpositionFuture;
use super::response::{ScrapeResponse, method_not_allowed, unavailable};
use super::shared::Shared;
use crate::encode::{Format, content_type};

/// A tower `Service` that answers scrapes of one registry.
///
/// - The format is negotiated. Responses above a size are compressed if `Accept-Encoding` allows
///   gzip.
/// - It answers `GET` and `HEAD`. Other methods get status 405 with `Allow`.
/// - A bounded number of scrapes can be under way at the same time. Each counts until its last
///   piece is handed to the connection. Where the limit is reached, the oldest response that its
///   client has not read for a second, or that lasts longer than a minute, is given up; if there is
///   none, a further scrape gets status 503 with `Retry-After`.
/// - A response that is expected to be large is written on a thread for blocking work. Buffers are
///   reused.
///
/// # Its own metrics
///
/// They are in the registry that it exports, and all expositions of the registry share them:
///
/// | Metric | Kind | Unit | Labels |
/// |---|---|---|---|
/// | `sre_kit_scrapes_total` | counter | scrapes | `format` (`prometheus`, `openmetrics`, `openmetrics2`, `protobuf`), `outcome` (`ok`, `refused` above the limit, `failed` if a collector panicked) |
/// | `sre_kit_scrape_duration_seconds` | histogram | seconds | none: time to write and compress a response |
/// | `sre_kit_scrape_size_bytes` | histogram | bytes | none: size of responses as sent |
/// | `sre_kit_scrape_unwritable_total` | counter | scrapes | `metric`: a metric of `prometheus_client` that could not be written in the requested format and was left out |
///
/// A scrape exports the numbers of the scrapes before it, without its own.
#[derive(Clone, Debug)]
pub struct Exposition {
    shared: Arc<Shared>,
}

impl Exposition {
    pub(super) fn from_shared(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Answers one request. The response to `HEAD` has no body.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped. A response that is being written on another thread is then
    /// completed and dropped, and its permit is released.
    pub fn respond(&self, method: &Method, headers: &HeaderMap) -> ExpositionFuture {
        let head = method == Method::HEAD;
        if !head && method != Method::GET {
            return ExpositionFuture::ready(method_not_allowed());
        }
        let format = Format::negotiate(headers);
        let Some(permit) = self.shared.admit(format) else {
            let response = unavailable("as many scrapes as are allowed are under way\n");
            return ExpositionFuture::ready(response);
        };
        let (gzip, content_type) = (accepts_gzip(headers), content_type(format, headers));
        if self.shared.expects_large() && Handle::try_current().is_ok() {
            let shared = Arc::clone(&self.shared);
            return ExpositionFuture::blocking(tokio::task::spawn_blocking(move || {
                shared.scrape(permit, format, content_type, gzip, head)
            }));
        }
        ExpositionFuture::ready(self.shared.scrape(permit, format, content_type, gzip, head))
    }
}

impl<B> Service<Request<B>> for Exposition {
    type Response = ScrapeResponse;
    type Error = Infallible;
    type Future = ExpositionFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.respond(request.method(), request.headers())
    }
}
