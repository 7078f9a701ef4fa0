//! Probes and drain on GKE: rollouts that lose no request.
//!
//! The chart `charts/demo-app` does all of this and refuses values that would not
//! work. Here is what it does and why, for a manifest of one's own.
//!
//! # Probes
//!
//! ```yaml
//! ports:
//!   - {name: http, containerPort: 8080}
//!   - {name: admin, containerPort: 9464}      # never in the Service that users reach
//! env:
//!   - {name: SRE_KIT_ADMIN, value: "0.0.0.0:9464"}
//! startupProbe:   {httpGet: {path: /startupz, port: admin}, periodSeconds: 2, failureThreshold: 60}
//! readinessProbe: {httpGet: {path: /readyz, port: admin}, periodSeconds: 5}
//! livenessProbe:  {httpGet: {path: /livez, port: admin}, periodSeconds: 10, failureThreshold: 3}
//! ```
//!
//! They are asked on the admin listener, which has an accept loop of its own: a flood
//! on the service's port cannot keep a probe from being answered. A probe reads what is
//! known and never runs a check.
//!
//! *Liveness checks no dependency*: a restart mends a deadlock and nothing else. *A
//! check is reported* unless another instance would do better; a database that all
//! instances share is asked for once, with
//! [`gate_startup`](crate::health::Check::gate_startup). Both are reasoned in
//! [`health`](crate::health).
//!
//! # The way out
//!
//! A pod that is deleted gets SIGTERM at the same moment as the load balancer learns of
//! it, and the load balancer takes longer. What is accepted until then has to be served:
//!
//! | Second | Phase | The kit |
//! |---|---|---|
//! | 0 | `delay` | readiness goes off; it goes on to accept, and tells clients to leave by `Connection: close` and GOAWAY |
//! | 25 | `drain` | stops to accept, finishes what is under way, tells streams to end |
//! | up to 45 | `tasks`, `pools` | background tasks, then hooks such as the database's |
//! | up to 48 | `telemetry` | a bounded flush |
//! | 48 | `admin` | the last scrape, and the end, with an [exit code](crate::lifecycle::ShutdownReport) that says whether something was lost |
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
//! The sum of the three and 2 s has to fit into the grace period; given it, the kit
//! refuses to start when it does not. There is no `preStop` hook: a sleep in one is a
//! delay in which nobody tells clients to leave.
//!
//! How long the delay has to be depends on who sends requests:
//!
//! | In front | Delay | Why |
//! |---|---|---|
//! | a Service, by kube-proxy or Dataplane V2 | 5 to 10 s | endpoints travel to every node |
//! | Gateway or Ingress with container-native load balancing | 25 to 30 s | Google's load balancer takes an endpoint out by its own rhythm; its health check asks `/readyz` too |
//! | nothing, on a laptop | 0 | Ctrl-C is not to wait |
//!
//! With nothing but kube-proxy in front, `SRE_KIT_DRAIN_READINESS=after-delay` lets it
//! fall back on the terminating pod where no other endpoint is left
//! ([`DrainReadiness`](crate::lifecycle::DrainReadiness)).
//!
//! # See it
//!
//! ```sh
//! kubectl port-forward pod/demo-app-… 9464     # then open http://127.0.0.1:9464/
//! kubectl delete pod demo-app-…                # the console shows the phases, one by one
//! ```
//!
//! Afterwards, `lifecycle_cut_off_total` of the last scrape is all zero, and the exit
//! code is 0. With 80 the drain ran into its bound: make `drain` longer, or find what
//! does not end. [`lifecycle`](crate::lifecycle) has the order, and what each phase does
//! with what is left.
//!
//! # Limits
//!
//! A processor limit throttles: a service that may use two cores of thirty-two runs in
//! bursts and stands still in between. `cgroup_cpu_throttled_periods_total` over
//! `cgroup_cpu_periods_total` says how often, the console's meter too. Request what is
//! needed, and think twice before the limit. Memory needs one.
