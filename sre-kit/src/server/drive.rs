//! The future that drives one connection: it polls hyper, and watches the timeouts and the
//! server's phase.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::connection::Connection;
use super::connection_end::ConnectionEnd;
use super::hyper_connection::HyperConnection;
use super::lazy_timer::LazyTimer;
use super::phase::Phase;

/// How long a connection without a request stays open once no connection is accepted any more: its
/// first request may be on the way.
pub(super) const FIRST_REQUEST_TIME: Duration = Duration::from_millis(200);

/// How long an HTTP/2 client without a request has to answer the GOAWAY. A live one answers within
/// a round trip; for one that is gone, nothing is lost.
const END_TIME: Duration = Duration::from_secs(2);

/// The event that the timer of a connection bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// None: requests are in flight, whose duration is not limited here.
    Unbounded,
    /// The rest of a request head.
    Head,
    /// The next request.
    NextRequest,
    /// More of a request body that outlives its response.
    Upload,
    /// A first request that may be on the way while the server closes.
    FirstRequest,
    /// The client, to read what is written.
    Write,
    /// The end of a connection without a request, for which an HTTP/2 client has to answer.
    End,
}

pin_project! {
    /// The future of one connection, ready when hyper releases it.
    ///
    /// Hyper's own header timeout also closes connections that are idle between two requests. Load
    /// balancers keep those for minutes and treat a close as a failed request, so there are two
    /// timeouts here, and hyper's is off.
    pub(super) struct Drive<C> {
        #[pin]
        hyper: C,
        #[pin]
        timer: LazyTimer,
        connection: Arc<Connection>,
        multiplexed: bool,
        closing: bool,
        wait: Wait,
        // What the wait began with: a wait for another request, or after progress, begins anew.
        mark: u64,
        first_head: Instant,
    }
}

impl<C> Drive<C> {
    /// Drives `connection`, whose first request head has to arrive until `first_head`.
    pub(super) fn new(hyper: C, connection: Arc<Connection>, first_head: Instant) -> Self {
        let multiplexed = connection.state.is_multiplexed();
        Self {
            hyper,
            timer: LazyTimer::new(),
            connection,
            multiplexed,
            closing: false,
            wait: Wait::Unbounded,
            mark: 0,
            first_head,
        }
    }
}

impl<C: HyperConnection> Future for Drive<C> {
    type Output = ConnectionEnd;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ConnectionEnd> {
        let mut this = self.project();
        let Connection { shared, state, .. } = &**this.connection;
        loop {
            // Registered before the phase is read, so that no change of it is missed.
            state.waker.register(cx.waker());
            let phase = shared.phase();
            if phase >= Phase::Cut {
                return Poll::Ready(ConnectionEnd::Unfinished);
            }
            // Before the phase is acted on, so that a request that is already in the socket is
            // served.
            if let Poll::Ready(result) = this.hyper.as_mut().poll(cx) {
                return Poll::Ready(
                    result.map_or_else(ConnectionEnd::Hyper, |()| ConnectionEnd::Done),
                );
            }
            if state.is_evicted() {
                return Poll::Ready(ConnectionEnd::Evicted);
            }
            // In this order: a request is in flight before it counts as started.
            let started = state.requests_started();
            let in_use = state.is_in_use();
            let reading = state.is_reading_head();
            let waits_for_head = !in_use && !*this.multiplexed && (reading || started == 0);
            let close = match phase {
                Phase::Open | Phase::Cut | Phase::Aborted => false,
                // HTTP/1 responses carry `Connection: close` instead. An HTTP/2 connection gets
                // its GOAWAY after its first request; requests sent before it arrives are served.
                Phase::Announced => *this.multiplexed && started > 0,
                Phase::Closing => !waits_for_head,
            };
            if close && !*this.closing {
                *this.closing = true;
                this.hyper.as_mut().start_graceful_shutdown();
                continue;
            }
            let blocked_since = state.write_blocked_since();
            let (wait, mark) = if let Some(since) = blocked_since {
                (Wait::Write, since)
            } else if state.requests_in_flight() > 0 {
                (Wait::Unbounded, 0)
            } else if in_use {
                (Wait::Upload, state.reads())
            } else if waits_for_head && started == 0 && !reading && phase == Phase::Closing {
                (Wait::FirstRequest, started)
            } else if waits_for_head {
                (Wait::Head, started)
            } else if *this.closing {
                (Wait::End, state.writes())
            } else {
                (Wait::NextRequest, started)
            };
            let settings = &shared.settings;
            let bound = match wait {
                Wait::Unbounded => {
                    *this.wait = wait;
                    return Poll::Pending;
                }
                Wait::Head => settings.header_read_timeout,
                Wait::NextRequest | Wait::Upload => settings.idle_timeout,
                Wait::FirstRequest => FIRST_REQUEST_TIME,
                Wait::Write => settings.write_timeout,
                Wait::End => END_TIME,
            };
            if (wait, mark) != (*this.wait, *this.mark) {
                (*this.wait, *this.mark) = (wait, mark);
                let first_head = wait == Wait::Head && started == 0;
                let deadline = if first_head { *this.first_head } else { Instant::now() + bound };
                this.timer.as_mut().set(deadline);
                state.set_idle_since(shared.clock_millis());
            }
            ready!(this.timer.as_mut().poll_deadline(cx));
            match wait {
                Wait::Head => return Poll::Ready(ConnectionEnd::HeaderTimeout),
                Wait::Write => return Poll::Ready(ConnectionEnd::WriteTimeout),
                Wait::FirstRequest | Wait::End | Wait::Upload => {
                    return Poll::Ready(ConnectionEnd::Done);
                }
                Wait::NextRequest | Wait::Unbounded => {
                    *this.closing = true;
                    this.hyper.as_mut().start_graceful_shutdown();
                }
            }
        }
    }
}
