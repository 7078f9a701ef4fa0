//! Golden signals, SLO burn rates, probes and graceful shutdown for a Rust service.

mod error;

pub mod admin;
pub mod golden_signals;
pub mod health;
pub mod lifecycle;
pub mod metrics;
pub mod saturation;
pub mod slo;

pub use error::ConfigError;
