//! Benchmarks that compare sre-kit with its peers in one run.
//!
//! A [`Variant`] is one way to instrument a service. All variants wrap the same service and get
//! the same requests from the same loop. The result is the cost above the service alone, which
//! alternates with the variant in the same process, batch by batch.
//!
//! The `README.md` of this crate explains how to run the benchmarks and how to read the results.

pub mod alternate;
pub mod counts;
#[cfg(feature = "database")]
pub mod database;
pub mod instructions;
pub mod machine;
pub mod probe;
pub mod ratio;
pub mod report;
pub mod request;
pub mod scorecard;
pub mod scrape;
pub mod slo;
pub mod threads;
pub mod variants;
pub mod whole_server;
pub mod worker;

pub use request::Mix;
pub use variants::{Group, Variant};
pub use worker::Worker;
