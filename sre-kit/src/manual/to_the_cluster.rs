//! From the laptop to the cluster: rules, dashboards and a chart from one SLO definition.
//!
//! # 1. Run it on the laptop
//!
//! ```sh
//! cargo run -p demo-app            # SQLite, no collector, no container
//! open http://127.0.0.1:9464/      # the console
//! curl 'localhost:8080/error?rate=0.5'
//! ```
//!
//! # 2. Generate rules and dashboards
//!
//! The process and the alert rules use the same SLO definition in Rust.
//! [`render`](crate::slo::render) generates from it:
//!
//! | File | Used by |
//! |---|---|
//! | recording and alerting rules, as `PrometheusRule`, as Google's `Rules` and plain | Prometheus, Managed Prometheus |
//! | promtool tests of these rules | `promtool test rules`, which checks when each alert fires |
//! | routes and inhibitions | Alertmanager |
//! | dashboards | Grafana |
//! | runbooks, one per alert | the engineer on call |
//! | thresholds | k6, so that a load test fails if it burns the budget too fast |
//! | OpenSLO | other tools |
//!
#![cfg_attr(feature = "render", doc = "```")]
#![cfg_attr(not(feature = "render"), doc = "```ignore")]
//! use sre_kit::slo::render::{Options, render};
//! use sre_kit::slo::{Slo, Slos};
//!
//! let slos = Slos::new("shop", [Slo::availability("checkout", "99.9".parse()?)])?;
//! let rendered = render(&slos, &Options::new())?;
//! assert!(rendered.files().count() > 5);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The subcommand `generate` of the demo writes the files, and checks them in CI:
//!
//! ```sh
//! demo-app generate --out charts/demo-app/files/generated
//! demo-app generate --check charts/demo-app/files/generated   # exit code 4 if stale
//! ```
//!
//! # 3. Install the chart
//!
//! ```sh
//! helm install demo charts/demo-app                              # SQLite in each pod
//! helm install demo charts/demo-app --set monitoring.flavor=gmp  # or operator, otlp, none
//! ```
//!
//! Before Helm sends anything, the chart checks values against each other: the phases of the
//! [graceful shutdown](super::on_gke) must fit into the grace period, and the pools of all pods
//! into the connections of the database.
//!
//! # 4. Infrastructure
//!
//! `terraform/modules` creates the network, the cluster (Autopilot or Standard), the database, and
//! service accounts without keys. Its output `helm_values` is the chart's input.
//!
//! # Laptop and cluster compared
//!
//! | | Laptop | Cluster |
//! |---|---|---|
//! | program | `cargo run` | the same, from an image |
//! | settings | flags | the same, from the environment |
//! | database | SQLite | PostgreSQL, [without a password](super::iam_database) |
//! | admin listener | `127.0.0.1:9464` | `0.0.0.0:9464`, not in the Service that users reach |
//! | SLOs | `/slo`, the console | the generated rules and dashboards |
//! | graceful shutdown | on Ctrl-C, without a delay | on SIGTERM, with a delay for the load balancer |
