//! One call from its start to its only end.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Buf;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame};
use sre_kit_core::internal::{
    Reading, content_length, grpc_code, has_no_body, is_grpc, method_index,
};
use sre_kit_metrics::internal::{CellOffset, observe};

use super::cause::Cause;
use super::key::Key;
use super::outcome::CallOutcome;
use super::shared::Shared;
use super::trace::Trace;
use crate::counts::Counts;
use crate::{RequestHead, ResponseHead, Shed};

/// A call that has started and not ended.
///
/// It ends at most once. Dropping it ends it as well, because then the caller gave up. It lies in
/// the future and then in the body.
pub(super) struct Call {
    shared: Arc<Shared>,
    peer: usize,
    row: CellOffset,
    key: Key,
    started: Reading,
    received: u64,
    /// The nanoseconds to the response head, once it is there.
    to_headers: u64,
    /// The size that the response declares, or `u64::MAX`.
    declared: u64,
    phase: Phase,
    trace: Trace,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The client is being called.
    Called,
    /// The client was called and there is no response head yet.
    Waiting,
    /// There is a response head and the body has not ended.
    Body {
        head: (StatusCode, Version),
        outcome: CallOutcome,
        cause: Cause,
        grpc: bool,
    },
    Ended,
}

impl Call {
    /// Starts a call to a peer. `request_bytes` is the size of the body, if it is known.
    // Not inlined: it is compiled once instead of into the `call` of each service.
    #[inline(never)]
    pub(super) fn start(
        shared: &Arc<Shared>,
        peer: usize,
        head: RequestHead<'_>,
        request_bytes: Option<u64>,
    ) -> Self {
        let (store, series) = (&shared.store, &shared.peers[peer]);
        let template = if series.router.is_some() { series.template(head.uri.path()) } else { 0 };
        let method = method_index(head.method);
        let row = store.row(series, template, method);
        let started = shared.clock.read();
        let writer = store.cells.writer(row, store.cells.current_shard());
        store.counts.start(writer);
        if let Some(bytes) = request_bytes {
            observe(writer, store.layout.request_size, &store.size_buckets, bytes);
        }
        Self {
            shared: Arc::clone(shared),
            peer,
            row,
            key: Key::new(method, template),
            started,
            received: 0,
            to_headers: 0,
            declared: u64::MAX,
            phase: Phase::Called,
            trace: Trace::default(),
        }
    }

    /// Adds the context of the trace to the request, and starts a span if the trace is sampled.
    #[inline]
    pub(super) fn start_trace<B>(&mut self, request: &mut Request<B>) {
        let peer = self.shared.peers[self.peer].peer.as_ref();
        self.trace = Trace::start(&self.shared.traces, self.key, peer, request);
    }

    /// Records that the call of the client has returned.
    #[inline]
    pub(super) fn called(&mut self) {
        self.phase = Phase::Waiting;
    }

    /// Records the response head. Returns whether the response ends with it.
    #[inline]
    pub(super) fn head<C: Body>(&mut self, response: &Response<C>) -> bool {
        let body = response.body();
        let exact = body.size_hint().exact();
        self.read_head(ResponseHead::of(response), response.version(), exact)
            || body.is_end_stream()
    }

    #[inline(never)]
    fn read_head(
        &mut self,
        head: ResponseHead<'_>,
        version: Version,
        exact_size: Option<u64>,
    ) -> bool {
        let store = &self.shared.store;
        let nanos = self.shared.clock.nanos_since(self.started);
        self.to_headers = nanos;
        let writer = store.cells.writer(self.row, store.cells.current_shard());
        observe(writer, store.layout.to_headers, &store.duration_buckets, nanos);

        let status = head.status;
        let (mut outcome, mut cause) = (CallOutcome::of_status(status), Cause::STATUS);
        // A body of known size is no stream of gRPC messages.
        let may_be_grpc = exact_size.is_none_or(|size| size == 0);
        let content_type = || head.headers.get(header::CONTENT_TYPE);
        let mut grpc = may_be_grpc
            && outcome == CallOutcome::Ok
            && content_type().is_some_and(|value| is_grpc(value.as_bytes()));
        let is_grpc = grpc;
        if grpc && let Some(value) = head.headers.get("grpc-status") {
            (outcome, cause) = of_grpc(value);
            grpc = false;
        }
        if !head.extensions.is_empty() && head.extensions.get::<Shed>().is_some() {
            (outcome, cause, grpc) =
                (CallOutcome::Shed, Cause::failure(super::CallFailure::Shed), false);
        }
        self.phase = Phase::Body { head: (status, version), outcome, cause, grpc };
        let head_only = self.key.method() == "HEAD" || has_no_body(status);
        // The trailers of a gRPC call follow after its last byte.
        if !is_grpc && !head_only {
            let declared = exact_size.or_else(|| content_length(head.headers));
            self.declared = declared.unwrap_or(u64::MAX);
        }
        head_only || self.declared == 0
    }

    /// Records a frame of the response body. Returns whether it was the last.
    #[inline]
    pub(super) fn frame<D: Buf>(&mut self, frame: &Frame<D>) -> bool {
        if let Some(data) = frame.data_ref() {
            self.received = self.received.saturating_add(data.remaining() as u64);
            return self.received >= self.declared;
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers(trailers);
            return true;
        }
        false
    }

    fn trailers(&mut self, trailers: &HeaderMap) {
        if let (Phase::Body { outcome, cause, grpc: grpc @ true, .. }, Some(status)) =
            (&mut self.phase, trailers.get("grpc-status"))
        {
            (*outcome, *cause) = of_grpc(status);
            *grpc = false;
        }
    }

    /// Ends the call where the body ended without an error.
    #[inline]
    pub(super) fn complete(&mut self) {
        // A call that has ended does not end again.
        let Phase::Body { outcome, cause, grpc, .. } = self.phase else { return };
        let (outcome, cause) = if grpc {
            // A gRPC call that ends without a status is UNKNOWN for its caller.
            (CallOutcome::of_grpc(2), Cause::grpc(2))
        } else if self.declared != u64::MAX && self.received < self.declared {
            // hyper reads RST_STREAM with NO_ERROR as a clean end.
            (CallOutcome::Error, Cause::failure(super::CallFailure::Closed))
        } else {
            (outcome, cause)
        };
        self.end(outcome, cause);
    }

    /// Ends the call with an error of the client or of the body.
    #[cold]
    pub(super) fn failed(&mut self, error: &(dyn Error + 'static)) {
        let failure = self.shared.failure(error);
        let in_body = matches!(self.phase, Phase::Body { .. });
        self.end(failure.outcome(in_body), Cause::failure(failure));
    }

    /// Ends the call with a panic, before the head or in the body.
    #[cold]
    pub(super) fn panicked(&mut self) {
        self.end(CallOutcome::Panic, Cause::PANIC);
    }

    #[inline(never)]
    fn end(&mut self, outcome: CallOutcome, cause: Cause) {
        let head = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Called | Phase::Waiting => None,
            Phase::Body { head, .. } => Some(head),
        };
        let Self { shared, key, .. } = self;
        let (store, series) = (&shared.store, &shared.peers[self.peer]);
        let nanos = shared.clock.nanos_since(self.started);
        let key = key.with_end(head, cause);
        let shard = store.cells.current_shard();
        let duration = store.duration_cells(series, key);
        observe(store.cells.writer(duration, shard), 0, &store.duration_buckets, nanos);
        if let Some(link) = self.trace.link() {
            use sre_kit_metrics::internal::BucketsInternals as _;
            let (bucket, _) = store.duration_buckets.bucket_and_sum(nanos);
            store.exemplars(series, key).offer(bucket, nanos, link);
        }
        let writer = store.cells.writer(self.row, shard);
        if head.is_some() {
            observe(writer, store.layout.response_size, &store.size_buckets, self.received);
        }
        for slo in &series.slos {
            let of = (key.template(), key.method_index());
            slo.count(of, outcome, nanos, head.map(|_| self.to_headers));
        }
        self.trace.end(head.map(|(status, _)| status), key, outcome);
        // The outcome comes last: a scrape that sees it also sees the rest of the call.
        Counts::end(writer, outcome as usize);
    }
}

fn of_grpc(value: &http::HeaderValue) -> (CallOutcome, Cause) {
    let code = grpc_code(value);
    (CallOutcome::of_grpc(code), Cause::grpc(code))
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        match self.phase {
            Phase::Ended => {}
            Phase::Called => self.panicked(),
            Phase::Waiting | Phase::Body { .. } => {
                self.end(CallOutcome::Canceled, Cause::CANCELED);
            }
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("phase", &self.phase).finish_non_exhaustive()
    }
}
