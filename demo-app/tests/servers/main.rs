//! Tests against real servers, linked into one binary. Each file is a module.

mod gate;
mod postgres;
mod telemetry;

#[path = "../support/collector.rs"]
mod collector;
#[path = "../../../sre-kit/tests/db_support/mod.rs"]
mod db_support;
#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
#[path = "../support/mod.rs"]
mod support;
