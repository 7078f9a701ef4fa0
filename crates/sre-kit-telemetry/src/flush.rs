//! The last telemetry of a process, within one deadline.

use std::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

/// How the flush of one signal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushStatus {
    /// Everything was handed over, or had been before.
    Done,
    /// The collector took no more; what was left is lost, and counted.
    Failed,
    /// The deadline came first.
    TimedOut,
}

/// How the flush of each signal ended. A signal that is not exported is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlushReport {
    signals: Vec<(&'static str, FlushStatus)>,
}

impl FlushReport {
    /// Whether every signal was flushed.
    pub fn is_complete(&self) -> bool {
        self.signals.iter().all(|(_, flush)| *flush == FlushStatus::Done)
    }

    /// Each signal, `traces`, `logs` or `metrics`, and how its flush ended.
    pub fn signals(&self) -> impl Iterator<Item = (&'static str, FlushStatus)> {
        self.signals.iter().copied()
    }
}

impl fmt::Display for FlushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (signal, flush)) in self.signals.iter().enumerate() {
            let text = match flush {
                FlushStatus::Done => "flushed",
                FlushStatus::Failed => "failed",
                FlushStatus::TimedOut => "timed out",
            };
            write!(f, "{}{signal} {text}", if i == 0 { "" } else { ", " })?;
        }
        if self.signals.is_empty() { f.write_str("nothing is exported") } else { Ok(()) }
    }
}

/// A signal's shut down, which blocks its thread for as long as it takes.
pub(crate) type Stop = Box<dyn FnOnce(Duration) -> OTelSdkResult + Send>;

/// What is to be stopped, by the name of its signal.
pub(crate) type Stops = Vec<(&'static str, Stop)>;

/// Stops all signals at once, each on a thread of its own, and waits until the
/// budget is used up.
///
/// Threads and not `spawn_blocking`: a runtime that is full of blocked threads,
/// or on its way out, would never come to run it.
pub(crate) fn stop_all(stops: Stops, budget: Duration) -> FlushReport {
    let deadline = Instant::now() + budget;
    let (done, ended) = mpsc::channel();
    let mut flushed = FlushReport::default();
    for (signal, stop) in stops {
        flushed.signals.push((signal, FlushStatus::TimedOut));
        let done = done.clone();
        let thread = std::thread::Builder::new().name(format!("flush-{signal}"));
        let spawned = thread.spawn(move || {
            let flush = match stop(budget) {
                Ok(()) | Err(OTelSdkError::AlreadyShutdown) => FlushStatus::Done,
                // The SDK's providers give no other reason than that it failed.
                Err(_) if Instant::now() >= deadline => FlushStatus::TimedOut,
                Err(_) => FlushStatus::Failed,
            };
            let _ = done.send((signal, flush));
        });
        if let Err(error) = spawned {
            tracing::error!(signal, %error, "the flush could not be started");
        }
    }
    drop(done);
    let left = || deadline.saturating_duration_since(Instant::now());
    // Ends as well when nobody is left who could answer.
    while let Ok((signal, flush)) = ended.recv_timeout(left()) {
        for known in &mut flushed.signals {
            if known.0 == signal {
                known.1 = flush;
            }
        }
    }
    flushed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry_sdk::error::OTelSdkError;

    use super::{FlushStatus, Stops, stop_all};

    #[test]
    fn one_signal_that_hangs_holds_up_no_other_and_not_the_process() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let stops: Stops = vec![
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
        let flushed = stop_all(stops, Duration::from_millis(200));
        drop(release);
        let expected = [
            ("traces", FlushStatus::TimedOut),
            ("logs", FlushStatus::Done),
            ("metrics", FlushStatus::Failed),
        ];
        assert_eq!(flushed.signals().collect::<Vec<_>>(), expected);
        assert!(!flushed.is_complete());
        assert_eq!(flushed.to_string(), "traces timed out, logs flushed, metrics failed");
    }

    #[test]
    fn a_stop_that_panics_is_not_waited_for() {
        let stops: Stops =
            vec![("traces", Box::new(|_| std::panic::resume_unwind(Box::new("broken"))))];
        let flushed = stop_all(stops, Duration::from_hours(1));
        assert_eq!(flushed.signals().next(), Some(("traces", FlushStatus::TimedOut)));
    }
}
