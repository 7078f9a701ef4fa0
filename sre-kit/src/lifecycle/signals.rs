//! SIGTERM and SIGINT: the first begins the drain, the second ends the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::trigger::{ShutdownHandle, ShutdownReason};

/// Signals that are taken care of from the moment this is made.
#[derive(Debug)]
pub(super) struct Signals {
    seen: Arc<AtomicBool>,
}

#[cfg(unix)]
impl Signals {
    /// Takes over both signals.
    ///
    /// The second one ends the process in the signal handler itself, so that it
    /// works when every thread of the runtime is stuck. It stays so when the
    /// shutdown is over, for what the runtime does after that can be stuck too.
    pub(super) fn install(second_signal_code: u8) -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;

        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal passes here before it is marked as seen.
            let code = i32::from(second_signal_code);
            flag::register_conditional_shutdown(signal, code, Arc::clone(&seen))?;
            flag::register(signal, Arc::clone(&seen))?;
        }
        Ok(Self { seen })
    }

    /// Begins the shutdown at the first signal. Runs until then.
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
            // It came between `install` and now; which one is not known any more.
            handle.begin(ShutdownReason::Signal("signal during startup"));
            return;
        }
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        handle.begin(ShutdownReason::Signal(name));
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn install(_second_signal_code: u8) -> io::Result<Self> {
        Ok(Self { seen: Arc::default() })
    }

    pub(super) async fn watch(self, handle: ShutdownHandle) {
        match tokio::signal::ctrl_c().await {
            Ok(()) => handle.begin(ShutdownReason::Signal("Ctrl-C")),
            Err(error) => tracing::error!(%error, "cannot listen for Ctrl-C"),
        }
        self.seen.store(true, Ordering::SeqCst);
    }
}
