use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::gate::ProbeGate;
use super::verdict::{CheckResult, IntoCheckResult};
use crate::ConfigError;

/// The kubelet's own `periodSeconds`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// Long enough for a reconnect, short enough that three failures are known within
/// one `periodSeconds` × `failureThreshold`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// The resolution of the timer, below which a loop would spin; and a day, past which
/// nobody waits for the third failure.
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

pub(super) type Run = Box<dyn Fn() -> BoxFuture<'static, CheckResult> + Send + Sync>;

/// One thing that can be well or not: a function that is run again and again in a
/// loop of its own.
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
/// A run that takes longer than its timeout is dropped, where it last waited. What
/// it has spawned elsewhere goes on: keep the work inside the future. Code that
/// blocks the thread cannot be dropped; put it on
/// [`spawn_blocking`](tokio::task::spawn_blocking). While it blocks, the check's
/// last result grows old, and in the end it is stale, which is failing.
#[must_use = "a check runs once it is given to a `HealthBuilder`"]
pub struct Check {
    pub(super) name: String,
    pub(super) interval: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) jitter: f64,
    pub(super) gate: ProbeGate,
    pub(super) component_type: Option<String>,
    pub(super) run: Run,
}

impl Check {
    /// A check that calls `f` for each run.
    ///
    /// `name` is a segment of a path (`/readyz/{name}`) and a label value: letters,
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
            run: Box::new(move || f().map(IntoCheckResult::into_verdict).boxed()),
        }
    }

    /// From the start of a run to the start of the next. 10 s unless set; from a
    /// millisecond to a day.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long one run may take; not more than the interval. Unless set 2 s, or
    /// the interval where that is shorter.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many runs in a row must pass before a failing check passes. 2 unless
    /// set. The first result of all counts at once.
    pub fn rise(mut self, runs: u32) -> Self {
        self.rise = runs;
        self
    }

    /// How many runs in a row must fail before a passing check fails. 3 unless
    /// set. The first result of all counts at once.
    pub fn fall(mut self, runs: u32) -> Self {
        self.fall = runs;
        self
    }

    /// By how much of the interval each pause is made longer or shorter at random,
    /// so that a hundred instances that started together do not ask together. 0.1
    /// unless set; from 0 to 0.5.
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Startup is not over before this check has passed. After that it holds nothing
    /// back: a cache that must be warm once, a database that must have been reached once.
    pub fn gate_startup(mut self) -> Self {
        self.gate = self.gate.and_startup();
        self
    }

    /// The instance is not ready while this check fails.
    ///
    /// Only for what belongs to this instance alone, such as a full disk. When a
    /// dependency that all instances share fails, all of them leave the load
    /// balancer at once, and an outage of one feature is an outage of everything:
    /// see the [module's page](super#why-a-check-is-reported-and-not-gated).
    pub fn gate_readiness(mut self) -> Self {
        self.gate = self.gate.and_readiness();
        self
    }

    /// What kind of thing it is, for `application/health+json`: `component`,
    /// `datastore` or `system`, or a URI.
    pub fn component_type(mut self, component_type: impl Into<String>) -> Self {
        self.component_type = Some(component_type.into());
        self
    }

    /// Checks the settings and takes them apart.
    pub(super) fn resolve(self) -> Result<(Spec, Run), ConfigError> {
        check_name("check name", &self.name)?;
        let field = |what: &str| format!("{what} of check `{}`", self.name);
        let refuse =
            |what: &str, value: &dyn fmt::Debug, rule: &'static str, advice: &'static str| {
                Err(ConfigError::new(field(what), value, rule, advice))
            };
        if !INTERVALS.contains(&self.interval) {
            return refuse(
                "interval",
                &self.interval,
                "it lies between a millisecond and a day",
                "leave it out to have 10 s",
            );
        }
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT.min(self.interval));
        if timeout.is_zero() {
            return refuse(
                "timeout",
                &timeout,
                "a run needs some time to answer",
                "leave it out to have 2 s",
            );
        }
        if timeout > self.interval {
            return refuse(
                "timeout",
                &timeout,
                "a run ends before the next one is due, so a timeout is at most the interval",
                "shorten the timeout or lengthen the interval",
            );
        }
        for (what, runs) in [("rise", self.rise), ("fall", self.fall)] {
            if runs == 0 {
                return refuse(
                    what,
                    &runs,
                    "it takes at least one run to change one's mind",
                    "write 1 to let each run count at once",
                );
            }
        }
        // NaN is in no range.
        if !(0.0..=0.5).contains(&self.jitter) {
            return refuse(
                "jitter",
                &self.jitter,
                "it is a share of the interval from 0 to 0.5",
                "write 0.1 for ten percent more or less",
            );
        }
        let spec = Spec {
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

/// The settings of a check, once they are known to be good.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) gate: ProbeGate,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) jitter: f64,
    pub(super) component_type: Option<String>,
}

impl Spec {
    /// The age at which a result says nothing any more: by then three runs should
    /// have begun, and the last of them ended.
    pub(super) fn stale_after(&self) -> Duration {
        self.interval * 3 + self.timeout
    }
}

/// Names stand in paths, queries and labels; these characters are the same in all
/// of them, percent-encoded nowhere (RFC 3986 §2.3, without `~`).
pub(super) fn check_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(allowed) || [".", ".."].contains(&name) {
        return Err(ConfigError::new(
            field,
            name,
            "a name has letters, digits, `-`, `_` and `.` only, for it is a segment of a path",
            "write it like `orders-database`",
        ));
    }
    Ok(())
}
