//! The handlers of SIGTERM and SIGINT: the first signal begins the shutdown, the second one ends
//! the process.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};

use super::alarm::Alarm;
use super::shutdown_handle::ShutdownHandle;
use super::shutdown_reason::ShutdownReason;

/// The installed signal handlers.
#[derive(Debug)]
pub(super) struct SignalHandlers {
    /// Whether a signal has arrived.
    seen: Arc<AtomicBool>,
}

impl SignalHandlers {
    /// Installs the handlers of both signals, which ring `alarm` as well.
    ///
    /// The second signal ends the process in the signal handler itself, which works even if every
    /// thread of the runtime hangs. The handlers stay installed after the shutdown, because the
    /// runtime can hang while it is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if the system refuses a handler.
    pub(super) fn install(second_signal_code: u8, alarm: Option<&Alarm>) -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;

        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal must pass the conditional shutdown before it is
            // marked as seen.
            let code = i32::from(second_signal_code);
            flag::register_conditional_shutdown(signal, code, Arc::clone(&seen))?;
            flag::register(signal, Arc::clone(&seen))?;
            if let Some(alarm) = alarm {
                alarm.ring_at(signal)?;
            }
        }
        Ok(Self { seen })
    }

    /// Waits for the first signal, and then begins the shutdown.
    pub(super) async fn watch(self, handle: ShutdownHandle) {
        use tokio::signal::unix::{SignalKind, signal};

        let (terminate, interrupt) = match (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => {
                // The runtime was built without its IO driver.
                tracing::error!(%error, "cannot listen for signals: no drain will begin by one");
                return;
            }
        };
        let (mut terminate, mut interrupt) = (terminate, interrupt);
        if self.seen.load(Ordering::SeqCst) {
            // A signal arrived between `install` and now. Its name is not known any more.
            handle.begin(ShutdownReason::Signal("signal during startup"));
            return;
        }
        let name = match select(pin!(terminate.recv()), pin!(interrupt.recv())).await {
            Either::Left(_) => "SIGTERM",
            Either::Right(_) => "SIGINT",
        };
        handle.begin(ShutdownReason::Signal(name));
    }
}
