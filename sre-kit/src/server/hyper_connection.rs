//! The two kinds of connection that hyper serves, behind one trait.

use std::future::Future;
use std::pin::Pin;

use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use tower::BoxError;

/// A connection of hyper, HTTP/1 or HTTP/2. (The trait of `hyper-util` for the same purpose leaves
/// out HTTP/1 with upgrades.)
pub(super) trait HyperConnection: Future<Output = hyper::Result<()>> {
    /// Finishes the requests in flight and takes no new ones.
    fn start_graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, B, S> HyperConnection for http1::UpgradeableConnection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    I: Read + Write + Unpin + Send + 'static,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    fn start_graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> HyperConnection for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    I: Read + Write + Unpin + 'static,
    B: Body + 'static,
    B::Error: Into<BoxError>,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn start_graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
