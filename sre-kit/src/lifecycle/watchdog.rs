//! The watchdog: a thread that ends the process if the shutdown does not end by itself.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::progress::Progress;

/// The time beyond the three bounds after which the watchdog ends the process.
///
/// The phases take at most 1.5 s beyond the bounds, and a grace period holds at least 2 s more than
/// the bounds: the watchdog acts between the two, before the platform sends SIGKILL.
const BEYOND_BOUNDS: Duration = Duration::from_millis(1800);

/// The time that the last log line has to be written. A thread that hangs may hold the lock of the
/// log's writer.
const LOG_TIME: Duration = Duration::from_millis(100);

/// A thread that ends the process if it has not ended some time after the shutdown began.
///
/// It needs neither a worker nor a timer of the runtime, and it outlives the runtime.
pub(super) struct Watchdog {
    /// The sum of the three bounds.
    pub(super) bounds: Duration,
    pub(super) exit_code: u8,
    pub(super) progress: Arc<Progress>,
}

impl Watchdog {
    /// Starts the thread, and returns the alarm that begins its watch.
    ///
    /// It is started long before it is needed, because the system may refuse threads later.
    ///
    /// # Errors
    ///
    /// Returns an error if the system refuses the thread or a pair of sockets.
    pub(super) fn start(self) -> io::Result<Alarm> {
        let (alarm, wait) = Alarm::new()?;
        std::thread::Builder::new().name("shutdown-watchdog".to_owned()).spawn(move || {
            if wait.until_rung() {
                self.watch(Instant::now());
            }
        })?;
        Ok(alarm)
    }

    fn watch(self, began: Instant) {
        #[expect(clippy::disallowed_methods, reason = "the thread is the watchdog's own")]
        std::thread::sleep(self.bounds + BEYOND_BOUNDS);
        let code = self.exit_code;
        if let Ok(logged) = self.log(began) {
            // A log that hangs does not keep the process.
            let _ = logged.recv_timeout(LOG_TIME);
        }
        end_process(code);
    }

    /// Logs the end on a thread of its own. The receiver gets a message when that is done.
    fn log(self, began: Instant) -> io::Result<Receiver<()>> {
        let (done, logged) = mpsc::channel();
        std::thread::Builder::new().spawn(move || {
            let phase = self.progress.phases().last().map_or("none", |(phase, _)| phase.as_str());
            tracing::error!(
                state = %self.progress.state(),
                last_phase = phase,
                seconds = began.elapsed().as_secs_f64(),
                code = self.exit_code,
                "the process did not end within the bounds of the shutdown and is ended now; look \
                 for code that blocks a worker, and for blocking calls that do not return"
            );
            let _ = done.send(());
        })?;
        Ok(logged)
    }
}

/// Ends the process at once, as a second signal does: without destructors and exit handlers, each
/// of which could hang.
fn end_process(code: u8) -> ! {
    let code = i32::from(code);
    #[cfg(unix)]
    signal_hook::low_level::exit(code);
    #[cfg(not(unix))]
    #[expect(clippy::disallowed_methods, reason = "what did not end by itself is given up")]
    std::process::exit(code);
}
