//! One request, from its start to its one end.

use std::fmt;
use std::sync::Arc;

use bytes::Buf;
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use super::classify::{self, RequestFacts};
use super::objectives::{Mark, SloExclusion};
use super::outcome::{Cause, Outcome, of_grpc_status};
use super::request_body::RequestBytes;
use super::series::{End, Key, StreamKind};
use super::site::Site;
use super::trace::{self, Trace};
use super::upgrade::UpgradeTimer;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::Reading;

/// A request that has started and not ended. Ending it twice is not possible,
/// and dropping it is an end: the client, or something around the layer, gave up.
///
/// It lies in the future and then in the body, and is moved whenever they are, so
/// its size is time.
pub(crate) struct InFlight {
    site: Arc<Site>,
    started: Reading,
    key: Key,
    /// Nanoseconds to the response head, once it is there.
    to_headers: u64,
    response_bytes: u64,
    /// Bytes that the response declares; the highest number where it does not.
    declared: u64,
    /// Only for bodies of undeclared size, when they are counted.
    request_bytes: Option<RequestBytes>,
    phase: Phase,
    /// The reason for which an SLO may leave it out.
    mark: Option<Mark>,
    trace: Trace,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The service is being called. What is known of the request until then:
    /// whether it asks for another protocol, and whether it tells its size.
    Called {
        upgrade: bool,
        sized: bool,
    },
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
    pub(crate) fn new(site: Arc<Site>, started: Reading, key: Key, facts: RequestFacts) -> Self {
        Self {
            site,
            started,
            key,
            to_headers: 0,
            response_bytes: 0,
            declared: u64::MAX,
            request_bytes: None,
            phase: Phase::Called { upgrade: facts.upgrade, sized: facts.bytes.is_some() },
            mark: None,
            trace: Trace::default(),
        }
    }

    #[cfg(feature = "telemetry")]
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The service has been called, and did not panic.
    #[inline]
    pub(crate) fn called(&mut self) {
        self.phase = Phase::Waiting;
    }

    /// Marks the request, for SLOs that leave out what is marked so.
    pub(crate) fn mark(&mut self, mark: Option<&'static str>) {
        self.mark = mark.and_then(|mark| self.site.hub.objectives.mark(mark));
    }

    /// Whether the request asks for another protocol. Known until it is [`called`](Self::called).
    #[inline]
    pub(crate) fn is_upgrade(&self) -> bool {
        matches!(self.phase, Phase::Called { upgrade: true, .. })
    }

    /// Whether the request tells its size. Known as long.
    pub(crate) fn is_sized(&self) -> bool {
        matches!(self.phase, Phase::Called { sized: true, .. })
    }

    /// The value of a label of the caller's.
    pub(crate) fn label(&mut self, label: usize, value: u8) {
        self.key = self.key.with_label(label, value);
    }

    /// Starts its trace.
    pub(crate) fn begin_trace(&mut self, head: RequestHead<'_>) {
        self.trace = trace::begin(&self.site.hub.traces, &self.site, self.key, head);
    }

    /// Counts how long the connection lives that it becomes.
    pub(crate) fn upgrade_lifetime(&self) -> UpgradeTimer {
        UpgradeTimer::new(Arc::clone(&self.site), self.key)
    }

    /// The size of the request body is what `bytes` will have counted at the end.
    pub(crate) fn count_request(&mut self, bytes: RequestBytes) {
        self.request_bytes = Some(bytes);
    }

    /// The response head is there. Tells whether the response ends with it.
    #[inline]
    pub(crate) fn head<C: Body>(&mut self, response: &Response<C>) -> bool {
        let body = response.body();
        self.read_head(ResponseHead::of(response), body.size_hint().exact()) || body.is_end_stream()
    }

    // As other functions of this type a call, and so compiled once and not into
    // the future of each service, which is moved around the less the less it does.
    #[inline(never)]
    fn read_head(&mut self, head: ResponseHead<'_>, exact: Option<u64>) -> bool {
        let site = &*self.site;
        self.to_headers = site.hub.clock.nanos_since(self.started);
        site.headers(self.to_headers);
        let status = head.status;
        // Most responses are judged by their status alone: see `classify::response`.
        match exact {
            Some(size)
                if size > 0
                    && site.plain
                    && status.as_u16() >= 200
                    && head.extensions.is_empty() =>
            {
                let (outcome, cause) = (Outcome::of_status(status), Cause::STATUS);
                self.phase = Phase::Body { status, outcome, cause, stream: None, grpc: false };
                self.declared = size;
            }
            _ => self.judge(head, exact),
        }
        self.site.head_only || self.declared == 0 || classify::has_no_body(status)
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
        if let Some(exclusion) = head.extensions.get::<SloExclusion>() {
            self.mark(Some(exclusion.reason()));
        }
        self.phase = Phase::Body {
            status: head.status,
            outcome: verdict.outcome,
            cause: verdict.cause,
            stream: verdict.stream,
            grpc: verdict.grpc,
        };
        let declared = exact.or_else(|| classify::content_length(head.headers));
        self.declared = declared.unwrap_or(u64::MAX);
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
    pub(super) fn complete(&mut self) {
        // There is no complete response without a head, and none is twice.
        let Phase::Body { status, outcome, cause, stream, grpc } = self.phase else { return };
        self.phase = Phase::Ended;
        // A gRPC call that ends without a status is UNKNOWN to its client.
        let (outcome, cause) =
            if grpc { (Outcome::Error, Cause::grpc(2)) } else { (outcome, cause) };
        let (key, nanos) = (self.key.ended(outcome, Some(status), cause), self.nanos());
        let end = || End { cause, stream, ..self.told(Some(status), key, outcome, nanos) };
        let usual = stream.is_none() && self.request_bytes.is_none() && !self.trace.is_sampled();
        if !usual || !self.site.end_as_usual(key, nanos, outcome, self.response_bytes, end) {
            self.count(end());
        }
    }

    /// The inner service failed.
    pub(crate) fn service_error<E: 'static>(&mut self, error: &E) {
        let outcome = self.site.hub.judge_error(error);
        self.end(outcome, Cause::STATUS);
    }

    /// The body broke off with an error.
    pub(crate) fn body_error(&mut self) {
        self.end(Outcome::Error, Cause::BODY);
    }

    /// The service panicked, before the head or in the body.
    pub(crate) fn panicked(&mut self) {
        self.end(Outcome::Panic, Cause::STATUS);
    }

    /// It ended in some other way.
    #[cold]
    fn end(&mut self, outcome: Outcome, cause: Cause) {
        let (status, stream) = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Called { .. } | Phase::Waiting => (None, None),
            Phase::Body { status, stream, .. } => (Some(status), stream),
        };
        let (key, nanos) = (self.key.ended(outcome, status, cause), self.nanos());
        self.count(End { cause, stream, ..self.told(status, key, outcome, nanos) });
    }

    #[inline]
    fn nanos(&self) -> u64 {
        self.site.hub.clock.nanos_since(self.started)
    }

    /// What is to be told of an end that no stream and no cause of its own made.
    #[inline]
    fn told(&self, status: Option<StatusCode>, key: Key, outcome: Outcome, nanos: u64) -> End {
        End {
            key,
            outcome,
            cause: Cause::STATUS,
            stream: None,
            nanos,
            response_bytes: status.map(|_| self.response_bytes),
            request_bytes: self.request_bytes.as_ref().map(RequestBytes::get),
            to_headers: status.map(|_| self.to_headers),
            mark: self.mark,
        }
    }

    // Given by value: so the caller need not have it lie anywhere until then.
    #[inline(never)]
    #[allow(clippy::needless_pass_by_value, reason = "see above")]
    fn count(&self, end: End) {
        self.site.end(&end, &self.trace);
        self.trace.end(&end);
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        match self.phase {
            Phase::Ended => {}
            Phase::Called { .. } => self.panicked(),
            Phase::Waiting => self.end(Outcome::AbortedBeforeHeaders, Cause::STATUS),
            // A stream has no end to miss: that its client leaves is how it ends.
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
