//! Says that something long is still under way, and how long it may take.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often it is said.
const EVERY: Duration = Duration::from_secs(30);

/// Prints a line every half minute, until it is dropped.
#[derive(Debug)]
pub struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins. `what` is what is waited for, and `expected` how long that took when it was
    /// measured; zero means that it is not known.
    pub fn start(what: impl Into<String>, expected: Duration) -> Self {
        Self::every(EVERY, what.into(), expected, |line| println!("{line}"))
    }

    fn every(
        pause: Duration,
        what: String,
        expected: Duration,
        say: impl Fn(&str) + Send + 'static,
    ) -> Self {
        let (stop, stopped) = mpsc::channel();
        let began = Instant::now();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                say(&line(&what, began.elapsed(), expected));
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn line(what: &str, elapsed: Duration, expected: Duration) -> String {
    let minutes = |time: Duration| {
        let seconds = time.as_secs();
        if seconds < 60 {
            format!("{seconds} s")
        } else {
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
    };
    match expected.as_secs() {
        0 => format!("  still {what}, {}", minutes(elapsed)),
        _ => format!("  still {what}, {} of about {}", minutes(elapsed), minutes(expected)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{Progress, line};

    #[test]
    fn a_line_says_what_and_how_far() {
        let line = |elapsed, expected| {
            line("building etcd", Duration::from_secs(elapsed), Duration::from_secs(expected))
        };
        assert_eq!(line(30, 90), "  still building etcd, 30 s of about 1 min 30 s");
        assert_eq!(line(61, 0), "  still building etcd, 1 min 01 s");
    }

    #[test]
    fn lines_come_until_it_is_dropped() {
        let (said, lines) = mpsc::channel();
        let progress = Progress::every(
            Duration::from_millis(1),
            "waiting".to_owned(),
            Duration::ZERO,
            move |line| drop(said.send(line.to_owned())),
        );
        assert!(lines.recv().expect("a line").starts_with("  still waiting, "));
        drop(progress);
        // The sender is gone with the thread.
        while lines.recv().is_ok() {}
    }
}
