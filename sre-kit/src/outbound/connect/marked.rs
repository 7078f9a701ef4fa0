//! Marks around resolvers and connectors.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::BoxError;
use tower_service::Service;

use super::connect_error::{ConnectError, ConnectPhase};

/// A resolver or connector whose errors name the phase that failed.
///
/// The errors of a resolver and of a TLS handshake have no type of their own in hyper-util's
/// chains. With marks, [`CallFailure`](crate::outbound::CallFailure) tells them apart, with any
/// resolver and any TLS library.
///
/// ```
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use hyper_util::client::legacy::connect::dns::GaiResolver;
/// use sre_kit::outbound::Marked;
///
/// let resolver = Marked::dns(GaiResolver::new());
/// let connector = Marked::tcp(HttpConnector::new_with_resolver(resolver));
/// // With hyper-rustls: `Marked::tls(HttpsConnectorBuilder::new()...wrap_connector(connector))`.
/// ```
#[derive(Clone, Debug)]
pub struct Marked<S> {
    inner: S,
    phase: ConnectPhase,
}

impl<S> Marked<S> {
    /// Marks the errors of a resolver.
    pub fn dns(resolver: S) -> Self {
        Self { inner: resolver, phase: ConnectPhase::Dns }
    }

    /// Marks the errors of a connector that opens TCP connections.
    pub fn tcp(connector: S) -> Self {
        Self { inner: connector, phase: ConnectPhase::Tcp }
    }

    /// Marks the errors of a connector that establishes TLS. Those of the marked connector inside
    /// of it keep their phase.
    pub fn tls(connector: S) -> Self {
        Self { inner: connector, phase: ConnectPhase::Tls }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service for changes.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, T> Service<T> for Marked<S>
where
    S: Service<T>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = ConnectError;
    type Future = MarkedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.inner.poll_ready(cx).map_err(|error| ConnectError::new(self.phase, error.into()))
    }

    fn call(&mut self, target: T) -> Self::Future {
        MarkedFuture { inner: self.inner.call(target), phase: self.phase }
    }
}

pin_project! {
    /// The future of [`Marked`].
    #[must_use = "futures do nothing unless polled"]
    pub struct MarkedFuture<F> {
        #[pin]
        inner: F,
        phase: ConnectPhase,
    }
}

impl<F, T, E> Future for MarkedFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, ConnectError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        Poll::Ready(result.map_err(|error| ConnectError::new(*this.phase, error.into())))
    }
}

impl<F> fmt::Debug for MarkedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarkedFuture").field("phase", &self.phase).finish_non_exhaustive()
    }
}
