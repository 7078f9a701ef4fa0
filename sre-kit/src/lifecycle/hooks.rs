//! What users want done during a shutdown: each step by a name, within a bound,
//! and none able to keep the others from their turn.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tower::BoxError;

use super::state::ShutdownPhase;

type AsyncHook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;
type BlockingHook = Box<dyn FnOnce(Duration) -> Result<(), BoxError> + Send>;
type SyncHook = Box<dyn FnOnce() + Send>;

/// A hook that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookFailure {
    /// The phase it belongs to.
    pub phase: ShutdownPhase,
    /// Its name.
    pub hook: String,
    /// What happened.
    pub why: String,
}

impl fmt::Display for HookFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.hook, self.phase, self.why)
    }
}

/// The hooks of one lifecycle, by the moment they run.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) readiness: Vec<(String, SyncHook)>,
    pub(super) pools: Vec<(String, AsyncHook)>,
    pub(super) telemetry: Vec<(String, BlockingHook)>,
    pub(super) admin: Vec<(String, AsyncHook)>,
}

pub(super) fn boxed<F, Fut>(hook: F) -> AsyncHook
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Box::new(move || Box::pin(hook()))
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("readiness", &self.readiness.len())
            .field("pools", &self.pools.len())
            .field("telemetry", &self.telemetry.len())
            .field("admin", &self.admin.len())
            .finish()
    }
}

/// Collects failures of one phase and logs them.
struct Report {
    phase: ShutdownPhase,
    failures: Vec<HookFailure>,
}

impl Report {
    fn new(phase: ShutdownPhase) -> Self {
        Self { phase, failures: Vec::new() }
    }

    fn failed(&mut self, hook: String, why: impl Into<String>) {
        let why = why.into();
        tracing::error!(phase = %self.phase, hook, why, "a shutdown hook failed");
        self.failures.push(HookFailure { phase: self.phase, hook, why });
    }
}

/// Runs hooks one after the other, here and now.
pub(super) fn run_now(phase: ShutdownPhase, hooks: Vec<(String, SyncHook)>) -> Vec<HookFailure> {
    let mut report = Report::new(phase);
    for (name, hook) in hooks {
        if catch_unwind(AssertUnwindSafe(hook)).is_err() {
            report.failed(name, "panicked");
        }
    }
    report.failures
}

/// Runs hooks side by side, until `deadline`. Those that are not done then are dropped.
pub(super) async fn run_async(
    phase: ShutdownPhase,
    hooks: Vec<(String, AsyncHook)>,
    deadline: Instant,
) -> Vec<HookFailure> {
    let mut report = Report::new(phase);
    let (mut set, mut names) = (JoinSet::new(), HashMap::new());
    for (name, hook) in hooks {
        let id = set.spawn(async move { hook().await }).id();
        names.insert(id, name);
    }
    while let Ok(Some(ended)) = timeout_at(deadline, set.join_next_with_id()).await {
        match ended {
            Ok((id, ())) => drop(names.remove(&id)),
            Err(error) => {
                if let Some(name) = names.remove(&error.id()) {
                    report.failed(name, "panicked");
                }
            }
        }
    }
    // Aborted, but not waited for: a hook may block its thread.
    set.abort_all();
    set.detach_all();
    for name in sorted(names.into_values()) {
        report.failed(name, "not done in time");
    }
    report.failures
}

/// Runs blocking hooks side by side within `budget`, each on a thread of its own.
///
/// Not on the runtime's blocking threads: a runtime waits for those when it is
/// dropped, so one that hangs would keep the process from exiting. And never on
/// a worker: the exporters of OpenTelemetry need one to answer their flush.
pub(super) async fn run_blocking(
    phase: ShutdownPhase,
    hooks: Vec<(String, BlockingHook)>,
    budget: Duration,
) -> Vec<HookFailure> {
    let mut report = Report::new(phase);
    let deadline = Instant::now() + budget;
    let (sender, mut ended) = mpsc::unbounded_channel();
    let mut waiting = HashMap::new();
    for (index, (name, hook)) in hooks.into_iter().enumerate() {
        let (sender, runtime) = (sender.clone(), Handle::current());
        let thread = std::thread::Builder::new().name(format!("flush {name}"));
        let spawned = thread.spawn(move || {
            let _inside = runtime.enter();
            let result = catch_unwind(AssertUnwindSafe(|| hook(budget)));
            let failure = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("panicked".to_owned()),
            };
            let _ = sender.send((index, failure));
        });
        match spawned {
            Ok(_) => drop(waiting.insert(index, name)),
            Err(error) => report.failed(name, format!("no thread for it: {error}")),
        }
    }
    drop(sender);
    while let Ok(Some((index, failure))) = timeout_at(deadline, ended.recv()).await {
        let name = waiting.remove(&index);
        if let (Some(name), Some(why)) = (name, failure) {
            report.failed(name, why);
        }
    }
    for name in sorted(waiting.into_values()) {
        report.failed(name, "not done in time");
    }
    report.failures
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
