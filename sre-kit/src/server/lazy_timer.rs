//! A timer whose deadline usually moves on before it is reached.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A timer whose deadline usually moves on before it is reached.
    ///
    /// The time between two requests is bounded anew for each of them. Setting tokio's timer takes a
    /// lock and several hundred instructions, so it is set anew only for an earlier deadline. When it
    /// fires before a deadline that has moved on, it is set to that one.
    pub(super) struct LazyTimer {
        deadline: Option<Instant>,
        // When `sleep` fires. It is never later than the deadline.
        fires_at: Option<Instant>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl LazyTimer {
    /// Creates a timer without a deadline.
    pub(super) fn new() -> Self {
        Self { deadline: None, fires_at: None, sleep: None }
    }

    /// Moves the deadline.
    pub(super) fn set(self: Pin<&mut Self>, deadline: Instant) {
        *self.project().deadline = Some(deadline);
    }

    /// Polls for the deadline that was set last.
    ///
    /// Wakes the task that polled when the timer was set, which has to be the one that polls later
    /// as well.
    pub(super) fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(deadline) = *this.deadline else { return Poll::Pending };
        loop {
            match *this.fires_at {
                Some(fires_at) if fires_at <= deadline => {
                    let sleep = this.sleep.as_mut().as_pin_mut();
                    if !sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed()) {
                        return Poll::Pending;
                    }
                    if fires_at == deadline || deadline <= Instant::now() {
                        return Poll::Ready(());
                    }
                }
                _ => {}
            }
            match this.sleep.as_mut().as_pin_mut() {
                Some(sleep) => sleep.reset(deadline),
                None => this.sleep.set(Some(sleep_until(deadline))),
            }
            *this.fires_at = Some(deadline);
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
                // Registers the task, and sees a deadline that has passed.
                ready!(sleep.poll(cx));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::LazyTimer;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_ends_at_the_deadline_that_was_set_last() {
        for deadlines in [&[5][..], &[5, 8], &[8, 5], &[5, 8, 6, 9], &[9, 2, 7]] {
            let start = Instant::now();
            let mut timer = pin!(LazyTimer::new());
            for seconds in deadlines {
                timer.as_mut().set(start + *seconds * SECOND);
                let polled = poll_fn(|cx| Poll::Ready(timer.as_mut().poll_deadline(cx)));
                assert!(polled.await.is_pending());
            }
            poll_fn(|cx| timer.as_mut().poll_deadline(cx)).await;
            let last = *deadlines.last().expect("not empty");
            assert_eq!(start.elapsed().as_secs(), u64::from(last), "{deadlines:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_ends_it_at_once() {
        let mut timer = pin!(LazyTimer::new());
        let past = Instant::now();
        advance(SECOND).await;
        timer.as_mut().set(past);
        poll_fn(|cx| timer.as_mut().poll_deadline(cx)).await;
        assert_eq!(past.elapsed(), SECOND);
        // It stays so until another one is set.
        poll_fn(|cx| timer.as_mut().poll_deadline(cx)).await;
        timer.as_mut().set(past + 3 * SECOND);
        poll_fn(|cx| timer.as_mut().poll_deadline(cx)).await;
        assert_eq!(past.elapsed(), 3 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_ends_without_a_deadline() {
        let mut timer = pin!(LazyTimer::new());
        let ends = poll_fn(|cx| timer.as_mut().poll_deadline(cx));
        assert!(tokio::time::timeout(3_600 * SECOND, ends).await.is_err());
    }
}
