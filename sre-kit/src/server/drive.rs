//! The future that drives one connection: it polls hyper, and watches the timeouts and the
//! server's phase.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::connection::Connection;
use super::connection_end::ConnectionEnd;
use super::hyper_connection::HyperConnection;
use super::phase::Phase;

/// How long a connection without a request stays open once no connection is accepted any more: its
/// first request may be on the way.
pub(super) const FIRST_REQUEST_TIME: Duration = Duration::from_millis(200);

/// The event that the timer of a connection bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// None: requests are in flight, whose duration is not limited here, or hyper is ending the
    /// connection.
    Unbounded,
    /// The rest of a request head.
    Head,
    /// The next request.
    NextRequest,
    /// A first request that may be on the way while the server closes.
    FirstRequest,
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
        timer: Sleep,
        connection: Arc<Connection>,
        multiplexed: bool,
        closing: bool,
        wait: Wait,
        requests_started: u64,
    }
}

impl<C> Drive<C> {
    pub(super) fn new(hyper: C, connection: Arc<Connection>) -> Self {
        let multiplexed = connection.state.is_multiplexed();
        Self {
            hyper,
            timer: sleep(Duration::ZERO),
            connection,
            multiplexed,
            closing: false,
            wait: Wait::Unbounded,
            requests_started: 0,
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
            // In this order: a request is in flight before it counts as started.
            let started = state.requests_started();
            let in_flight = state.requests_in_flight();
            let reading = state.is_reading_head();
            let waits_for_head = in_flight == 0 && !*this.multiplexed && (reading || started == 0);
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
            let wait = if in_flight > 0 {
                Wait::Unbounded
            } else if waits_for_head && started == 0 && !reading && phase == Phase::Closing {
                Wait::FirstRequest
            } else if waits_for_head {
                Wait::Head
            } else if *this.closing {
                Wait::Unbounded
            } else {
                Wait::NextRequest
            };
            let settings = &shared.settings;
            let bound = match wait {
                Wait::Unbounded => {
                    *this.wait = wait;
                    return Poll::Pending;
                }
                Wait::Head => settings.header_read_timeout,
                Wait::NextRequest => settings.idle_timeout,
                Wait::FirstRequest => FIRST_REQUEST_TIME,
            };
            if (wait, started) != (*this.wait, *this.requests_started) {
                (*this.wait, *this.requests_started) = (wait, started);
                this.timer.as_mut().reset(Instant::now() + bound);
            }
            if this.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match wait {
                Wait::Head => return Poll::Ready(ConnectionEnd::HeaderTimeout),
                Wait::FirstRequest => return Poll::Ready(ConnectionEnd::Done),
                Wait::NextRequest | Wait::Unbounded => {
                    *this.closing = true;
                    this.hyper.as_mut().start_graceful_shutdown();
                }
            }
        }
    }
}
