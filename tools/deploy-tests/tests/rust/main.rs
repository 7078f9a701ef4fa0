//! Tests that need nothing but Rust, linked into one binary. Each file is a module.

mod chart_docs;
mod contracts;
mod github_script;
mod observability;
mod pins;
mod setup_cluster;
mod workflow_builds;
mod workflow_steps;

#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/contract/mod.rs"]
mod contract;
#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/stand_in.rs"]
mod stand_in;
