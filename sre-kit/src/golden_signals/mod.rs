//! The tower middleware that records every request exactly once.

mod body;
mod builder;
mod classify;
mod clock;
mod future;
mod head;
mod hub;
mod in_flight;
mod label;
mod layer;
mod outcome;
mod route;
mod series;
mod service;
mod upgrade;

#[cfg(test)]
mod tests;

use hub::Hubs;

pub use body::ResponseBody;
pub use builder::{GoldenSignalsBuilder, Scheme};
pub use classify::Streaming;
pub use future::ResponseFuture;
pub use head::{RequestHead, ResponseHead};
pub use label::Label;
pub use layer::GoldenSignalsLayer;
pub use outcome::Outcome;
pub use route::{RouteSource, Routes};
pub use service::GoldenSignalsService;
pub use upgrade::{OpenUpgrade, UpgradeLifetime};

use crate::metrics::Registry;

/// Records the golden signals of a service. Cloning is cheap; clones count together.
#[derive(Clone, Debug)]
pub struct GoldenSignals {
    hubs: Hubs,
}

impl GoldenSignals {
    /// Begins a layer whose families are registered in `registry`.
    pub fn builder(registry: &Registry) -> GoldenSignalsBuilder {
        GoldenSignalsBuilder::new(registry)
    }

    /// The layer. Put it outermost: what is further out, such as a timeout,
    /// ends requests without telling why.
    pub fn layer(&self) -> GoldenSignalsLayer {
        GoldenSignalsLayer::new(self.clone())
    }

    /// Requests that have started.
    pub fn started(&self) -> u64 {
        self.hubs.hub().store.flow.started()
    }

    /// Requests that ended in `outcome`.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.hubs.hub().store.flow.ended(outcome)
    }

    /// Requests in flight: started and not ended.
    pub fn in_flight(&self) -> u64 {
        self.hubs.hub().store.flow.active()
    }
}
