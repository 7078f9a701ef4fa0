//! The final flush of a process, within one deadline.

use std::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

/// The result of flushing one signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlushStatus {
    /// Everything was exported.
    Done,
    /// The collector did not accept the rest, which is lost and counted as failed or dropped.
    Failed,
    /// The deadline passed before the flush had ended.
    TimedOut,
}

impl FlushStatus {
    /// Returns the status in words: `flushed`, `failed` or `timed out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "flushed",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
        }
    }
}

impl fmt::Display for FlushStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The result of flushing all signals. It lists only signals that are exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlushReport {
    signals: Vec<(&'static str, FlushStatus)>,
}

impl FlushReport {
    /// Returns whether every signal was flushed completely.
    pub fn is_complete(&self) -> bool {
        self.signals.iter().all(|(_, status)| *status == FlushStatus::Done)
    }

    /// Returns the signals, `traces`, `logs` or `metrics`, with their status.
    pub fn signals(&self) -> impl Iterator<Item = (&'static str, FlushStatus)> {
        self.signals.iter().copied()
    }
}

impl fmt::Display for FlushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (signal, status)) in self.signals.iter().enumerate() {
            write!(f, "{}{signal} {status}", if i == 0 { "" } else { ", " })?;
        }
        if self.signals.is_empty() { f.write_str("nothing is exported") } else { Ok(()) }
    }
}

/// A function that flushes and stops the export of one signal. It may block up to its budget, and
/// longer.
pub(crate) type ShutdownHook = Box<dyn FnOnce(Duration) -> OTelSdkResult + Send>;

/// The hooks, with the name of their signal.
pub(crate) type ShutdownHooks = Vec<(&'static str, ShutdownHook)>;

/// A function that keeps the metrics of this moment, to be pushed by the shutdown.
pub(crate) type KeepMetrics = Box<dyn Fn() + Send>;

/// Runs all hooks at the same time, each on its own thread, and waits for at most `budget`.
///
/// It uses threads instead of `spawn_blocking`, because a runtime whose blocking threads are all
/// busy, or which is shutting down, would never run the hooks.
pub(crate) fn run_shutdown_hooks(hooks: ShutdownHooks, budget: Duration) -> FlushReport {
    let deadline = Instant::now() + budget;
    let (done, results) = mpsc::channel();
    let mut report = FlushReport::default();
    for (signal, hook) in hooks {
        report.signals.push((signal, FlushStatus::TimedOut));
        let done = done.clone();
        let thread = std::thread::Builder::new().name(format!("flush-{signal}"));
        let spawned = thread.spawn(move || {
            let status = match hook(budget) {
                Ok(()) | Err(OTelSdkError::AlreadyShutdown) => FlushStatus::Done,
                // The SDK's providers report a timeout as a plain failure.
                Err(_) if Instant::now() >= deadline => FlushStatus::TimedOut,
                Err(_) => FlushStatus::Failed,
            };
            let _ = done.send((signal, status));
        });
        if let Err(error) = spawned {
            tracing::error!(signal, %error, "the flush could not be started");
        }
    }
    drop(done);
    let left = || deadline.saturating_duration_since(Instant::now());
    // Also ends when all senders are gone: every hook has ended or panicked.
    while let Ok((signal, status)) = results.recv_timeout(left()) {
        for entry in &mut report.signals {
            if entry.0 == signal {
                entry.1 = status;
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry_sdk::error::OTelSdkError;

    use super::{FlushStatus, ShutdownHooks, run_shutdown_hooks};

    #[test]
    fn a_hook_that_hangs_delays_neither_the_others_nor_the_process() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let hooks: ShutdownHooks = vec![
            (
                "traces",
                Box::new(move |_| {
                    let _ = wait.recv();
                    Ok(())
                }),
            ),
            ("logs", Box::new(|_| Ok(()))),
            ("metrics", Box::new(|_| Err(OTelSdkError::InternalFailure("refused".into())))),
        ];
        let report = run_shutdown_hooks(hooks, Duration::from_millis(200));
        drop(release);
        let expected = [
            ("traces", FlushStatus::TimedOut),
            ("logs", FlushStatus::Done),
            ("metrics", FlushStatus::Failed),
        ];
        assert_eq!(report.signals().collect::<Vec<_>>(), expected);
        assert!(!report.is_complete());
        assert_eq!(report.to_string(), "traces timed out, logs flushed, metrics failed");
    }

    #[test]
    fn a_hook_that_panics_is_not_waited_for() {
        let hooks: ShutdownHooks =
            vec![("traces", Box::new(|_| std::panic::resume_unwind(Box::new("broken"))))];
        let report = run_shutdown_hooks(hooks, Duration::from_hours(1));
        assert_eq!(report.signals().next(), Some(("traces", FlushStatus::TimedOut)));
    }
}
