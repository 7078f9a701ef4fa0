//! Probes and graceful shutdown on GKE: rollouts that lose no request.
//!
//! The chart `charts/demo-app` has these settings and rejects values that cannot work. This page
//! explains them, for those who write their own manifests.
//!
//! # Probes
//!
//! ```yaml
//! ports:
//!   - {name: http, containerPort: 8080}
//!   - {name: admin, containerPort: 9464}      # not in the Service that users reach
//! env:
//!   - {name: SRE_KIT_ADMIN, value: "0.0.0.0:9464"}
//! startupProbe:   {httpGet: {path: /startupz, port: admin}, periodSeconds: 2, failureThreshold: 60}
//! readinessProbe: {httpGet: {path: /readyz, port: admin}, periodSeconds: 5}
//! livenessProbe:  {httpGet: {path: /livez, port: admin}, periodSeconds: 10, failureThreshold: 3}
//! ```
//!
//! Probes go to the admin listener, which has its own accept loop: a flood of requests on the
//! service's port cannot delay them. A probe returns the latest results and never runs a check.
//!
//! *Liveness depends on no check*: a restart repairs a deadlock and nothing else. *Gate readiness
//! on a check* only if other instances can do better when it fails. For a database that all
//! instances share, use [`gate_startup`](crate::health::Check::gate_startup).
//! [`health`](crate::health) gives the reasons.
//!
//! # Graceful shutdown
//!
//! Kubernetes sends SIGTERM to a deleted pod and removes it from the load balancer at the same
//! time, but the removal takes longer. The pod must serve the requests that arrive in between:
//!
#![doc = include_str!("pictures/drain.svg")]
//!
//! With the longer delay that a load balancer of Google needs:
//!
//! | Second | Phase | What the kit does |
//! |---|---|---|
//! | 0 | `delay` | turns readiness off, keeps accepting, and asks clients to reconnect by `Connection: close` and GOAWAY |
//! | 25 | `drain` | stops accepting, finishes open requests, tells streams to end |
//! | up to 45 | `tasks`, `pools` | ends background tasks, then runs hooks such as closing the database pool |
//! | up to 48 | `telemetry` | flushes telemetry within a bound |
//! | 48 | `admin` | serves the last scrape and exits; the [exit code](crate::lifecycle::ShutdownReport) says whether something was lost |
//!
//! ```yaml
//! terminationGracePeriodSeconds: 60
//! env:
//!   - {name: SRE_KIT_DRAIN_DELAY, value: 25s}
//!   - {name: SRE_KIT_DRAIN_TIMEOUT, value: 20s}
//!   - {name: SRE_KIT_FLUSH_TIMEOUT, value: 3s}
//!   - {name: SRE_KIT_GRACE_PERIOD, value: 60s}
//! ```
//!
//! The sum of delay, drain and flush, plus 2 s, must fit into the grace period. If
//! `SRE_KIT_GRACE_PERIOD` is set and too short, the kit refuses to start. Do not add a `preStop`
//! hook that sleeps: during that sleep, clients are not asked to reconnect.
//!
//! The length of the delay depends on what routes requests to the pod:
//!
//! | In front | Delay | Reason |
//! |---|---|---|
//! | a Service, by kube-proxy or Dataplane V2 | 5 to 10 s | each node has to receive the new endpoints |
//! | Gateway or Ingress with container-native load balancing | 25 to 30 s | Google's load balancer removes endpoints at its own pace; its health check also calls `/readyz` |
//! | nothing, on a laptop | 0 | Ctrl-C should end the process at once |
//!
//! If only kube-proxy is in front, set `SRE_KIT_DRAIN_READINESS=after-delay`: kube-proxy can then
//! still route to a terminating pod if no other endpoint is left
//! ([`DrainReadiness`](crate::lifecycle::DrainReadiness)).
//!
//! # Watch a shutdown
//!
//! ```sh
//! kubectl port-forward pod/demo-app-… 9464     # then open http://127.0.0.1:9464/
//! kubectl delete pod demo-app-…                # the console shows each phase
//! ```
//!
//! If nothing was lost, every `lifecycle_cut_off_total` in the last scrape is 0 and so is the exit
//! code. Exit code 80 means that the drain exceeded its bound, or that the process did not end by
//! itself: increase `drain_timeout`, or find what does not end. A collector that does not answer
//! counts as `kind="telemetry"` and leaves the exit code at 0. [`lifecycle`](crate::lifecycle) describes the phases and what each does with
//! unfinished work.
//!
//! # Resource limits
//!
//! A CPU limit throttles the process: a service that may use two of 32 cores runs in bursts and
//! stands still in between. `cgroup_cpu_throttled_periods_total` divided by
//! `cgroup_cpu_periods_total` shows how often; the console shows it too. Set a CPU request, and
//! avoid a CPU limit if you can. Set a memory limit.
