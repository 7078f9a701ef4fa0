//! From the laptop to the cluster: one definition, and what is made of it.
//!
//! # 1. On the laptop
//!
//! ```sh
//! cargo run -p demo-app            # SQLite, no collector, no container
//! open http://127.0.0.1:9464/      # the console
//! curl 'localhost:8080/error?rate=0.5'
//! ```
//!
//! # 2. What the cluster needs, generated
//!
//! The SLOs that the process counts are those that the rules alert on, for they are one
//! definition in Rust. [`render`](crate::slo::render) makes of it:
//!
//! | File | For |
//! |---|---|
//! | recording and alerting rules, as `PrometheusRule`, as Google's `Rules` and plain | Prometheus, Managed Prometheus |
//! | promtool tests of these rules | `promtool test rules`: each alert fires when it must and at no other time |
//! | routes and inhibitions | Alertmanager |
//! | dashboards | Grafana |
//! | runbooks, one per alert | whoever is paged |
//! | thresholds | k6, so that a load test fails when it burns |
//! | OpenSLO | other tools |
//!
//! ```
//! use sre_kit::slo::render::{Options, render};
//! use sre_kit::slo::{Slo, Slos};
//!
//! let slos = Slos::new("shop", [Slo::availability("checkout", "99.9".parse()?)])?;
//! let rendered = render(&slos, &Options::new())?;
//! assert!(rendered.files().count() > 5);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The demo's subcommand does it for a repository, and for CI:
//!
//! ```sh
//! demo-app generate --out charts/demo-app/files/generated
//! demo-app generate --check charts/demo-app/files/generated   # exit code 4 when stale
//! ```
//!
//! # 3. The chart
//!
//! ```sh
//! helm install demo charts/demo-app                              # SQLite in each pod
//! helm install demo charts/demo-app --set monitoring.flavor=gmp  # or operator, otlp, none
//! ```
//!
//! What must hold between values is checked before anything is sent: the phases of the
//! [way out](super::on_gke) within the grace period, the pools of all pods within the
//! database's connections.
//!
//! # 4. The ground under it
//!
//! `terraform/modules` makes the network, the cluster (Autopilot or Standard), the
//! database and identities without keys. Its output `helm_values` is the chart's input.
//!
//! # What stays the same
//!
//! | | Laptop | Cluster |
//! |---|---|---|
//! | the program | `cargo run` | the same, from an image |
//! | settings | flags | the same, from the environment |
//! | database | SQLite | PostgreSQL, [without a password](super::iam_database) |
//! | admin listener | `127.0.0.1:9464` | `0.0.0.0:9464`, in no Service that users reach |
//! | SLOs | `/slo`, the console | the generated rules and dashboards |
//! | the way out | Ctrl-C, at once | SIGTERM, after the load balancer has noticed |
