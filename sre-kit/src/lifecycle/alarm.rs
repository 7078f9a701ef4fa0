//! The alarm that wakes the watchdog, also from within a signal handler.

#[cfg(unix)]
pub(super) use unix::Alarm;

#[cfg(not(unix))]
pub(super) use other::Alarm;

#[cfg(unix)]
mod unix {
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;

    /// Rings at the beginning of the shutdown.
    ///
    /// It is a socket because a signal handler may write to one, and because the thread that waits
    /// for it needs nothing of the runtime.
    #[derive(Debug)]
    pub(in crate::lifecycle) struct Alarm(UnixStream);

    /// Waits for the alarm.
    pub(in crate::lifecycle) struct Wait(UnixStream);

    impl Alarm {
        /// # Errors
        ///
        /// Returns an error if the system refuses a pair of sockets.
        pub(in crate::lifecycle) fn new() -> io::Result<(Self, Wait)> {
            let (alarm, wait) = UnixStream::pair()?;
            Ok((Self(alarm), Wait(wait)))
        }

        /// Rings. Only the first time matters.
        pub(in crate::lifecycle) fn ring(&self) {
            let _ = (&self.0).write(&[1]);
        }

        /// Rings at each `signal` from now on.
        ///
        /// # Errors
        ///
        /// Returns an error if the system refuses the handler.
        pub(in crate::lifecycle) fn ring_at(&self, signal: i32) -> io::Result<()> {
            signal_hook::low_level::pipe::register(signal, self.0.try_clone()?).map(drop)
        }
    }

    impl Wait {
        /// Blocks until the alarm rings. Returns `false` if it cannot ring any more.
        pub(in crate::lifecycle) fn until_rung(mut self) -> bool {
            // `read_exact` reads on after an interruption by a signal.
            self.0.read_exact(&mut [0]).is_ok()
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::sync::mpsc::{self, Receiver, Sender};

    /// Rings at the beginning of the shutdown.
    #[derive(Clone, Debug)]
    pub(in crate::lifecycle) struct Alarm(Sender<()>);

    /// Waits for the alarm.
    pub(in crate::lifecycle) struct Wait(Receiver<()>);

    impl Alarm {
        #[allow(clippy::unnecessary_wraps, reason = "as on Unix, where a pipe can fail")]
        pub(in crate::lifecycle) fn new() -> io::Result<(Self, Wait)> {
            let (alarm, wait) = mpsc::channel();
            Ok((Self(alarm), Wait(wait)))
        }

        /// Rings. Only the first time matters.
        pub(in crate::lifecycle) fn ring(&self) {
            let _ = self.0.send(());
        }
    }

    impl Wait {
        /// Blocks until the alarm rings. Returns `false` if it cannot ring any more.
        pub(in crate::lifecycle) fn until_rung(self) -> bool {
            self.0.recv().is_ok()
        }
    }
}
