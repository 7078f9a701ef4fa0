//! The builder of a lifecycle.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Lifecycle;
use super::SignalHandlers;
use super::drain_readiness::DrainReadiness;
use super::hooks::Hooks;
use super::progress::Progress;
use super::settings::Settings;
use super::shutdown_handle::ShutdownHandle;
use super::shutdown_phase::MIN_PHASE_TIME;
use super::tasks::Tasks;
use super::watchdog::Watchdog;
use crate::ConfigError;
use crate::health::Health;
use crate::metrics::Registry;
use crate::server::{ConnectionMetrics, DrainSignal, Server, ServerBuilder};

impl Lifecycle {
    /// Creates a lifecycle with the default bounds, and installs the signal handlers.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` holds metrics of the same names, for example those of another
    /// `Lifecycle`.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder with the defaults of its [table](LifecycleBuilder).
    pub fn builder() -> LifecycleBuilder {
        LifecycleBuilder { settings: Settings::default(), health: None, server: None }
    }
}

/// A builder of a [`Lifecycle`].
///
/// | Setting | Default | Environment variable, read by [`with_env`](Self::with_env) |
/// |---|---|---|
/// | [`drain_delay`](Self::drain_delay) | 10 s | `SRE_KIT_DRAIN_DELAY` |
/// | [`drain_timeout`](Self::drain_timeout) | 15 s | `SRE_KIT_DRAIN_TIMEOUT` |
/// | [`flush_timeout`](Self::flush_timeout) | 3 s | `SRE_KIT_FLUSH_TIMEOUT` |
/// | [`grace_period`](Self::grace_period) | not checked | `SRE_KIT_GRACE_PERIOD` |
/// | [`readiness`](Self::readiness) | immediate | `SRE_KIT_DRAIN_READINESS` (`immediate`, `after-delay`) |
///
/// The variables of durations hold seconds, or a number with the unit `s` or `ms`.
///
/// The default bounds and 2 s fill the 30 s of Kubernetes' default
/// `terminationGracePeriodSeconds`.
#[must_use = "nothing happens before `build`"]
pub struct LifecycleBuilder {
    pub(super) settings: Settings,
    health: Option<Health>,
    server: Option<ServerBuilder>,
}

impl LifecycleBuilder {
    /// Sets how long connections are still accepted after the drain has begun. Defaults to 10 s.
    ///
    /// It must be as long as load balancers take to notice that the process is not ready: 5 to
    /// 10 s in a cluster, 25 to 30 s behind container-native load balancing on Google Cloud. Zero
    /// is allowed, and loses the requests that are sent until they have noticed.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.settings.drain_delay = delay;
        self
    }

    /// Sets how long requests, and after them tasks and pools, may take to finish. Longer than
    /// zero. Defaults to 15 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// Sets how long all flush hooks together may take. Longer than zero. Defaults to 3 s.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.settings.flush_timeout = timeout;
        self
    }

    /// Sets the time that the platform grants before it kills the process. [`build`](Self::build)
    /// then checks that the three bounds and 2 s fit into it. By default nothing is checked.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.settings.grace_period = Some(period);
        self
    }

    /// Sets the moment at which readiness goes off. Defaults to [`DrainReadiness::Immediate`].
    pub fn readiness(mut self, moment: DrainReadiness) -> Self {
        self.settings.readiness = moment;
        self
    }

    /// Sets the exit code of a shutdown that lost work: requests, connections or tasks that were cut
    /// off, or a hook outside of the phase `telemetry` that failed. Defaults to 80.
    pub fn cut_short_code(mut self, code: u8) -> Self {
        self.settings.cut_short_code = code;
        self
    }

    /// Sets the exit code of a shutdown that lost telemetry and nothing else, because the collector
    /// does not answer, for example. Defaults to 0: the loss is logged and counted, and
    /// [`ShutdownReport::telemetry_lost`](super::ShutdownReport::telemetry_lost) reports it.
    pub fn telemetry_lost_code(mut self, code: u8) -> Self {
        self.settings.telemetry_lost_code = code;
        self
    }

    /// Sets the exit code of a process that is ended by a second signal. Defaults to 81.
    pub fn second_signal_code(mut self, code: u8) -> Self {
        self.settings.second_signal_code = code;
        self
    }

    /// Sets whether a thread ends the process, with the code of
    /// [`cut_short_code`](Self::cut_short_code), if it still runs when the three bounds and 1.8 s
    /// are over. Defaults to `true`, or to `false` after [`without_signals`](Self::without_signals).
    ///
    /// Turn it off if the process goes on after the shutdown of this lifecycle. See
    /// [the module](super#an-end-that-always-comes).
    pub fn watchdog(mut self, enabled: bool) -> Self {
        self.settings.watchdog = Some(enabled);
        self
    }

    /// Installs no signal handlers, and starts no [watchdog](Self::watchdog) unless that is turned
    /// on as well. Then only a [`ShutdownHandle`] begins the shutdown. Use it in tests, and where
    /// the process outlives the lifecycle.
    pub fn without_signals(mut self) -> Self {
        self.settings.signals = false;
        self
    }

    /// Connects the probes: readiness goes off when the drain begins, and the state becomes
    /// `running` when startup is over.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Sets the limits, the name and the metrics of the main server. Defaults to
    /// [`Server::builder`] with connection metrics in the registry of [`build`](Self::build).
    pub fn server(mut self, server: ServerBuilder) -> Self {
        self.server = Some(server);
        self
    }

    /// Overlays the settings with the environment variables of the table above.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is malformed.
    pub fn with_env(self) -> Result<Self, ConfigError> {
        self.with_vars(|name| std::env::var(name).ok())
    }

    /// Overlays the settings with what `lookup` returns for the variables of the table above. An
    /// empty value counts as none.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is malformed.
    pub fn with_vars(
        mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        const READINESS: &str = "SRE_KIT_DRAIN_READINESS";
        let value = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let duration = |name| value(name).map(|text| parse_duration(name, &text)).transpose();
        let settings = &mut self.settings;
        settings.drain_delay = duration("SRE_KIT_DRAIN_DELAY")?.unwrap_or(settings.drain_delay);
        settings.drain_timeout =
            duration("SRE_KIT_DRAIN_TIMEOUT")?.unwrap_or(settings.drain_timeout);
        settings.flush_timeout =
            duration("SRE_KIT_FLUSH_TIMEOUT")?.unwrap_or(settings.flush_timeout);
        settings.grace_period = duration("SRE_KIT_GRACE_PERIOD")?.or(settings.grace_period);
        if let Some(moment) = value(READINESS) {
            settings.readiness = DrainReadiness::parse(READINESS, &moment)?;
        }
        Ok(self)
    }

    /// Builds the lifecycle, registers its metrics in `registry`, and installs the signal handlers.
    /// Connection metrics are registered as well, if [`server`](Self::server) was not called.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - `drain_timeout` or `flush_timeout` is zero, or a bound is longer than a day;
    /// - the bounds and 2 s do not fit into the grace period;
    /// - the two exit codes are equal, or one of them is 0;
    /// - the main server's limits are out of their ranges;
    /// - a metric of one of these names is already registered;
    /// - the signal handlers cannot be installed, or the watchdog cannot be started.
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
        let Settings { drain_delay, drain_timeout, flush_timeout, .. } = settings;
        let rest = drain_timeout.max(MIN_PHASE_TIME);
        let bounds = [drain_delay, drain_timeout, rest, rest, flush_timeout, MIN_PHASE_TIME];
        progress.register(registry, bounds)?;
        let watchdog = settings.has_watchdog().then(|| {
            let (bounds, exit_code) = (settings.bounds(), settings.cut_short_code);
            Watchdog { bounds, exit_code, progress: Arc::clone(&progress) }.start()
        });
        let alarm = watchdog.transpose().map_err(|error| {
            ConfigError::new(
                "watchdog",
                error.to_string(),
                "a thread and two descriptors watch the shutdown",
                "raise the limits of the process, or call watchdog(false)",
            )
        })?;
        let code = settings.second_signal_code;
        let signals = settings.signals.then(|| SignalHandlers::install(code, alarm.as_ref()));
        let mut signals = signals.transpose().map_err(|error| {
            ConfigError::new(
                "signals",
                error.to_string(),
                "SIGTERM and SIGINT begin the drain",
                "call without_signals if the process may not handle them",
            )
        })?;
        let handle = ShutdownHandle::new(alarm);
        // Inside of a runtime they are watched from now on, so that the handle knows of a signal
        // during startup.
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
            startup_gates: Mutex::default(),
            servers: Mutex::default(),
            admin_servers: Mutex::default(),
            main_server: Some(server),
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

/// Parses seconds, or a number with a unit: `10`, `0.5`, `10s`, `500ms`.
///
/// # Errors
///
/// Returns an error that names the variable `name` if `text` is not such a number.
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
