//! A check and its settings.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::check_result::{CheckResult, IntoCheckResult};
use super::check_spec::{CheckSpec, validate_name};
use super::probe_gate::ProbeGate;
use crate::ConfigError;

/// The default interval, the same as the kubelet's `periodSeconds`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// The default timeout: long enough for a reconnect, and short enough that three failures are
/// known within one `periodSeconds` × `failureThreshold`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// The allowed intervals: from the resolution of the timer, below which a loop would spin, to a
/// day, beyond which the third failure comes too late to be of use.
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

/// The function of a check.
pub(super) type CheckFn = Box<dyn Fn() -> BoxFuture<'static, CheckResult> + Send + Sync>;

/// A health check: a function that runs periodically in its own loop.
///
/// ```
/// use std::time::Duration;
/// use sre_kit::health::{Check, CheckResult};
///
/// # async fn replica_lag() -> Result<Duration, std::io::Error> { Ok(Duration::ZERO) }
/// let check = Check::new("replica", || async {
///     let lag = replica_lag().await?;
///     Ok::<_, std::io::Error>(if lag > Duration::from_secs(5) {
///         CheckResult::warn(format_args!("{lag:?} behind"))
///     } else {
///         CheckResult::Pass
///     })
/// })
/// .interval(Duration::from_secs(5))
/// .timeout(Duration::from_secs(1));
/// ```
///
/// # Cancel safety
///
/// A run that takes longer than its timeout is dropped at the `.await` it has reached. Tasks that
/// it has spawned continue, so keep the work inside of the future. Code that blocks the thread
/// cannot be dropped: move it to [`spawn_blocking`](tokio::task::spawn_blocking). While a run
/// blocks, the last result of the check becomes [stale](super::CheckState::Stale), which counts as
/// failing.
#[must_use = "a check does not run until a `HealthBuilder` gets it"]
pub struct Check {
    pub(super) name: String,
    pub(super) interval: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) jitter: f64,
    pub(super) gate: ProbeGate,
    pub(super) component_type: Option<String>,
    pub(super) run: CheckFn,
}

impl Check {
    /// Creates a check that calls `f` for each run.
    ///
    /// `name` is a path segment (`/readyz/{name}`) and a label value. It may contain letters,
    /// digits, `-`, `_` and `.`.
    pub fn new<F, Fut>(name: impl Into<String>, f: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoCheckResult,
    {
        Self {
            name: name.into(),
            interval: DEFAULT_INTERVAL,
            timeout: None,
            rise: 2,
            fall: 3,
            jitter: 0.1,
            gate: ProbeGate::Report,
            component_type: None,
            run: Box::new(move || f().map(IntoCheckResult::into_check_result).boxed()),
        }
    }

    /// Sets the time from the start of a run to the start of the next. Defaults to 10 s. It must be
    /// between 1 ms and 1 day.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long a run may take, which is at most the interval. Defaults to 2 s, or to the
    /// interval if that is shorter.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how many runs in a row must pass before a failing check passes. Defaults to 2. The
    /// very first run decides alone.
    pub fn rise(mut self, runs: u32) -> Self {
        self.rise = runs;
        self
    }

    /// Sets how many runs in a row must fail before a passing check fails. Defaults to 3. The very
    /// first run decides alone.
    pub fn fall(mut self, runs: u32) -> Self {
        self.fall = runs;
        self
    }

    /// Sets the share of the interval by which each pause is lengthened or shortened at random, so
    /// that instances that started together do not check together. Defaults to 0.1. It must be
    /// between 0 and 0.5.
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Makes startup wait until this check has passed once. Afterwards the check is only reported.
    ///
    /// Use it for a cache that must be warm, or a database that must have been reached once.
    pub fn gate_startup(mut self) -> Self {
        self.gate = self.gate.and_startup();
        self
    }

    /// Makes the instance not ready while this check fails.
    ///
    /// Use it only for what belongs to this instance alone, such as its disk. If a dependency that
    /// all instances share gated readiness, its failure would remove all of them from the load
    /// balancer at once and turn the outage of one feature into an outage of the service: see the
    /// [module's page](super#why-checks-are-reported-by-default).
    pub fn gate_readiness(mut self) -> Self {
        self.gate = self.gate.and_readiness();
        self
    }

    /// Sets `componentType` in `application/health+json`: `component`, `datastore`, `system` or a
    /// URI. Defaults to none.
    pub fn component_type(mut self, component_type: impl Into<String>) -> Self {
        self.component_type = Some(component_type.into());
        self
    }

    /// Validates the settings, and separates them from the function.
    pub(super) fn resolve(self) -> Result<(CheckSpec, CheckFn), ConfigError> {
        validate_name("check name", &self.name)?;
        let field = |what: &str| format!("{what} of check `{}`", self.name);
        let error =
            |what: &str, value: &dyn fmt::Debug, rule: &'static str, advice: &'static str| {
                Err(ConfigError::new(field(what), value, rule, advice))
            };
        if !INTERVALS.contains(&self.interval) {
            return error(
                "interval",
                &self.interval,
                "it lies between a millisecond and a day",
                "leave it out to have 10 s",
            );
        }
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT.min(self.interval));
        if timeout.is_zero() {
            return error(
                "timeout",
                &timeout,
                "a run needs some time to answer",
                "leave it out to have 2 s",
            );
        }
        if timeout > self.interval {
            return error(
                "timeout",
                &timeout,
                "a run ends before the next one is due, so a timeout is at most the interval",
                "shorten the timeout or lengthen the interval",
            );
        }
        for (what, runs) in [("rise", self.rise), ("fall", self.fall)] {
            if runs == 0 {
                return error(
                    what,
                    &runs,
                    "it takes at least one run to change one's mind",
                    "write 1 to let each run count at once",
                );
            }
        }
        // NaN is in no range.
        if !(0.0..=0.5).contains(&self.jitter) {
            return error(
                "jitter",
                &self.jitter,
                "it is a share of the interval from 0 to 0.5",
                "write 0.1 for ten percent more or less",
            );
        }
        let spec = CheckSpec {
            name: self.name,
            gate: self.gate,
            interval: self.interval,
            timeout,
            rise: self.rise,
            fall: self.fall,
            jitter: self.jitter,
            component_type: self.component_type,
        };
        Ok((spec, self.run))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("gate", &self.gate)
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
