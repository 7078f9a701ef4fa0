//! Tests on a Kubernetes of this machine, linked into one binary. Each file is a module.

mod access;
mod autoscale;
mod chart;
mod crash;
mod database;
mod dry_run;
mod monitored;
mod pods;
mod queue;
mod rollout;
mod setup_script;
mod workflow;

#[path = "../support/cluster/mod.rs"]
mod cluster;
#[path = "../../../../demo-app/tests/support/collector.rs"]
mod collector;
#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/deploy.rs"]
mod deploy;
#[path = "../support/monitoring/mod.rs"]
mod monitoring;
#[path = "../support/serve.rs"]
mod serve;
