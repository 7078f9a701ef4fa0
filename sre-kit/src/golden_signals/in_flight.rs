//! One request from its start to its only end.

use std::fmt;
use std::sync::Arc;

use bytes::Buf;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};

use super::classify::RequestTraits;
use super::completed::{CompletedRequest, StreamKind};
use super::exclusion::{ExclusionId, SloExclusion};
use super::key::Key;
use super::outcome::{Cause, Outcome, of_grpc_status};
use super::recorder::RouteRecorder;
use super::request_body::RequestBytes;
use super::trace::{self, Trace};
use super::upgrade::UpgradeTimer;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::{Reading, content_length, has_no_body};

/// A request that has started and not ended.
///
/// It ends at most once. Dropping it ends it as well, because then the client or something around
/// the layer gave up. It lies in the future and then in the body and moves with them, so its size
/// costs time.
pub(crate) struct InFlight {
    recorder: Arc<RouteRecorder>,
    started: Reading,
    key: Key,
    /// The nanoseconds to the response head, once it is there.
    to_headers: u64,
    response_bytes: u64,
    /// The size that the response declares, or `u64::MAX`.
    declared: u64,
    /// Set if the size of the body is not declared and bodies are counted.
    request_bytes: Option<RequestBytes>,
    phase: Phase,
    /// The reason for which an SLO may exclude the request.
    exclusion: Option<ExclusionId>,
    trace: Trace,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The service is being called.
    Called {
        /// Whether the request asks for another protocol.
        upgrade: bool,
        /// Whether the request declares its size.
        sized: bool,
    },
    /// The service was called and there is no response head yet.
    Waiting,
    /// The response head was sent and the body has not ended.
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
    pub(crate) fn new(
        recorder: Arc<RouteRecorder>,
        started: Reading,
        key: Key,
        traits: RequestTraits,
    ) -> Self {
        Self {
            recorder,
            started,
            key,
            to_headers: 0,
            response_bytes: 0,
            declared: u64::MAX,
            request_bytes: None,
            phase: Phase::Called { upgrade: traits.upgrade, sized: traits.bytes.is_some() },
            exclusion: None,
            trace: Trace::default(),
        }
    }

    #[inline]
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Reads from the request what only some layers record and only some requests have.
    #[inline]
    pub(crate) fn inspect_request<B>(&mut self, request: &mut Request<B>) {
        if self.recorder.shared.inspects_requests || self.is_upgrade() {
            self.inspect(request);
        }
    }

    #[inline]
    fn is_upgrade(&self) -> bool {
        matches!(self.phase, Phase::Called { upgrade: true, .. })
    }

    #[inline(never)]
    fn inspect<B>(&mut self, request: &mut Request<B>) {
        let head = RequestHead::of(request);
        let shared = &self.recorder.shared;
        for (i, label) in shared.store.labels().iter().enumerate() {
            if let Some(value) = label.of_request(head) {
                self.key = self.key.with_label(i, value);
            }
        }
        self.trace = trace::start(&shared.traces, self.recorder.template(), self.key, head);
        let reason = shared.exclusion_rule.as_ref().and_then(|rule| rule(head));
        self.exclusion = reason.and_then(|reason| shared.objectives.exclusion(reason));
        if self.is_upgrade() {
            let timer = UpgradeTimer::new(Arc::clone(&self.recorder), self.key);
            request.extensions_mut().insert(timer);
        }
        if shared.counts_bodies && !matches!(self.phase, Phase::Called { sized: true, .. }) {
            let bytes = RequestBytes::default();
            request.extensions_mut().insert(bytes.clone());
            self.request_bytes = Some(bytes);
        }
    }

    /// Records that the call of the service has returned.
    #[inline]
    pub(crate) fn called(&mut self) {
        self.phase = Phase::Waiting;
    }

    /// Records the response head. Returns whether the response ends with it.
    #[inline]
    pub(crate) fn head<C: Body>(&mut self, response: &Response<C>) -> bool {
        let body = response.body();
        self.read_head(ResponseHead::of(response), body.size_hint().exact()) || body.is_end_stream()
    }

    // Not inlined, like other functions of this type: it is compiled once instead of into the
    // future of each service, and a smaller future is cheaper to move.
    #[inline(never)]
    fn read_head(&mut self, head: ResponseHead<'_>, exact_size: Option<u64>) -> bool {
        let recorder = &*self.recorder;
        self.to_headers = recorder.shared.clock.nanos_since(self.started);
        recorder.record_headers(self.to_headers);
        let status = head.status;
        // The status alone classifies most responses: see `classify::response`.
        match exact_size {
            Some(size)
                if size > 0
                    && recorder.status_is_enough
                    && status.as_u16() >= 200
                    && head.extensions.is_empty() =>
            {
                let (outcome, cause) = (Outcome::of_status(status), Cause::STATUS);
                self.phase = Phase::Body { status, outcome, cause, stream: None, grpc: false };
                self.declared = size;
            }
            _ => self.classify_head(head, exact_size),
        }
        self.recorder.head_only || self.declared == 0 || has_no_body(status)
    }

    #[inline(never)]
    fn classify_head(&mut self, head: ResponseHead<'_>, exact_size: Option<u64>) {
        let recorder = &*self.recorder;
        let shared = &recorder.shared;
        let class =
            shared.classify_response(head, exact_size, recorder.is_stream, recorder.connect);
        for (i, label) in shared.store.labels().iter().enumerate() {
            if let Some(value) = label.of_response(head) {
                self.key = self.key.with_label(i, value);
            }
        }
        if let Some(exclusion) = head.extensions.get::<SloExclusion>() {
            self.exclusion = shared.objectives.exclusion(exclusion.reason());
        }
        self.phase = Phase::Body {
            status: head.status,
            outcome: class.outcome,
            cause: class.cause,
            stream: class.stream,
            grpc: class.grpc,
        };
        let declared = exact_size.or_else(|| content_length(head.headers));
        self.declared = declared.unwrap_or(u64::MAX);
    }

    /// Records a frame of the response body. Returns whether the frame says that it was the last.
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

    /// Reads the outcome of a gRPC call from its trailers.
    fn trailers(&mut self, trailers: &http::HeaderMap) {
        if let (Phase::Body { outcome, cause, grpc: grpc @ true, .. }, Some(status)) =
            (&mut self.phase, trailers.get("grpc-status"))
        {
            (*outcome, *cause) = of_grpc_status(status);
            *grpc = false;
        }
    }

    /// Ends the request with a complete response.
    #[inline]
    pub(super) fn complete(&mut self) {
        // A complete response has a head, and a request that has ended does not end again.
        let Phase::Body { status, outcome, cause, stream, grpc } = self.phase else { return };
        self.phase = Phase::Ended;
        // A client reads a gRPC call that ends without a status as UNKNOWN.
        let (outcome, cause) =
            if grpc { (Outcome::Error, Cause::grpc(2)) } else { (outcome, cause) };
        let (key, nanos) = (self.key.with_end(outcome, Some(status), cause), self.nanos());
        let completed = || CompletedRequest {
            cause,
            stream,
            ..self.completed(Some(status), key, outcome, nanos)
        };
        let fast = stream.is_none() && self.request_bytes.is_none() && !self.trace.is_sampled();
        let bytes = self.response_bytes;
        if !fast || !self.recorder.record_end_fast_path(key, nanos, outcome, bytes, completed) {
            self.record_end(completed());
        }
    }

    /// Ends the request with an error of the inner service.
    pub(crate) fn service_error<E: 'static>(&mut self, error: &E) {
        let outcome = self.recorder.shared.classify_error(error);
        self.end(outcome, Cause::STATUS);
    }

    /// Ends the request with an error of the response body.
    pub(crate) fn body_error(&mut self) {
        self.end(Outcome::Error, Cause::BODY);
    }

    /// Ends the request with a panic, before the head or in the body.
    pub(crate) fn panicked(&mut self) {
        self.end(Outcome::Panic, Cause::STATUS);
    }

    /// Ends the request in any other way.
    #[cold]
    fn end(&mut self, outcome: Outcome, cause: Cause) {
        let (status, stream) = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Called { .. } | Phase::Waiting => (None, None),
            Phase::Body { status, stream, .. } => (Some(status), stream),
        };
        let (key, nanos) = (self.key.with_end(outcome, status, cause), self.nanos());
        let completed = self.completed(status, key, outcome, nanos);
        self.record_end(CompletedRequest { cause, stream, ..completed });
    }

    #[inline]
    fn nanos(&self) -> u64 {
        self.recorder.shared.clock.nanos_since(self.started)
    }

    /// Returns the record of a request that is no stream and whose status explains its outcome.
    #[inline]
    fn completed(
        &self,
        status: Option<StatusCode>,
        key: Key,
        outcome: Outcome,
        nanos: u64,
    ) -> CompletedRequest {
        CompletedRequest {
            key,
            outcome,
            cause: Cause::STATUS,
            stream: None,
            nanos,
            response_bytes: status.map(|_| self.response_bytes),
            request_bytes: self.request_bytes.as_ref().map(RequestBytes::get),
            to_headers: status.map(|_| self.to_headers),
            exclusion: self.exclusion,
        }
    }

    // By value, so that the caller does not have to keep the record in its frame.
    #[inline(never)]
    #[allow(clippy::needless_pass_by_value, reason = "see above")]
    fn record_end(&self, completed: CompletedRequest) {
        self.recorder.record_end(&completed, &self.trace);
        self.trace.end(&completed);
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        match self.phase {
            Phase::Ended => {}
            Phase::Called { .. } => self.panicked(),
            Phase::Waiting => self.end(Outcome::AbortedBeforeHeaders, Cause::STATUS),
            // A client that disconnects from a stream ends it normally.
            Phase::Body { outcome, cause, stream: Some(_), .. } => self.end(outcome, cause),
            Phase::Body { .. } => self.end(Outcome::AbortedMidBody, Cause::STATUS),
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").field("phase", &self.phase).finish_non_exhaustive()
    }
}
