//! The size of request bodies that declare none.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// The bytes read of one request body, shared with the golden signals layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestBytes(Arc<AtomicU64>);

impl RequestBytes {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A layer that counts the bytes of request bodies that declare no size: chunked uploads, and on
/// HTTP/2 most uploads.
///
/// Put it inside the [`GoldenSignalsLayer`](super::GoldenSignalsLayer) and enable it with
/// [`count_request_bodies`](super::GoldenSignalsBuilder::count_request_bodies). It is a separate
/// layer because counting changes the type of the body, which not every service accepts. It
/// allocates only for the requests that it counts.
///
/// With axum, convert the body back with
/// `tower_http::map_request_body::MapRequestBodyLayer::new(axum::body::Body::new)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountRequestBodyLayer(());

impl CountRequestBodyLayer {
    /// Creates a layer. It counts nothing without a golden signals layer around it.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for CountRequestBodyLayer {
    type Service = CountRequestBody<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountRequestBody { inner }
    }
}

/// A service that counts the bytes of request bodies. Created by [`CountRequestBodyLayer`].
#[derive(Clone, Debug)]
pub struct CountRequestBody<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for CountRequestBody<S>
where
    S: Service<Request<CountedBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let bytes = request.extensions_mut().remove::<RequestBytes>();
        self.inner.call(request.map(|inner| CountedBody { inner, bytes }))
    }
}

pin_project! {
    /// A request body that counts its bytes while it is read.
    pub struct CountedBody<B> {
        #[pin]
        inner: B,
        bytes: Option<RequestBytes>,
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if let (Some(bytes), Some(Ok(frame))) = (this.bytes, &frame)
            && let Some(data) = frame.data_ref()
        {
            bytes.0.fetch_add(data.remaining() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for CountedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedBody").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
