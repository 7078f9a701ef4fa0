//! Settings of a lifecycle, checked once.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Lifecycle;
use super::hooks::Hooks;
use super::signals::Signals;
use super::state::{LEFTOVER, Progress};
use super::tasks::Tasks;
use super::trigger::ShutdownHandle;
use crate::ConfigError;
use crate::health::Health;
use crate::metrics::Registry;
use crate::server::{ConnectionMetrics, DrainSignal, Server, ServerBuilder};

/// What a grace period holds beyond the three bounds: for tasks, pools and
/// listeners whose turn comes when the drain's time is used up, and for the
/// process to exit.
const SLACK: Duration = Duration::from_secs(2);

/// No bound is longer than a day: it would be a slip of the pen.
const DAY: Duration = Duration::from_hours(24);

/// When readiness goes off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainReadiness {
    /// As the drain begins, before the delay. Right for whatever polls readiness
    /// to decide where requests go: load balancers with health checks of their own.
    #[default]
    Immediate,
    /// When the delay is over. Kubernetes takes a terminating pod out by itself;
    /// while it is ready, kube-proxy can still fall back on it where no other
    /// endpoint is left ([KEP-1669], `ProxyTerminatingEndpoints`).
    ///
    /// [KEP-1669]: https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1669-proxy-terminating-endpoints
    AfterDelay,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) delay: Duration,
    pub(super) drain: Duration,
    pub(super) flush: Duration,
    pub(super) grace_period: Option<Duration>,
    pub(super) readiness: DrainReadiness,
    pub(super) cut_short_code: u8,
    pub(super) second_signal_code: u8,
    pub(super) signals: bool,
}

/// Builds a [`Lifecycle`].
///
/// | Setting | Default | Environment, by [`with_env`](Self::with_env) |
/// |---|---|---|
/// | [`drain_delay`](Self::drain_delay) | 10 s | `SRE_KIT_DRAIN_DELAY` |
/// | [`drain_timeout`](Self::drain_timeout) | 15 s | `SRE_KIT_DRAIN_TIMEOUT` |
/// | [`flush_timeout`](Self::flush_timeout) | 3 s | `SRE_KIT_FLUSH_TIMEOUT` |
/// | [`grace_period`](Self::grace_period) | not checked | `SRE_KIT_GRACE_PERIOD` |
/// | [`readiness`](Self::readiness) | immediate | `SRE_KIT_DRAIN_READINESS` (`immediate`, `after-delay`) |
///
/// The default bounds and 2 s fill the 30 s that Kubernetes grants unless told
/// otherwise (`terminationGracePeriodSeconds`).
#[must_use = "nothing happens before `build`"]
pub struct LifecycleBuilder {
    pub(super) settings: Settings,
    health: Option<Health>,
    server: Option<ServerBuilder>,
}

impl LifecycleBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                delay: Duration::from_secs(10),
                drain: Duration::from_secs(15),
                flush: Duration::from_secs(3),
                grace_period: None,
                readiness: DrainReadiness::Immediate,
                cut_short_code: 80,
                second_signal_code: 81,
                signals: true,
            },
            health: None,
            server: None,
        }
    }

    /// How long connections are still accepted after the drain has begun: the
    /// time that load balancers take to notice. 10 s unless set; zero is allowed,
    /// and loses requests wherever something sends them.
    ///
    /// In a cluster 5 to 10 s do; behind container-native load balancing on
    /// Google Cloud, 25 to 30 s.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.settings.delay = delay;
        self
    }

    /// How long requests, and after them tasks and pools, may take to finish.
    /// 15 s unless set.
    pub fn drain_timeout(mut self, bound: Duration) -> Self {
        self.settings.drain = bound;
        self
    }

    /// How long telemetry may take to be flushed, all of it together. 3 s unless set.
    pub fn flush_timeout(mut self, budget: Duration) -> Self {
        self.settings.flush = budget;
        self
    }

    /// What the platform grants before it kills the process. Given it, `build`
    /// makes sure that the bounds and 2 s fit in.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.settings.grace_period = Some(period);
        self
    }

    /// When readiness goes off. [`DrainReadiness::Immediate`] unless set.
    pub fn readiness(mut self, moment: DrainReadiness) -> Self {
        self.settings.readiness = moment;
        self
    }

    /// The exit code when something was lost. 80 unless set.
    pub fn cut_short_code(mut self, code: u8) -> Self {
        self.settings.cut_short_code = code;
        self
    }

    /// The exit code when a second signal ends the process. 81 unless set.
    pub fn second_signal_code(mut self, code: u8) -> Self {
        self.settings.second_signal_code = code;
        self
    }

    /// Leaves signals alone: only a [`ShutdownHandle`] begins the drain.
    pub fn without_signals(mut self) -> Self {
        self.settings.signals = false;
        self
    }

    /// Turns readiness off when the drain begins, and waits for startup to be
    /// over before the state is `running`.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Limits of the main server. Those of [`ServerBuilder`] unless set.
    pub fn server(mut self, server: ServerBuilder) -> Self {
        self.server = Some(server);
        self
    }

    /// Takes what the environment sets.
    ///
    /// # Errors
    ///
    /// When a variable is malformed.
    pub fn with_env(self) -> Result<Self, ConfigError> {
        self.with_vars(|name| std::env::var(name).ok())
    }

    /// Takes what `lookup` gives for the names in the table above. An empty
    /// value counts as none.
    ///
    /// # Errors
    ///
    /// When a value is malformed.
    pub fn with_vars(
        mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let value = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let duration = |name| value(name).map(|text| parse_duration(name, &text)).transpose();
        let settings = &mut self.settings;
        settings.delay = duration("SRE_KIT_DRAIN_DELAY")?.unwrap_or(settings.delay);
        settings.drain = duration("SRE_KIT_DRAIN_TIMEOUT")?.unwrap_or(settings.drain);
        settings.flush = duration("SRE_KIT_FLUSH_TIMEOUT")?.unwrap_or(settings.flush);
        settings.grace_period = duration("SRE_KIT_GRACE_PERIOD")?.or(settings.grace_period);
        if let Some(moment) = value("SRE_KIT_DRAIN_READINESS") {
            settings.readiness = match moment.trim() {
                "immediate" => DrainReadiness::Immediate,
                "after-delay" => DrainReadiness::AfterDelay,
                other => {
                    return Err(ConfigError::new(
                        "SRE_KIT_DRAIN_READINESS",
                        other,
                        "readiness goes off at one of two moments",
                        "write immediate or after-delay",
                    ));
                }
            };
        }
        Ok(self)
    }

    /// Builds the lifecycle, registers its metrics and, unless [`server`](Self::server) was
    /// called, those of connections in `registry`, and installs the signal handlers.
    ///
    /// # Errors
    ///
    /// When a bound is out of its range, the bounds do not fit into the grace
    /// period, an exit code cannot be told from others, or a metric's name is taken.
    pub fn build(self, registry: &Registry) -> Result<Lifecycle, ConfigError> {
        let Self { settings, health, server } = self;
        settings.check()?;
        let progress = Arc::new(Progress::new());
        let signal = DrainSignal::new();
        let server = match server {
            Some(server) => server,
            None => Server::builder().metrics(&ConnectionMetrics::new(registry)?),
        };
        let server = server.drain_signal(&signal).build()?;
        let Settings { delay, drain, flush, .. } = settings;
        let rest = drain.max(LEFTOVER);
        progress.register(registry, [delay, drain, rest, rest, flush, LEFTOVER])?;
        let handle = ShutdownHandle::new();
        let signals = settings.signals.then(|| Signals::install(settings.second_signal_code));
        let mut signals = signals.transpose().map_err(|error| {
            ConfigError::new(
                "signals",
                error.to_string(),
                "SIGTERM and SIGINT begin the drain",
                "use without_signals where the process may not handle them",
            )
        })?;
        // Within a runtime they are watched at once, so that a signal during
        // startup is known to whoever asks the handle.
        if tokio::runtime::Handle::try_current().is_ok()
            && let Some(signals) = signals.take()
        {
            tokio::spawn(signals.watch(handle.clone()));
        }
        let lifecycle = Lifecycle {
            settings,
            progress,
            signal,
            handle,
            tasks: Tasks::new(),
            hooks: Mutex::new(Hooks::default()),
            gates: Mutex::default(),
            servers: Mutex::default(),
            admin: Mutex::default(),
            main: Some(server),
            signals,
        };
        if let Some(health) = health {
            let started = health.clone();
            lifecycle.ready_when(async move { started.wait_started().await });
            lifecycle.on_drain("health", move || health.set_draining("draining"));
        }
        Ok(lifecycle)
    }
}

impl Settings {
    fn check(&self) -> Result<(), ConfigError> {
        for (field, value, zero_allowed) in [
            ("lifecycle.drain_delay", self.delay, true),
            ("lifecycle.drain_timeout", self.drain, false),
            ("lifecycle.flush_timeout", self.flush, false),
        ] {
            if value > DAY || (value.is_zero() && !zero_allowed) {
                return Err(ConfigError::new(
                    field,
                    value,
                    "it is longer than nothing and at most a day",
                    "leave it out to have the default",
                ));
            }
        }
        let needed = self.delay + self.drain + self.flush + SLACK;
        if let Some(period) = self.grace_period
            && period < needed
        {
            let Self { delay, drain, flush, .. } = self;
            return Err(ConfigError::new(
                "lifecycle.grace_period",
                period,
                format!(
                    "delay {delay:?}, drain {drain:?}, flush {flush:?} and {SLACK:?} to exit make {needed:?}"
                ),
                format!("grant at least {needed:?}, or shorten the drain"),
            ));
        }
        let codes = (self.cut_short_code, self.second_signal_code);
        if codes.0 == 0 || codes.1 == 0 || codes.0 == codes.1 {
            return Err(ConfigError::new(
                "lifecycle exit codes",
                codes,
                "they tell a cut and a forced exit from a clean one (0) and from each other",
                "leave them out to have 80 and 81",
            ));
        }
        Ok(())
    }
}

/// Seconds, or with a unit: `10`, `0.5`, `10s`, `500ms`.
fn parse_duration(name: &str, text: &str) -> Result<Duration, ConfigError> {
    let text = text.trim();
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1e-3),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (text, 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok().map(|number| number * unit);
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        ConfigError::new(
            name.to_owned(),
            text,
            "it is a time in seconds",
            "write a number such as 10, 0.5 or 500ms",
        )
    })
}

impl fmt::Debug for LifecycleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleBuilder")
            .field("settings", &self.settings)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
