//! One request, from its start to its one end.

use std::fmt;

use http::StatusCode;

use super::clock::Reading;
use super::head::ResponseHead;
use super::hub::HubRef;
use super::outcome::{Cause, Outcome, of_grpc_status};
use super::request_body::RequestBytes;
use super::route::RouteId;
use super::series::{End, Key, Rows, StreamKind};

/// A request that has started and not ended. Ending it twice is not possible,
/// and dropping it is an end: the client, or something around the layer, gave up.
pub(crate) struct InFlight {
    hub: HubRef,
    started: Reading,
    route: RouteId,
    rows: Rows,
    key: Key,
    phase: Phase,
    response_bytes: u64,
    /// Only for bodies of undeclared size, when they are counted.
    request_bytes: Option<RequestBytes>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
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
    pub(crate) fn new(hub: HubRef, started: Reading, route: RouteId, rows: Rows, key: Key) -> Self {
        let (phase, response_bytes, request_bytes) = (Phase::Waiting, 0, None);
        Self { hub, started, route, rows, key, phase, response_bytes, request_bytes }
    }

    /// The size of the request body is what `bytes` will have counted at the end.
    pub(crate) fn count_request(&mut self, bytes: RequestBytes) {
        self.request_bytes = Some(bytes);
    }

    /// The response head is there.
    #[inline]
    pub(crate) fn head(&mut self, head: ResponseHead<'_>, exact: Option<u64>) {
        let hub = self.hub.hub();
        let route = hub.directory.get(self.route);
        let verdict = hub.judge(head, exact, route.flags.stream, self.key.is_connect());
        hub.store.headers(self.rows, hub.clock.nanos_since(self.started));
        for (i, label) in hub.store.labels().iter().enumerate() {
            if let Some(value) = label.of_response(head) {
                self.key = self.key.with_label(i, value);
            }
        }
        self.phase = Phase::Body {
            status: head.status,
            outcome: verdict.outcome,
            cause: verdict.cause,
            stream: verdict.stream,
            grpc: verdict.grpc,
        };
    }

    /// `bytes` of the response body went out.
    #[inline]
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.response_bytes = self.response_bytes.saturating_add(bytes as u64);
    }

    /// How much went out so far.
    pub(crate) fn response_bytes(&self) -> u64 {
        self.response_bytes
    }

    /// Trailers say how a gRPC call ended.
    pub(crate) fn trailers(&mut self, trailers: &http::HeaderMap) {
        if let (Phase::Body { outcome, cause, grpc: grpc @ true, .. }, Some(status)) =
            (&mut self.phase, trailers.get("grpc-status"))
        {
            (*outcome, *cause) = of_grpc_status(status);
            *grpc = false;
        }
    }

    /// The response is complete.
    #[inline]
    pub(crate) fn complete(mut self) {
        match self.phase {
            // A gRPC call that ends without a status is UNKNOWN to its client.
            Phase::Body { grpc: true, .. } => self.end(Outcome::Error, Cause::Grpc(2)),
            Phase::Body { outcome, cause, .. } => self.end(outcome, cause),
            // There is no complete response without a head.
            Phase::Waiting | Phase::Ended => {}
        }
    }

    /// The inner service failed.
    pub(crate) fn service_error<E: 'static>(mut self, error: &E) {
        let outcome = self.hub.hub().judge_error(error);
        self.end(outcome, Cause::Status);
    }

    /// The body broke off with an error.
    pub(crate) fn body_error(mut self) {
        self.end(Outcome::Error, Cause::Body);
    }

    /// The service panicked, before the head or in the body.
    pub(crate) fn panicked(&mut self) {
        self.end(Outcome::Panic, Cause::Status);
    }

    fn end(&mut self, outcome: Outcome, cause: Cause) {
        let (status, stream) = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Waiting => (None, None),
            Phase::Body { status, stream, .. } => (Some(status), stream),
        };
        let hub = self.hub.hub();
        let end = End {
            key: self.key.ended(outcome, status, cause),
            outcome,
            cause,
            stream,
            nanos: hub.clock.nanos_since(self.started),
            response_bytes: status.map(|_| self.response_bytes),
            request_bytes: self.request_bytes.as_ref().map(RequestBytes::get),
        };
        hub.store.end(hub.directory.get(self.route), self.rows, &end);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        match self.phase {
            Phase::Ended => {}
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
