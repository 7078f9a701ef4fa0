//! Concurrency limits, fixed or adaptive.

mod controller;
mod gradient;
mod settings;
mod tally;

#[cfg(test)]
mod simulation;

pub(crate) use controller::Controller;
pub use settings::GradientSettings;

use crate::ConfigError;

/// A limit of the units of work that may be in use at the same time.
///
/// # How to choose the number
///
/// By Little's law the mean number of concurrent requests is the rate times the mean time,
/// `L = λ · W`, for any distribution (J. D. C. Little, "A Proof for the Queuing Formula L = λW",
/// Operations Research 9(3), 1961). A service that serves 400 requests per second of 50 ms each has 20
/// concurrent requests. Multiply the highest rate that one instance sustained in a load test by its
/// latency at that rate, and add headroom for bursts, usually 50 %. A limit far above that number
/// protects nothing, because the requests wait inside the service instead. A limit below it refuses
/// work that the service could do.
///
/// The time includes the response body. A request of a client that reads slowly lasts long, and so
/// does an event stream: exempt such routes, or add their number to the limit.
///
/// # Fixed or adaptive
///
/// Start with a fixed limit, which is predictable and easy to understand. It becomes wrong when the
/// service, its dependencies or the size of its machine change. An adaptive limit measures the
/// number and follows it, so the limit changes while the service runs. [`GradientSettings`]
/// explains how it works and what it assumes.
///
/// ```
/// use sre_kit::admission::{GradientSettings, Limit};
///
/// let by_littles_law = Limit::fixed(30);
/// let by_latency = Limit::gradient(GradientSettings::default().max(200));
/// # let _ = (by_littles_law, by_latency);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Fixed(u32),
    Gradient(GradientSettings),
}

impl Limit {
    /// Creates a fixed limit of `limit` units, at least 1.
    pub fn fixed(limit: u32) -> Self {
        Self { kind: Kind::Fixed(limit) }
    }

    /// Creates an adaptive limit that follows the latency within bounds.
    pub fn gradient(settings: GradientSettings) -> Self {
        Self { kind: Kind::Gradient(settings) }
    }

    /// Returns the initial limit.
    pub(crate) fn initial(&self) -> u32 {
        match &self.kind {
            Kind::Fixed(limit) => *limit,
            Kind::Gradient(settings) => settings.initial,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match &self.kind {
            Kind::Fixed(0) => Err(ConfigError::new(
                "limit",
                0,
                "at least one request may be under way, or none is ever served",
                "take the requests per second you can carry times the seconds one takes",
            )),
            Kind::Fixed(_) => Ok(()),
            Kind::Gradient(settings) => settings.check(),
        }
    }
}
