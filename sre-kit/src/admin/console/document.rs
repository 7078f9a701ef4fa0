//! What the page is told, as JSON.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Inner;
use super::families::{Families, Reader};
use super::traces::Trace;
use super::traffic::Traffic;
use crate::health::{CheckSnapshot, CheckState, Health};
use crate::metrics::BuildInfo;
use crate::slo::{Budgets, Report};

/// The whole answer. Durations are seconds, times Unix seconds.
#[derive(Serialize)]
struct Document<'a> {
    service: Option<&'a str>,
    version: Option<&'a str>,
    revision: Option<&'a str>,
    /// Another value is another process, whose counts begin at zero.
    instance: f64,
    /// Monotonic, so that rates are right when the wall clock is set.
    uptime: f64,
    now: f64,
    traffic: Traffic,
    traces: Vec<Trace>,
    slo: Option<Report>,
    health: Option<HealthView<'a>>,
    metrics: Families,
    /// How long it took to gather what is above.
    took: f64,
}

#[derive(Serialize)]
struct HealthView<'a> {
    started: bool,
    ready: bool,
    live: bool,
    /// Why it drains, where that may be told; an empty text where it may not.
    draining: Option<&'a str>,
    latches: Vec<&'a str>,
    checks: Vec<CheckView<'a>>,
}

#[derive(Serialize)]
struct CheckView<'a> {
    name: &'a str,
    gate: &'static str,
    state: &'static str,
    age: Option<f64>,
    took: Option<f64>,
    /// Runs in a row that said the opposite of the state.
    contrary: u32,
    message: Option<&'a str>,
}

/// Reads everything and writes it down.
pub(super) fn write(inner: &Inner, details: bool) -> Vec<u8> {
    let began = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let uptime = inner.began.elapsed();
    let mut reader = Reader::default();
    inner.registry.visit_matching(Reader::reads, &mut reader);
    let (traffic, traces, metrics) = reader.finish();
    let snapshot = inner.health.as_ref().map(Health::snapshot);
    let health = snapshot.as_ref().map(|snapshot| HealthView {
        started: snapshot.is_started(),
        ready: snapshot.is_ready(),
        live: snapshot.is_live(),
        draining: snapshot.draining().map(|reason| if details { reason } else { "" }),
        latches: snapshot.latches().collect(),
        checks: snapshot.checks().map(|check| CheckView::of(&check, details)).collect(),
    });
    let build = inner.build.as_ref();
    let document = Document {
        service: build.map(BuildInfo::service),
        version: build.map(BuildInfo::version),
        revision: build.and_then(BuildInfo::revision),
        instance: inner.instance,
        uptime: uptime.as_secs_f64(),
        now: now.as_secs_f64(),
        traffic,
        traces,
        slo: inner.budgets.as_ref().map(Budgets::report),
        health,
        metrics,
        took: began.elapsed().as_secs_f64(),
    };
    serde_json::to_vec(&document).expect("keys are text, and a vector takes every byte")
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
