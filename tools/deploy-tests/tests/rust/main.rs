//! Tests that need nothing but Rust, linked into one binary. Each file is a module.

mod chart_docs;
mod contracts;
mod observability;
mod pins;
mod setup_cluster;

#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/contract/mod.rs"]
mod contract;
