//! The data of the page, as JSON.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sre_kit_metrics::internal::RegistryInternals as _;

use super::families::{Families, Reader};
use super::traces::Trace;
use super::traffic::Traffic;
use crate::health::{CheckSnapshot, CheckState, Health};
use crate::metrics::{BuildInfo, Registry};
use crate::slo::{Budgets, Report};

/// What the document is read from.
pub(super) struct Sources {
    pub(super) registry: Registry,
    pub(super) build: Option<BuildInfo>,
    pub(super) health: Option<Health>,
    pub(super) budgets: Option<Budgets>,
    /// The time of creation in Unix seconds, by which the page notices another process.
    instance: f64,
    created: Instant,
}

impl Sources {
    pub(super) fn new(
        registry: &Registry,
        build: Option<BuildInfo>,
        health: Option<Health>,
        budgets: Option<Budgets>,
    ) -> Self {
        let instance = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            registry: registry.clone(),
            build,
            health,
            budgets,
            instance: instance.as_secs_f64(),
            created: Instant::now(),
        }
    }
}

/// The whole document. Durations are in seconds, times in Unix seconds.
#[derive(Serialize)]
struct Document<'a> {
    service: Option<&'a str>,
    version: Option<&'a str>,
    revision: Option<&'a str>,
    /// Identifies the process: with another value, the counts begin at zero.
    instance: f64,
    /// From the monotonic clock, so that rates stay right when the wall clock is set.
    uptime: f64,
    now: f64,
    traffic: Traffic,
    traces: Vec<Trace>,
    slo: Option<Report>,
    health: Option<HealthView<'a>>,
    metrics: Families,
    /// How long it took to gather the data above.
    took: f64,
}

/// The state of the health checks.
#[derive(Serialize)]
struct HealthView<'a> {
    started: bool,
    ready: bool,
    live: bool,
    /// Why the process drains; empty if details are not shown.
    draining: Option<&'a str>,
    latches: Vec<&'a str>,
    checks: Vec<CheckView<'a>>,
}

/// The state of one check.
#[derive(Serialize)]
struct CheckView<'a> {
    name: &'a str,
    gate: &'static str,
    state: &'static str,
    age: Option<f64>,
    took: Option<f64>,
    /// The number of the latest runs in a row that contradict the state.
    contrary: u32,
    message: Option<&'a str>,
}

/// Gathers the data and serializes it. `details` adds the messages of checks.
pub(super) fn write(sources: &Sources, details: bool) -> Vec<u8> {
    let began = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let uptime = sources.created.elapsed();
    let mut reader = Reader::default();
    sources.registry.visit_matching(Reader::reads, &mut reader);
    let (traffic, traces, metrics) = reader.finish();
    let snapshot = sources.health.as_ref().map(Health::snapshot);
    let health = snapshot.as_ref().map(|snapshot| HealthView {
        started: snapshot.is_started(),
        ready: snapshot.is_ready(),
        live: snapshot.is_live(),
        draining: snapshot.draining().map(|reason| if details { reason } else { "" }),
        latches: snapshot.latches().collect(),
        checks: snapshot.checks().map(|check| CheckView::of(&check, details)).collect(),
    });
    let build = sources.build.as_ref();
    let document = Document {
        service: build.map(BuildInfo::service),
        version: build.map(BuildInfo::version),
        revision: build.and_then(BuildInfo::revision),
        instance: sources.instance,
        uptime: uptime.as_secs_f64(),
        now: now.as_secs_f64(),
        traffic,
        traces,
        slo: sources.budgets.as_ref().map(Budgets::report),
        health,
        metrics,
        took: began.elapsed().as_secs_f64(),
    };
    serde_json::to_vec(&document)
        .expect("the keys are strings, and writing to a vector cannot fail")
}

impl<'a> CheckView<'a> {
    fn of(check: &CheckSnapshot<'a>, details: bool) -> Self {
        Self {
            name: check.name(),
            gate: check.gate().as_str(),
            state: match check.state() {
                CheckState::Pending => "pending",
                CheckState::Pass => "pass",
                CheckState::Warn => "warn",
                CheckState::Fail => "fail",
                CheckState::Stale => "stale",
            },
            age: check.age().as_ref().map(Duration::as_secs_f64),
            took: check.took().as_ref().map(Duration::as_secs_f64),
            contrary: check.contrary_runs(),
            message: check.message().filter(|_| details),
        }
    }
}
