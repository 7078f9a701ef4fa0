//! The console events of Windows: the first one begins the shutdown, the second one ends the
//! process.

use tokio::sync::oneshot;

/// Sends the name of the first event to `first`, and calls `end` at the second one.
async fn forward(
    mut next: impl AsyncFnMut() -> &'static str,
    first: oneshot::Sender<&'static str>,
    end: impl FnOnce(),
) {
    // The receiver is gone if the lifecycle was dropped. The second event still ends the process.
    let _ = first.send(next().await);
    next().await;
    end();
}

#[cfg(windows)]
mod windows {
    use std::future::poll_fn;
    use std::io;
    use std::task::Poll;

    use tokio::signal::windows;
    use tokio::sync::oneshot;

    use super::super::alarm::Alarm;
    use super::super::shutdown_handle::ShutdownHandle;
    use super::super::shutdown_reason::ShutdownReason;
    use super::forward;

    /// The installed handler of the console events.
    #[derive(Debug)]
    pub(in crate::lifecycle) struct SignalHandlers {
        first: oneshot::Receiver<&'static str>,
    }

    impl SignalHandlers {
        /// Installs the handler of Ctrl-C, Ctrl-Break, and of closing the console, logging off and
        /// shutting down.
        ///
        /// A thread of its own waits for the events, so that the second one ends the process even
        /// if every thread of the runtime hangs. After the last three, Windows ends the process by
        /// itself when its time is up.
        ///
        /// # Errors
        ///
        /// Returns an error if the system refuses the handler or the thread.
        pub(in crate::lifecycle) fn install(
            second_signal_code: u8,
            alarm: Option<&Alarm>,
        ) -> io::Result<Self> {
            let alarm = alarm.cloned();
            let (mut interrupt, mut ctrl_break) = (windows::ctrl_c()?, windows::ctrl_break()?);
            let (mut close, mut logoff) = (windows::ctrl_close()?, windows::ctrl_logoff()?);
            let mut shutdown = windows::ctrl_shutdown()?;
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let (first, received) = oneshot::channel();
            let next = async move || {
                let name = poll_fn(|cx| {
                    let name = if interrupt.poll_recv(cx).is_ready() {
                        "Ctrl-C"
                    } else if ctrl_break.poll_recv(cx).is_ready() {
                        "Ctrl-Break"
                    } else if close.poll_recv(cx).is_ready() {
                        "CTRL_CLOSE_EVENT"
                    } else if logoff.poll_recv(cx).is_ready() {
                        "CTRL_LOGOFF_EVENT"
                    } else if shutdown.poll_recv(cx).is_ready() {
                        "CTRL_SHUTDOWN_EVENT"
                    } else {
                        return Poll::Pending;
                    };
                    Poll::Ready(name)
                })
                .await;
                if let Some(alarm) = &alarm {
                    alarm.ring();
                }
                name
            };
            #[expect(clippy::disallowed_methods, reason = "a second signal gives up the drain")]
            let end = move || std::process::exit(i32::from(second_signal_code));
            std::thread::Builder::new()
                .name("console-events".to_owned())
                .spawn(move || runtime.block_on(forward(next, first, end)))?;
            Ok(Self { first: received })
        }

        /// Waits for the first event, and then begins the shutdown.
        pub(in crate::lifecycle) async fn watch(self, handle: ShutdownHandle) {
            if let Ok(name) = self.first.await {
                handle.begin(ShutdownReason::Signal(name));
            }
        }
    }
}

#[cfg(windows)]
pub(super) use windows::SignalHandlers;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::{mpsc, oneshot};

    use super::forward;

    #[tokio::test]
    async fn the_first_event_is_reported_and_the_second_ends_the_process() {
        for has_receiver in [true, false] {
            let (send, mut events) = mpsc::unbounded_channel();
            let (first, received) = oneshot::channel();
            let received = has_receiver.then_some(received);
            let ended = Cell::new(false);
            let next = async || events.recv().await.expect("two are sent");
            let forwarded = forward(next, first, || ended.set(true));
            tokio::join!(forwarded, async {
                send.send("Ctrl-Break").expect("received");
                if let Some(received) = received {
                    assert_eq!(received.await, Ok("Ctrl-Break"));
                } else {
                    tokio::task::yield_now().await;
                }
                assert!(!ended.get());
                send.send("Ctrl-C").expect("received");
            });
            assert!(ended.get());
        }
    }
}
