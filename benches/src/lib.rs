//! sre-kit beside its peers, in one run.
//!
//! A [`Variant`] is one way to instrument a service. All of them wrap the same
//! service, are driven by the same loop and are fed the same requests; what is
//! compared is the cost over the service alone, which is measured beside each in
//! the same process, batch by batch.
//!
//! `README.md` of this crate says how to run it and how to read it.

pub mod alternate;
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
pub mod worker;

pub use request::Mix;
pub use variants::{Group, Variant};
pub use worker::Worker;
