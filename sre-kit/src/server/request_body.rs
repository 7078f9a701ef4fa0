//! The request body that a server hands to its service.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::connection::Connection;
use super::connection_info::ConnectionInfo;

/// The body of a request that a [`Server`](super::Server) passes to its service.
///
/// It ends with an error if the client sends nothing of it for
/// [`body_read_timeout`](super::ServerBuilder::body_read_timeout) while the service waits for it.
/// After the response head has been sent, and in gRPC calls, the client may be silent for as long
/// as it likes.
///
/// The connection counts as in use until the body has arrived or is dropped, so that a task may go
/// on to read it after the response.
pub struct RequestBody {
    inner: Incoming,
    connection: ConnectionInfo,
    /// `None` once the body has arrived, or if there was none.
    open: Option<Arc<OpenBody>>,
    /// Made when the client lets the service wait for the first time.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

/// A request body that has not arrived yet.
pub(super) struct OpenBody {
    connection: Arc<Connection>,
    /// `None` if the client may be silent.
    timeout: Option<Duration>,
    answered: AtomicBool,
}

impl OpenBody {
    /// Begins to wait for the body of `request`. Returns `None` if it has none.
    #[inline]
    pub(super) fn begin(
        request: &Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Option<Arc<Self>> {
        (!request.body().is_end_stream()).then(|| Self::new(request.headers(), connection))
    }

    #[inline(never)]
    fn new(headers: &HeaderMap, connection: &Arc<Connection>) -> Arc<Self> {
        connection.state.body_began();
        let grpc = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        Arc::new(Self {
            connection: Arc::clone(connection),
            timeout: (!grpc).then_some(connection.shared.settings.body_read_timeout),
            answered: AtomicBool::new(false),
        })
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.connection.state.body_ended();
    }
}

impl RequestBody {
    /// Wraps the body of a request. `open` is the part of it that is left to arrive.
    #[inline]
    pub(super) fn new(
        inner: Incoming,
        connection: &Arc<Connection>,
        open: Option<Arc<OpenBody>>,
    ) -> Self {
        let connection = ConnectionInfo::new(connection);
        Self { inner, connection, open, timer: None, waiting: false }
    }

    /// Returns the connection that the request arrived on.
    pub fn connection_info(&self) -> &ConnectionInfo {
        &self.connection
    }

    /// Returns whether the client has been silent for too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(open) = &self.open else { return false };
        let Some(timeout) = open.timeout else { return false };
        if open.answered.load(Ordering::Acquire) {
            return false;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        if !self.waiting {
            self.waiting = true;
            open.connection.state.wait_for_body(open.connection.shared.millis());
            timer.as_mut().reset(Instant::now() + timeout);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    /// Records that the client has sent something, or has ended the body.
    fn arrived(&mut self) {
        if self.waiting {
            self.waiting = false;
            if let Some(open) = &self.open {
                open.connection.state.end_wait_for_body();
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = self.get_mut();
        if this.inner.is_end_stream() {
            // Hyper notices the end of an upload that outlives its response with the next request
            // only.
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending if this.is_late(cx) => {
                this.arrived();
                if let Some(open) = this.open.take() {
                    open.connection.shared.stats.body_timeout();
                }
                Poll::Ready(Some(Err(RequestBodyError { source: None })))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                this.arrived();
                if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
                    this.open = None;
                }
                let failed = |error| RequestBodyError { source: Some(error) };
                Poll::Ready(frame.map(|frame| frame.map_err(failed)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.arrived();
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// The body of a request as seen from its response, which does not keep it open.
pub(super) struct OpenBodyHandle(Weak<OpenBody>);

impl OpenBodyHandle {
    pub(super) fn new(open: &Arc<OpenBody>) -> Self {
        Self(Arc::downgrade(open))
    }

    /// Records that the response head is being sent: from now on, the client may take its time.
    pub(super) fn answered(self) {
        if let Some(open) = self.0.upgrade() {
            open.answered.store(true, Ordering::Release);
            open.connection.state.end_wait_for_body();
        }
    }
}

/// An error while a request body arrived.
#[derive(Debug)]
pub struct RequestBodyError {
    source: Option<hyper::Error>,
}

impl RequestBodyError {
    /// Returns whether the client has sent nothing for
    /// [`body_read_timeout`](super::ServerBuilder::body_read_timeout). Answer it with 408.
    pub fn is_timeout(&self) -> bool {
        self.source.is_none()
    }
}

impl fmt::Display for RequestBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => f.write_str("the request body broke off"),
            None => f.write_str("the client has sent nothing of the request body for too long"),
        }
    }
}

impl Error for RequestBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
