//! Startup, readiness and liveness probes that never lie.
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::health::{Check, Health};
//! use sre_kit::metrics::Registry;
//!
//! # async fn ping_database() -> Result<(), std::io::Error> { Ok(()) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sre_kit::ConfigError> {
//! let health = Health::builder()
//!     .check(Check::new("database", || async { ping_database().await }))
//!     .build(&Registry::new())?;
//!
//! let migrations = health.latch("migrations");
//! health.spawn();
//! // ... migrate ...
//! migrations.release();
//! health.wait_ready().await;
//!
//! // On SIGTERM: traffic stays away from now on, and the process stays alive.
//! health.set_draining("SIGTERM");
//! assert!(!health.is_ready() && health.is_live());
//! # Ok(())
//! # }
//! ```
//!
//! # Three questions
//!
//! An orchestrator asks three questions, and each has a consequence of its own. To
//! answer one with the truth about another is how outages begin.
//!
//! | Question | Path | What a "no" does | What it reads |
//! |---|---|---|---|
//! | Has it started? | `/startupz` | the other two are not asked yet; after too many, a restart | [`Latch`]es, and checks that [`gate_startup`](Check::gate_startup). Once yes, yes for good |
//! | Should traffic come here? | `/readyz` | traffic goes elsewhere | started, not [draining](Health::set_draining), and checks that [`gate_readiness`](Check::gate_readiness) |
//! | Should it be left alone? | `/livez` | the process is killed and started anew | that it answers at all, and [`Heartbeat`]s |
//!
//! Liveness cannot be made to depend on a check: there is no method for it. A restart
//! mends a deadlock and nothing else. Where liveness asks a database, the database's
//! bad minute restarts every instance at once, and all of them come back to it cold.
//!
//! # Why a check is reported and not gated
//!
//! A check is shown, counted and alerted on, and by default that is all. When the
//! database that all instances share fails, every instance fails its check in the
//! same second. Were they to leave the load balancer for it, users would get
//! connection errors instead of the pages that need no database, the error pages and
//! the `Retry-After`; and the load balancer would be left without a backend. The AWS
//! Builders' Library ("Implementing health checks") tells how that went, and what
//! they do instead: fail open. Google's Cloud SQL proxy took the database out of its
//! readiness for the same reason (GoogleCloudPlatform/cloud-sql-proxy#2207).
//!
//! So ask, of each check: *would another instance do better?* A full disk, a corrupt
//! cache of one's own: yes, [`gate_readiness`](Check::gate_readiness). A shared
//! database: no, leave it reported. That it must have been reached *once*, lest a bad
//! password be rolled out everywhere: [`gate_startup`](Check::gate_startup), for a
//! rollout stops at instances that do not start.
//!
//! # What keeps a probe from lying
//!
//! - A probe reads what is known and never runs a check, however often it is asked:
//!   each check has a loop of its own, one run at a time, with a timeout, jitter, and
//!   its panics contained.
//! - One bad run is not a failure: it takes [`fall`](Check::fall) of them in a row,
//!   and [`rise`](Check::rise) passes to come back. The first result counts at once.
//! - Old news is no news. Past three intervals and a timeout a result is
//!   [stale](CheckState::Stale), which counts as failing: a loop that has stopped
//!   cannot leave a check green.
//! - What has not been asked yet is [pending](CheckState::Pending), not well.
//! - All of an answer is of one moment.
//!
//! # Answers
//!
//! [`Health::service`] is a plain tower service for `GET` and `HEAD`; nothing it can
//! be sent changes anything. It goes on any router, with or without a listener of its
//! own, nested or not:
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! # use sre_kit::health::Health;
//! # let health = Health::builder().build(&sre_kit::metrics::Registry::new())?;
//! let app = axum::Router::<()>::new()
//!     .route_service("/livez", health.service())
//!     .route_service("/readyz", health.service())
//!     // All of them, and a check by its name: /internal/readyz/database.
//!     .nest_service("/internal", health.service());
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! | Request | Answer |
//! |---|---|
//! | `/readyz` | `200 ok`, or 503 and the reason: `not ready: draining` |
//! | `/readyz?verbose` | a line per check, in the form of Kubernetes' own servers |
//! | `/readyz?exclude=cache` | as if that check were not there; repeatable; an unknown name is told |
//! | `/readyz/database` | that check alone, whatever it gates; 404 for an unknown one |
//! | `Accept: application/health+json` | the same as [draft-inadarei-06][draft]: `pass`, `warn` (200) or `fail` (503) |
//!
//! Each may be asked of `/livez` and `/startupz` too, but for the single check. A
//! slash at the end does no harm. None may be cached (`Cache-Control: no-store`).
//!
//! ```text
//! [+]startup ok
//! [+]shutdown ok
//! [+]disk ok (age 3.2s)
//! [!]replica degraded: reason withheld (reported only, age 1.1s)
//! [-]search failed: timed out after 2s (reported only, age 4.5s)
//! readyz check passed
//! ```
//!
//! What a check *said* is withheld, for an error's text likes to name hosts and
//! users. It is in the log, and on the page where [`ShowDetails`] allows it.
//!
//! With the feature `tonic`, `Health::grpc` answers the same over `grpc.health.v1`.
//!
//! [draft]: https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `health_check_up` | gauge | `check`, `gate` (`report`, `startup`, `readiness`, `startup_and_readiness`) | 1 when it passes or is degraded; 0 when it fails, is stale or pending |
//! | `health_check_degraded` | gauge | `check` | 1 when it is up and warns |
//! | `health_checks_total` | counter | `check`, `result` (`pass`, `warn`, `fail`, `timeout`, `panic`) | runs, by how they ended, before rise and fall |
//! | `health_check_duration_seconds` | histogram | `check` | how long a run took |
//! | `health_check_last_success_timestamp_seconds` | gauge | `check` | Unix time of the last run that passed; 0 for never |
//! | `health_heartbeat_age_seconds` | gauge | `heartbeat` | time since the last beat |
//!
//! Every series of a check exists from [`build`](HealthBuilder::build) on. The names
//! are ours: the semantic conventions have none for health.
//!
//! # Numbers for Kubernetes and GKE
//!
//! ```yaml
//! startupProbe:   { httpGet: { path: /startupz, port: 9090 }, periodSeconds: 2, failureThreshold: 60 }
//! readinessProbe: { httpGet: { path: /readyz,   port: 9090 }, periodSeconds: 5, failureThreshold: 1, timeoutSeconds: 1 }
//! livenessProbe:  { httpGet: { path: /livez,    port: 9090 }, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 2 }
//! terminationGracePeriodSeconds: 60
//! ```
//!
//! - *Startup*: `periodSeconds` × `failureThreshold` is the longest start that is not
//!   taken for a failure, here two minutes. It spares liveness a guess at it.
//! - *Readiness*: one failure is enough, for rise and fall are counted in here
//!   already; counting twice only sends traffic to a failing instance for longer.
//! - *Liveness*: patient. A minute of no answer is a deadlock; ten seconds are a
//!   throttled CPU, and a restart makes that worse.
//! - *GKE with container-native load balancing* asks by itself, beside the kubelet:
//!   every 15 s, and two failures take an endpoint out. From a `readinessProbe` it
//!   takes the path, `periodSeconds` and `timeoutSeconds`, and not the thresholds,
//!   which stay at 1 and 2 (kubernetes/ingress-gce, `pkg/translator/healthchecks.go`).
//!   So after [`set_draining`](Health::set_draining) traffic may come for two of its
//!   periods, and a little more until it is known everywhere: go on accepting for 25 s
//!   to 30 s, and leave a grace period of at least 60 s.
//! - The load balancer probes the *serving* port unless a `HealthCheckPolicy` or
//!   `BackendConfig` says otherwise; mount `/readyz` there too, as above.
//!
//! # Cost
//!
//! A passing probe is one lock that nobody holds for longer than a pointer takes to
//! move, one comparison, and the two allocations of its header map, however many
//! checks there are. A heartbeat is one atomic store.

mod board;
mod builder;
mod check;
mod flap;
mod gate;
#[cfg(feature = "tonic")]
mod grpc;
mod handlers;
mod heartbeat;
mod instruments;
mod latch;
mod monitor;
mod snapshot;
mod verdict;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use board::{Board, Hold, Outcome};
use check::{Run, Spec, check_name};
use handlers::Identity;
use heartbeat::Pulse;
use instruments::Instruments;

pub use builder::HealthBuilder;
pub use check::Check;
pub use gate::ProbeGate;
#[cfg(feature = "tonic")]
pub use grpc::{GrpcHealth, Watch};
pub use handlers::{Probe, ProbeBody, ProbeService, ShowDetails};
pub use heartbeat::Heartbeat;
pub use latch::Latch;
pub use snapshot::{CheckSnapshot, CheckState, Snapshot};
pub use verdict::{CheckResult, IntoCheckResult};

use crate::ConfigError;

/// The health of a service: its checks, its latches, and whether it drains.
/// Cloning is cheap; clones are the same health.
#[derive(Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    specs: Arc<[Spec]>,
    runs: Box<[Run]>,
    board: watch::Sender<Arc<Board>>,
    instruments: Instruments,
    details: ShowDetails,
    identity: Identity,
    /// Held by whoever runs the checks, so that nobody runs them twice.
    running: Mutex<()>,
    next_latch: AtomicU64,
}

impl Health {
    /// Begins a health whose metrics are registered in `registry`.
    pub fn builder() -> HealthBuilder {
        HealthBuilder::new()
    }

    /// Runs every check in a loop of its own, on the runtime that this is called on.
    ///
    /// Startup can complete from now on: take the first [`latch`](Self::latch)
    /// before. Aborting the handle stops the loops; dropping it does not.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    pub fn spawn(&self) -> JoinHandle<()> {
        tokio::spawn(self.clone().run(std::future::pending()))
    }

    /// Runs every check in a loop of its own until `stop` is ready.
    ///
    /// A second call waits until the first has ended: a check never runs twice at
    /// once. When the loops end, results grow stale, and gates fail with them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the loops, and drops the runs that are under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let loops = async {
            let _only_here = self.inner.running.lock().await;
            let mut loops = JoinSet::new();
            for index in 0..self.inner.specs.len() {
                loops.spawn(monitor::watch(self.clone(), index));
            }
            self.update(|board| board.running = true);
            // A loop never ends, so this waits for `stop` even where there is no check.
            while loops.join_next().await.is_some() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = loops => {}
            () = stop => {}
        }
    }

    /// Readiness fails from now on, and liveness no longer can. The first reason
    /// stays; there is no way back.
    pub fn set_draining(&self, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        self.update(|board| {
            board.draining.get_or_insert(reason);
        });
    }

    /// Startup waits until the latch is released.
    ///
    /// Take it before [`spawn`](Self::spawn), or at least before startup is over:
    /// after that it holds nothing back, for what has started stays started.
    pub fn latch(&self, name: impl Into<String>) -> Latch {
        let name: Arc<str> = name.into().into();
        let id = self.inner.next_latch.fetch_add(1, Ordering::Relaxed);
        self.update(|board| {
            if !board.started {
                board.latches.push(Hold { id, name: Arc::clone(&name) });
            }
        });
        if self.is_started() {
            tracing::warn!(
                latch = &*name,
                "a latch was taken after startup; it holds nothing back"
            );
        }
        Latch::new(self.clone(), name, id)
    }

    /// Liveness fails when the heartbeat's last beat is older than `max_age`.
    ///
    /// Choose an age well above the longest turn of the loop: the price of a false
    /// alarm is a restart. A beat counts as made now.
    ///
    /// # Errors
    ///
    /// When the name is malformed or taken, or the age is zero.
    pub fn heartbeat(
        &self,
        name: impl Into<String>,
        max_age: Duration,
    ) -> Result<Heartbeat, ConfigError> {
        let name = name.into();
        check_name("heartbeat name", &name)?;
        if max_age.is_zero() {
            return Err(ConfigError::new(
                format!("max_age of heartbeat `{name}`"),
                max_age,
                "every beat is older than that",
                "write several times the longest turn of the loop",
            ));
        }
        let pulse = Arc::new(Pulse::new(name, max_age));
        let mut taken = false;
        self.update(|board| {
            taken = board.pulses.iter().any(|other| other.name == pulse.name);
            if !taken {
                board.pulses.push(Arc::clone(&pulse));
            }
        });
        if taken {
            return Err(ConfigError::new(
                "heartbeat name",
                &pulse.name,
                "another heartbeat has that name, and beats for one would hide the other",
                "rename one of them, or retire the first",
            ));
        }
        Ok(Heartbeat::new(self.clone(), pulse))
    }

    /// All that is known now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            specs: Arc::clone(&self.inner.specs),
            board: Arc::clone(&self.inner.board.borrow()),
            now: Instant::now(),
        }
    }

    /// Whether startup is over. Once it is, it stays so.
    pub fn is_started(&self) -> bool {
        self.inner.board.borrow().started
    }

    /// Whether traffic should come here.
    pub fn is_ready(&self) -> bool {
        self.inner.board.borrow().is_ready(Instant::now())
    }

    /// Whether the process should be left alone.
    pub fn is_live(&self) -> bool {
        self.inner.board.borrow().is_live(Instant::now())
    }

    /// Waits until startup is over. Cancel safe.
    pub async fn wait_started(&self) {
        self.wait_for(|board| board.started).await;
    }

    /// Waits until the service is ready. Cancel safe.
    pub async fn wait_ready(&self) {
        self.wait_for(|board| board.is_ready(Instant::now())).await;
    }

    async fn wait_for(&self, f: impl Fn(&Board) -> bool) {
        // It cannot fail: the sender lives in `self`.
        let _ = self.inner.board.subscribe().wait_for(|board| f(board)).await;
    }

    /// The probes as a service for any router: `/livez`, `/readyz`, `/startupz`.
    pub fn service(&self) -> ProbeService {
        ProbeService::new(self.clone())
    }

    /// Whether what checks have said may be shown to who sent this request, when it
    /// asks for it.
    #[cfg(feature = "console")]
    pub(crate) fn shows_details(&self, head: &http::request::Parts) -> bool {
        self.inner.details.allows(head)
    }

    /// Changes the board, and draws the conclusions.
    fn update(&self, f: impl FnOnce(&mut Board)) {
        let now = Instant::now();
        let (mut before, mut after) = ((false, false), (false, false));
        self.inner.board.send_modify(|board| {
            before = (board.started, board.is_ready(now));
            let board = Arc::make_mut(board);
            f(board);
            board.conclude(&self.inner.specs, now);
            after = (board.started, board.is_ready(now));
        });
        if !before.0 && after.0 {
            tracing::info!("startup is complete");
        }
        match (before.1, after.1) {
            (false, true) => tracing::info!("the service is ready"),
            (true, false) => tracing::warn!("the service is not ready"),
            _ => {}
        }
    }

    fn record(&self, index: usize, outcome: Outcome) {
        self.inner.instruments.record(index, &outcome);
        let (ending, message) = (outcome.ending, outcome.message.clone());
        let mut changed = false;
        self.update(|board| changed = board.record(&self.inner.specs, index, outcome));
        if changed {
            let (check, result) = (&*self.inner.specs[index].name, ending.as_str());
            let message = message.as_deref().unwrap_or_default();
            if ending.passed() {
                tracing::info!(check, result, message, "a check changed");
            } else {
                tracing::warn!(check, result, message, "a check changed");
            }
        }
    }

    fn specs(&self) -> &[Spec] {
        &self.inner.specs
    }

    fn run_of(&self, index: usize) -> &Run {
        &self.inner.runs[index]
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.snapshot()).finish()
    }
}
