//! How many may be in: a number, or one that follows the latency.

mod controller;
mod gradient;
mod settings;
mod tally;

#[cfg(test)]
mod simulation;

pub(crate) use controller::Controller;
pub use settings::GradientSettings;

use crate::ConfigError;

/// How many units of work may be under way at once.
///
/// # Which number
///
/// By Little's law the mean number under way is the rate times the mean time,
/// `L = λ · W`, whatever the distributions (J. D. C. Little, "A Proof for the
/// Queuing Formula L = λW", Operations Research 9(3), 1961). A service that is to
/// carry 400 requests per second of 50 ms each has 20 of them under way. Take
/// the rate at which one instance was seen to be at its best in a load test,
/// times the latency it had there, and add headroom for bursts; half as much
/// again is usual. A limit far above that number protects nothing, because
/// the requests wait inside the service instead; one below it refuses work that
/// could have been done.
///
/// The time counts to the end of the response body. A client that reads slowly
/// is under way for long, and so is an event stream: exempt such routes, or add
/// their number to the limit.
///
/// # Fixed or adaptive
///
/// A fixed limit is predictable and its meaning is plain: begin with it. It goes
/// stale when the service, its neighbours or the size of its machine change. An
/// adaptive limit finds the number by itself and follows it, at the price of
/// moving while you look at it; see [`GradientSettings`] for how it does that and
/// what it takes for granted.
///
/// ```
/// use sre_kit::admission::{GradientSettings, Limit};
///
/// let by_littles_law = Limit::fixed(30);
/// let by_latency = Limit::gradient(GradientSettings::default().max(200));
/// # let _ = (by_littles_law, by_latency);
/// ```
#[derive(Clone, Debug)]
pub struct Limit {
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Fixed(u32),
    Gradient(GradientSettings),
}

impl Limit {
    /// This many. At least 1.
    pub fn fixed(limit: u32) -> Self {
        Self { kind: Kind::Fixed(limit) }
    }

    /// As many as the latency says, within bounds.
    pub fn gradient(settings: GradientSettings) -> Self {
        Self { kind: Kind::Gradient(settings) }
    }

    /// The limit to begin with.
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
