//! Tests that count allocations. They are a binary of their own because its allocator counts.

mod admission;
mod golden_signals;
mod health;
#[cfg(feature = "outbound")]
mod outbound;
mod telemetry;
mod work;
