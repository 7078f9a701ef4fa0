//! Tests that need nothing but Rust, linked into one binary. Each file is a module.

mod gate;
mod generate;
mod probe;
mod serve;
mod setup_receivers;

#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
#[path = "../support/mod.rs"]
mod support;
