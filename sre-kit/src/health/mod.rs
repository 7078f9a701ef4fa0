//! Startup, readiness and liveness probes.
//!
//! Checks run in the background; a probe reads their last results and never runs one itself.
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
//! // On SIGTERM: the service is not ready any more, and stays live.
//! health.set_draining("SIGTERM");
//! assert!(!health.is_ready() && health.is_live());
//! # Ok(())
//! # }
//! ```
//!
//! The example [`custom_check`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/custom_check.rs) is a complete program.
//!
//! # Three probes
//!
//! An orchestrator calls three probes, and each has its own consequence. Do not answer one of them
//! with the state of another.
//!
//! | Probe | Path | If it fails | It depends on |
//! |---|---|---|---|
//! | startup: has the service started? | `/startupz` | the other two are not called yet; after too many failures the process is restarted | [`Latch`]es, and checks that [`gate_startup`](Check::gate_startup). Once it passes, it always passes |
//! | readiness: should the instance receive traffic? | `/readyz` | traffic goes to other instances | startup, [draining](Health::set_draining), and checks that [`gate_readiness`](Check::gate_readiness) |
//! | liveness: can the process make progress? | `/livez` | the process is restarted | that it responds at all, and [`Heartbeat`]s |
//!
//! Liveness cannot depend on a check; no method makes it. A restart repairs a deadlock and nothing
//! else. If liveness depended on a database, one bad minute of the database would restart all
//! instances at once, and all of them would reconnect to it with cold caches.
//!
//! # Why checks are reported by default
//!
//! By default a check is shown, counted and alerted on, and fails no probe. When a database that
//! all instances share fails, the check of every instance fails in the same second. If they left
//! the load balancer for it, users would get connection errors instead of the pages that need no
//! database, the error pages and `Retry-After`, and the load balancer would have no backend left.
//! The AWS Builders' Library ("Implementing health checks") describes such outages and the remedy:
//! fail open. Google's Cloud SQL proxy removed the database from its readiness for the same reason
//! (GoogleCloudPlatform/cloud-sql-proxy#2207).
//!
//! Ask of each check: *would another instance do better?*
//!
//! | Check | Another instance would do better | Setting |
//! |---|---|---|
//! | a full disk, a corrupt local cache | yes | [`gate_readiness`](Check::gate_readiness) |
//! | a shared database | no | the default |
//! | the shared database was reached once, so that a wrong password is not rolled out everywhere | yes, one of the previous version | [`gate_startup`](Check::gate_startup), because a rollout stops at instances that do not start |
//!
//! # Guarantees
//!
//! - A probe reads the current state and never runs a check, however often it is called. Each check
//!   has its own loop: one run at a time, with a timeout, jitter, and its panics caught.
//! - One bad run is not a failure: [`fall`](Check::fall) failures in a row make a check fail, and
//!   [`rise`](Check::rise) passes in a row make it pass again. The very first run decides alone.
//! - A result older than three intervals and a timeout is [stale](CheckState::Stale), which counts
//!   as failing. A loop that has stopped cannot leave a check passing.
//! - A check without a result is [pending](CheckState::Pending), which counts as failing.
//! - All parts of a response are of the same moment.
//!
//! # Responses
//!
//! [`Health::service`] is a tower service for `GET` and `HEAD` that changes no state. It can be
//! mounted on any router, nested or not:
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
//! | Request | Response |
//! |---|---|
//! | `/readyz` | `200 ok`, or 503 with the reason: `not ready: draining` |
//! | `/readyz?verbose` | one line per check, in the format of Kubernetes' API server |
//! | `/readyz?exclude=cache` | the same without that check; repeatable; the response notes unknown names |
//! | `/readyz/database` | that check alone, whether or not it gates a probe; 404 for an unknown name |
//! | `Accept: application/health+json` | the same as [draft-inadarei-06][draft]: `pass` or `warn` (200), `fail` (503) |
//!
//! `/livez` and `/startupz` respond in the same way, except for the single check. A trailing slash
//! is accepted. No response may be cached (`Cache-Control: no-store`).
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
//! The messages of checks are withheld by default, because an error's text may contain host names
//! and users. The log has them, and responses have them if [`ShowDetails`] allows it.
//!
//! With the feature `tonic`, `Health::grpc` provides the same over `grpc.health.v1`.
//!
//! [draft]: https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `health_check_up` | gauge | `check`, `gate` (`report`, `startup`, `readiness`, `startup_and_readiness`) | 1 when it passes or is degraded; 0 when it fails, is stale or pending |
//! | `health_check_degraded` | gauge | `check` | 1 when it is up and warns |
//! | `health_checks_total` | counter | `check`, `result` (`pass`, `warn`, `fail`, `timeout`, `panic`) | runs by result, before rise and fall |
//! | `health_check_duration_seconds` | histogram | `check` | duration of a run |
//! | `health_check_last_success_timestamp_seconds` | gauge | `check` | Unix time of the last run that passed; 0 for never |
//! | `health_heartbeat_age_seconds` | gauge | `heartbeat` | time since the last beat |
//!
//! Every series of a check exists as soon as [`build`](HealthBuilder::build) returns. The semantic
//! conventions define no names for health checks.
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
//! - *Startup*: `periodSeconds` × `failureThreshold` is the longest allowed start, here two
//!   minutes. With it liveness needs no initial delay.
//! - *Readiness*: one failure is enough, because rise and fall are already counted here. A second
//!   threshold would only send traffic to a failing instance for longer.
//! - *Liveness*: be patient. A process that does not respond for a minute is deadlocked; after ten
//!   seconds it may only be throttled, and a restart makes that worse.
//! - *GKE with container-native load balancing* probes on its own, in addition to the kubelet:
//!   every 15 s, and two failures remove an endpoint. It takes the path, `periodSeconds` and
//!   `timeoutSeconds` from a `readinessProbe`, and not the thresholds, which stay at 1 and 2
//!   (kubernetes/ingress-gce, `pkg/translator/healthchecks.go`). Traffic may therefore arrive for
//!   two of its periods after [`set_draining`](Health::set_draining), and slightly longer until all
//!   proxies know it: keep accepting connections for 25 s to 30 s, and set a grace period of at
//!   least 60 s.
//! - The load balancer probes the *serving* port unless a `HealthCheckPolicy` or `BackendConfig`
//!   names another one. Mount `/readyz` there, too.
//!
//! # Cost
//!
//! A passing probe costs one read lock, whose writers only replace a pointer, one comparison, and
//! the two allocations of its header map, whatever the number of checks. A heartbeat costs one
//! atomic store.

mod builder;
mod check;
mod check_result;
mod check_run;
mod check_snapshot;
mod check_spec;
mod check_status;
#[cfg(feature = "tonic")]
mod grpc;
mod handle;
mod handlers;
mod health_snapshot;
mod health_state;
mod heartbeat;
mod heartbeat_entry;
mod identity;
mod instruments;
mod latch;
mod monitor;
mod probe;
mod probe_gate;
mod rise_fall;
mod show_details;

pub use builder::HealthBuilder;
pub use check::Check;
pub use check_result::{CheckResult, IntoCheckResult};
pub use check_snapshot::{CheckSnapshot, CheckState};
#[cfg(feature = "tonic")]
pub use grpc::{GrpcHealth, WatchStream};
pub use handle::Health;
pub use handlers::{ProbeBody, ProbeService};
pub use health_snapshot::HealthSnapshot;
pub use heartbeat::Heartbeat;
pub use latch::Latch;
pub use probe::Probe;
pub use probe_gate::ProbeGate;
pub use show_details::ShowDetails;
