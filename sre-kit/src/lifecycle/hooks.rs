//! The hooks of a shutdown.
//!
//! Each hook has a name and runs within a bound. A hook that fails, panics or hangs never keeps
//! another one from running.

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

use super::hook_failure::HookFailure;
use super::shutdown_phase::ShutdownPhase;

type AsyncHook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;
type BlockingHook = Box<dyn FnOnce(Duration) -> Result<(), BoxError> + Send>;
type SyncHook = Box<dyn FnOnce() + Send>;

/// The hooks of one lifecycle, by the moment at which they run.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) readiness: Vec<(String, SyncHook)>,
    pub(super) pools: Vec<(String, AsyncHook)>,
    pub(super) telemetry: Vec<(String, BlockingHook)>,
    pub(super) admin: Vec<(String, AsyncHook)>,
}

/// Boxes an async hook.
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

/// The failures of one phase. Each is logged when it is added.
struct FailureLog {
    phase: ShutdownPhase,
    failures: Vec<HookFailure>,
}

impl FailureLog {
    fn new(phase: ShutdownPhase) -> Self {
        Self { phase, failures: Vec::new() }
    }

    fn add(&mut self, hook: String, why: impl Into<String>) {
        let why = why.into();
        tracing::error!(phase = %self.phase, hook, why, "a shutdown hook failed");
        self.failures.push(HookFailure { phase: self.phase, hook, why });
    }
}

/// Runs hooks one after the other on the calling thread, and returns those that failed.
pub(super) fn run_now(phase: ShutdownPhase, hooks: Vec<(String, SyncHook)>) -> Vec<HookFailure> {
    let mut log = FailureLog::new(phase);
    for (name, hook) in hooks {
        if catch_unwind(AssertUnwindSafe(hook)).is_err() {
            log.add(name, "panicked");
        }
    }
    log.failures
}

/// Runs hooks concurrently and returns those that failed. Those that are not done at `deadline`
/// are dropped.
pub(super) async fn run_async(
    phase: ShutdownPhase,
    hooks: Vec<(String, AsyncHook)>,
    deadline: Instant,
) -> Vec<HookFailure> {
    let mut log = FailureLog::new(phase);
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
                    log.add(name, "panicked");
                }
            }
        }
    }
    // Aborted, but not waited for, because a hook may block its thread.
    set.abort_all();
    set.detach_all();
    for name in sorted(names.into_values()) {
        log.add(name, "not done in time");
    }
    log.failures
}

/// Runs blocking hooks concurrently within `budget`, each on its own thread, and returns those
/// that failed.
///
/// They do not run on the runtime's blocking threads: a runtime waits for those when it is dropped,
/// so a hook that hangs would keep the process from exiting. They do not run on a worker either:
/// the exporters of OpenTelemetry need one to finish a flush.
pub(super) async fn run_blocking(
    phase: ShutdownPhase,
    hooks: Vec<(String, BlockingHook)>,
    budget: Duration,
) -> Vec<HookFailure> {
    let mut log = FailureLog::new(phase);
    let deadline = Instant::now() + budget;
    let (sender, mut results) = mpsc::unbounded_channel();
    let mut waiting = HashMap::new();
    for (index, (name, hook)) in hooks.into_iter().enumerate() {
        let (sender, runtime) = (sender.clone(), Handle::current());
        let thread = std::thread::Builder::new().name(format!("flush {name}"));
        let spawned = thread.spawn(move || {
            let _context = runtime.enter();
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
            Err(error) => log.add(name, format!("no thread for it: {error}")),
        }
    }
    drop(sender);
    while let Ok(Some((index, failure))) = timeout_at(deadline, results.recv()).await {
        let name = waiting.remove(&index);
        if let (Some(name), Some(why)) = (name, failure) {
            log.add(name, why);
        }
    }
    for name in sorted(waiting.into_values()) {
        log.add(name, "not done in time");
    }
    log.failures
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
