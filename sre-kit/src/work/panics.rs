//! A count of the panics of every thread.

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

use crate::ConfigError;
use crate::metrics::{Registry, Samples};

/// How many names of threads have a count of their own.
const THREADS: usize = 32;

/// The counts by thread name. A panic hook must not take a lock that the panicking thread may
/// hold, so they are in a list of fixed length.
static COUNTS: [ThreadPanics; THREADS] = [const { ThreadPanics::new() }; THREADS];

/// The panics of all threads that found the list full.
static OTHERS: AtomicU64 = AtomicU64::new(0);

struct ThreadPanics {
    name: OnceLock<Box<str>>,
    count: AtomicU64,
}

impl ThreadPanics {
    const fn new() -> Self {
        Self { name: OnceLock::new(), count: AtomicU64::new(0) }
    }
}

/// Counts the panics of every thread of the process in `panics_total{thread}`.
///
/// It installs a panic hook, which calls the one before it, once per process. The label is the name
/// of the thread without the digits at its end, so that the threads of a pool share a series. The
/// first 32 names have a series of their own; the others share `_OTHER`.
///
/// The counts belong to the process: each registry that they are added to shows all of them.
///
/// # Errors
///
/// Returns an error if `registry` already has this metric.
pub fn count_panics(registry: &Registry) -> Result<(), ConfigError> {
    static HOOK: Once = Once::new();
    let help = "Panics, by the name of the thread.";
    registry.counter_fn("panics_total", help, &["thread"], sample)?;
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            count(std::thread::current().name().unwrap_or("unnamed"));
            before(info);
        }));
    });
    Ok(())
}

fn count(thread: &str) {
    let name = match thread.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-') {
        "" => thread,
        name => name,
    };
    for panics in &COUNTS {
        if &**panics.name.get_or_init(|| name.into()) == name {
            panics.count.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    OTHERS.fetch_add(1, Ordering::Relaxed);
}

#[allow(clippy::cast_precision_loss, reason = "nothing panics 2^53 times")]
fn sample(samples: &mut Samples<'_>) {
    for panics in &COUNTS {
        let Some(name) = panics.name.get() else { break };
        samples.push(&[name], panics.count.load(Ordering::Relaxed) as f64);
    }
    let others = OTHERS.load(Ordering::Relaxed);
    if others > 0 {
        samples.push(&["_OTHER"], others as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::{panic, thread};

    use super::count_panics;
    use crate::metrics::{Registry, TextFormat};

    #[test]
    fn panics_of_any_thread_are_counted_and_the_hook_before_runs() {
        static BEFORE: AtomicU64 = AtomicU64::new(0);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name().is_some_and(|name| name.starts_with("counted-")) {
                BEFORE.fetch_add(1, Ordering::Relaxed);
            } else {
                before(info);
            }
        }));
        let registries = [Registry::new(), Registry::new()];
        for registry in &registries {
            count_panics(registry).expect("free");
        }
        count_panics(&registries[0]).expect_err("taken");
        for i in 0..2 {
            let thread = thread::Builder::new().name(format!("counted-{i}"));
            let thread = thread.spawn(|| panic!("on purpose")).expect("spawns");
            thread.join().expect_err("panics");
        }
        assert_eq!(BEFORE.load(Ordering::Relaxed), 2, "the hook is installed once");
        for registry in registries {
            let mut text = String::new();
            registry.encode_text(&mut text, TextFormat::Prometheus);
            assert!(text.contains("panics_total{thread=\"counted\"} 2"), "{text}");
        }
    }
}
