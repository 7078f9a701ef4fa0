//! Drives one connection: polls hyper, watches the clock and the server's phase.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::BoxError;

use super::connection::Conn;
use super::shared::Phase;

/// How long a connection that has not yet asked anything is listened to once
/// nothing is accepted any more: its first request may be on the way.
pub(super) const LAST_CHANCE: Duration = Duration::from_millis(200);

/// One of hyper's connections. (The trait of `hyper-util` for the same leaves
/// out HTTP/1 with upgrades.)
pub(super) trait Connection: Future<Output = hyper::Result<()>> {
    /// Finishes what is under way, takes nothing new.
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, B, S> Connection for http1::UpgradeableConnection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    I: Read + Write + Unpin + Send + 'static,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

impl<I, B, S, E> Connection for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    I: Read + Write + Unpin + 'static,
    B: Body + 'static,
    B::Error: Into<BoxError>,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

/// How a connection came to its end.
pub(super) enum Ended {
    /// In agreement with the client, or handed to an upgrade handler.
    Done,
    /// A request head did not arrive in time.
    HeaderTimeout,
    /// The client left in the middle of a request head.
    Incomplete,
    /// The socket failed.
    Io(io::Error),
    /// Hyper gave up on it.
    Hyper(hyper::Error),
    /// The service panicked.
    Panic,
    /// The drain was over before it was.
    Unfinished,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::HeaderTimeout => f.write_str("no request head arrived in time"),
            Self::Incomplete => f.write_str("the client left in the middle of a request head"),
            Self::Io(error) => error.fmt(f),
            Self::Hyper(error) => match error.source() {
                Some(source) => write!(f, "{error}: {source}"),
                None => error.fmt(f),
            },
            Self::Panic => f.write_str("the service panicked"),
            Self::Unfinished => f.write_str("the drain was over"),
        }
    }
}

/// What the timer of a connection is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// A request is under way: its time is not ours to bound.
    Nothing,
    /// For the rest of a request head.
    Head,
    /// For the next request.
    Next,
    /// For a first request that may be on the way.
    LastChance,
}

pin_project! {
    /// A connection until hyper is done with it.
    ///
    /// Hyper's own header timeout also closes connections that are idle between
    /// requests. Load balancers keep those for minutes and take a close for a
    /// failed request, so there are two bounds here, and hyper's is off.
    pub(super) struct Drive<C> {
        #[pin]
        hyper: C,
        #[pin]
        timer: Sleep,
        conn: Arc<Conn>,
        multiplexed: bool,
        closing: bool,
        wait: Wait,
        begun: u64,
    }
}

impl<C> Drive<C> {
    pub(super) fn new(hyper: C, conn: Arc<Conn>) -> Self {
        let multiplexed = conn.is_multiplexed();
        let timer = sleep(Duration::ZERO);
        Self { hyper, timer, conn, multiplexed, closing: false, wait: Wait::Nothing, begun: 0 }
    }
}

impl<C> Future for Drive<C>
where
    C: Connection,
{
    type Output = Ended;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let mut this = self.project();
        let conn = &**this.conn;
        loop {
            // Registered before looking, so that no phase is missed.
            conn.waker.register(cx.waker());
            let phase = conn.shared.phase();
            if phase >= Phase::Cut {
                return Poll::Ready(Ended::Unfinished);
            }
            // First, so that a request that is already in the socket is served.
            if let Poll::Ready(result) = this.hyper.as_mut().poll(cx) {
                return Poll::Ready(result.map_or_else(Ended::Hyper, |()| Ended::Done));
            }
            let (begun, active, reading) = (conn.begun(), conn.active(), conn.is_reading());
            let waits_for_head = active == 0 && !*this.multiplexed && (reading || begun == 0);
            let close = match phase {
                Phase::Open | Phase::Cut | Phase::Aborted => false,
                // An HTTP/1 response says so itself. GOAWAY lets in what was sent
                // before it arrived; a connection may ask once before it gets one.
                Phase::Announced => *this.multiplexed && begun > 0,
                Phase::Closing => !waits_for_head,
            };
            if close && !*this.closing {
                *this.closing = true;
                this.hyper.as_mut().graceful_shutdown();
                continue;
            }
            let wait = if active > 0 {
                Wait::Nothing
            } else if waits_for_head && begun == 0 && !reading && phase == Phase::Closing {
                Wait::LastChance
            } else if waits_for_head {
                Wait::Head
            } else if *this.closing {
                Wait::Nothing
            } else {
                Wait::Next
            };
            let settings = &conn.shared.settings;
            let bound = match wait {
                Wait::Nothing => {
                    *this.wait = wait;
                    return Poll::Pending;
                }
                Wait::Head => settings.header_read_timeout,
                Wait::Next => settings.idle_timeout,
                Wait::LastChance => LAST_CHANCE,
            };
            if (wait, begun) != (*this.wait, *this.begun) {
                (*this.wait, *this.begun) = (wait, begun);
                this.timer.as_mut().reset(Instant::now() + bound);
            }
            if this.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match wait {
                Wait::Head => return Poll::Ready(Ended::HeaderTimeout),
                Wait::LastChance => return Poll::Ready(Ended::Done),
                Wait::Next | Wait::Nothing => {
                    *this.closing = true;
                    this.hyper.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
