//! One request, from its start to its one end.

use std::fmt;
use std::sync::Arc;

use bytes::Buf;
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use super::classify;
use super::clock::Reading;
use super::head::ResponseHead;
use super::objectives::SloMark;
use super::outcome::{Cause, Outcome, of_grpc_status};
use super::request_body::RequestBytes;
use super::series::{End, Key, StreamKind};
use super::site::Site;
use super::trace::Trace;

/// A request that has started and not ended. Ending it twice is not possible,
/// and dropping it is an end: the client, or something around the layer, gave up.
pub(crate) struct InFlight {
    site: Arc<Site>,
    started: Reading,
    key: Key,
    phase: Phase,
    response_bytes: u64,
    /// Bytes that the response declares; the highest number where it does not.
    declared: u64,
    /// Only for bodies of undeclared size, when they are counted.
    request_bytes: Option<RequestBytes>,
    /// Nanoseconds to the response head, once it is there.
    to_headers: u64,
    /// The reason for which an SLO may leave it out.
    mark: Option<&'static str>,
    trace: Trace,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The service is being called.
    Called,
    /// No response head yet.
    Waiting,
    /// The head is out, the body is not through.
    Body {
        status: StatusCode,
        outcome: Outcome,
        cause: Cause,
        stream: Option<StreamKind>,
        grpc: bool,
    },
    Ended,
}

impl InFlight {
    #[inline]
    pub(crate) fn new(site: Arc<Site>, started: Reading, key: Key, trace: Trace) -> Self {
        let (phase, response_bytes, declared) = (Phase::Called, 0, u64::MAX);
        let (request_bytes, to_headers, mark) = (None, 0, None);
        Self {
            site,
            started,
            key,
            phase,
            response_bytes,
            declared,
            request_bytes,
            to_headers,
            mark,
            trace,
        }
    }

    #[cfg(feature = "telemetry")]
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Marks the request, for SLOs that leave out what is marked so.
    pub(crate) fn mark(&mut self, mark: Option<&'static str>) {
        self.mark = mark;
    }

    /// The size of the request body is what `bytes` will have counted at the end.
    pub(crate) fn count_request(&mut self, bytes: RequestBytes) {
        self.request_bytes = Some(bytes);
    }

    /// The response head is there. Tells whether the response ends with it.
    #[inline]
    pub(crate) fn head<C: Body>(&mut self, response: &Response<C>) -> bool {
        let site = &*self.site;
        self.to_headers = site.hub.clock.nanos_since(self.started);
        site.headers(self.to_headers);
        let (status, body) = (response.status(), response.body());
        let exact = body.size_hint().exact();
        // Most responses are judged by their status alone: see `classify::response`.
        let by_status = site.plain
            && status.as_u16() >= 200
            && exact.is_some_and(|size| size > 0)
            && response.extensions().is_empty();
        if by_status {
            let outcome = Outcome::of_status(status);
            let cause = Cause::Status;
            self.phase = Phase::Body { status, outcome, cause, stream: None, grpc: false };
        } else {
            self.judge(ResponseHead::of(response), exact);
        }
        let declared = exact.or_else(|| classify::content_length(response.headers()));
        self.declared = declared.unwrap_or(u64::MAX);
        self.site.head_only
            || self.declared == 0
            || classify::has_no_body(status)
            || body.is_end_stream()
    }

    #[inline(never)]
    fn judge(&mut self, head: ResponseHead<'_>, exact: Option<u64>) {
        let site = &*self.site;
        let verdict = site.hub.judge(head, exact, site.stream, site.connect);
        for (i, label) in site.hub.store.labels().iter().enumerate() {
            if let Some(value) = label.of_response(head) {
                self.key = self.key.with_label(i, value);
            }
        }
        if let Some(SloMark(mark)) = head.extensions.get() {
            self.mark = Some(mark);
        }
        self.phase = Phase::Body {
            status: head.status,
            outcome: verdict.outcome,
            cause: verdict.cause,
            stream: verdict.stream,
            grpc: verdict.grpc,
        };
    }

    /// A frame of the response body went out. Tells whether it was the last, as
    /// far as the frame says.
    #[inline]
    pub(crate) fn frame<D: Buf>(&mut self, frame: &Frame<D>) -> bool {
        if let Some(data) = frame.data_ref() {
            self.response_bytes = self.response_bytes.saturating_add(data.remaining() as u64);
            return self.response_bytes >= self.declared;
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers(trailers);
            return true;
        }
        false
    }

    /// Trailers say how a gRPC call ended.
    fn trailers(&mut self, trailers: &http::HeaderMap) {
        if let (Phase::Body { outcome, cause, grpc: grpc @ true, .. }, Some(status)) =
            (&mut self.phase, trailers.get("grpc-status"))
        {
            (*outcome, *cause) = of_grpc_status(status);
            *grpc = false;
        }
    }

    /// The response is complete.
    #[inline]
    pub(crate) fn complete(&mut self) {
        match self.phase {
            // A gRPC call that ends without a status is UNKNOWN to its client.
            Phase::Body { grpc: true, .. } => self.end(Outcome::Error, Cause::Grpc(2)),
            Phase::Body { outcome, cause, .. } => self.end(outcome, cause),
            // There is no complete response without a head.
            Phase::Called | Phase::Waiting | Phase::Ended => {}
        }
    }

    /// The inner service failed.
    pub(crate) fn service_error<E: 'static>(mut self, error: &E) {
        let outcome = self.site.hub.judge_error(error);
        self.end(outcome, Cause::Status);
    }

    /// The body broke off with an error.
    pub(crate) fn body_error(&mut self) {
        self.end(Outcome::Error, Cause::Body);
    }

    /// The service panicked, before the head or in the body.
    pub(crate) fn panicked(&mut self) {
        self.end(Outcome::Panic, Cause::Status);
    }

    fn end(&mut self, outcome: Outcome, cause: Cause) {
        let (status, stream) = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Called | Phase::Waiting => (None, None),
            Phase::Body { status, stream, .. } => (Some(status), stream),
        };
        let site = &*self.site;
        let end = End {
            key: self.key.ended(outcome, status, cause),
            outcome,
            cause,
            stream,
            nanos: site.hub.clock.nanos_since(self.started),
            response_bytes: status.map(|_| self.response_bytes),
            request_bytes: self.request_bytes.as_ref().map(RequestBytes::get),
            to_headers: status.map(|_| self.to_headers),
            mark: self.mark,
        };
        site.end(&end, &self.trace);
        self.trace.end(&end);
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        match self.phase {
            Phase::Ended => {}
            Phase::Called => self.panicked(),
            Phase::Waiting => self.end(Outcome::AbortedBeforeHeaders, Cause::Status),
            // A stream has no end to miss: that its client leaves is how it ends.
            Phase::Body { outcome, cause, stream: Some(_), .. } => self.end(outcome, cause),
            Phase::Body { .. } => self.end(Outcome::AbortedMidBody, Cause::Status),
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").field("phase", &self.phase).finish_non_exhaustive()
    }
}

/// The service has been called, and did not panic.
#[inline]
pub(crate) fn called(mut slot: Option<InFlight>) -> Option<InFlight> {
    if let Some(in_flight) = &mut slot {
        in_flight.phase = Phase::Waiting;
    }
    slot
}

/// Counts the request as complete, unless it has ended, and lets it go.
#[inline]
pub(crate) fn complete(slot: &mut Option<InFlight>) {
    if let Some(in_flight) = slot {
        in_flight.complete();
    }
    *slot = None;
}

/// Counts a panic if it is dropped by one, and lets it pass.
///
/// A guard in the scope that may panic, and not `std::thread::panicking` in
/// `Drop`: a request that is dropped because of somebody else's panic was
/// cancelled and did not panic.
pub(crate) struct PanicGuard<'a>(Option<&'a mut Option<InFlight>>);

impl<'a> PanicGuard<'a> {
    #[inline]
    pub(crate) fn new(in_flight: &'a mut Option<InFlight>) -> Self {
        Self(Some(in_flight))
    }

    #[inline]
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for PanicGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(Some(in_flight)) = self.0.as_mut().map(|slot| slot.as_mut()) {
            in_flight.panicked();
        }
    }
}
