//! Tests of checks, gates, latches, heartbeats and probe responses.

mod checks;
mod concurrency;
mod lifecycle;
mod metrics;
mod probes;
mod settings;
mod wire;

#[cfg(feature = "axum")]
mod axum_router;
#[cfg(feature = "tonic")]
mod grpc;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sre_kit::health::{Check, CheckResult, CheckState, Health, HealthBuilder};
use sre_kit::metrics::{Registry, TextFormat};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn builder() -> HealthBuilder {
    Health::builder()
}

fn with(check: Check) -> Health {
    builder().check(check).build(&Registry::new()).expect("valid")
}

fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

fn state(health: &Health, name: &str) -> CheckState {
    health.snapshot().check(name).expect("a check of that name").state()
}

/// A check whose answer a test can set, and that counts its runs.
#[derive(Clone)]
struct Dial {
    verdict: Arc<Mutex<CheckResult>>,
    runs: Arc<AtomicU64>,
}

impl Dial {
    fn new(verdict: CheckResult) -> Self {
        Self { verdict: Arc::new(Mutex::new(verdict)), runs: Arc::default() }
    }

    fn set(&self, verdict: CheckResult) {
        *self.verdict.lock().expect("not poisoned") = verdict;
    }

    fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    /// Every 10 s to the second, 2 s at most, 2 up and 3 down.
    fn check(&self, name: &str) -> Check {
        let dial = self.clone();
        Check::new(name, move || {
            dial.runs.fetch_add(1, Ordering::SeqCst);
            let verdict = dial.verdict.lock().expect("not poisoned").clone();
            async move { verdict }
        })
        .jitter(0.0)
    }
}

fn fail() -> CheckResult {
    CheckResult::fail("refused")
}

/// Lets everything run that can run without time passing, and then `duration` pass.
async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
    settle().await;
}

/// To a moment just after the next run of every check.
async fn next_run() {
    pass(secs(10)).await;
}

/// Lets everything run that can run without time passing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
