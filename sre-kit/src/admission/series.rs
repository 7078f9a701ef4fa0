//! The metrics of an admission. Every counter exists at zero from the beginning.

use crate::ConfigError;
use crate::metrics::{Buckets, Counter, Histogram, Registry};

/// The reason of a refusal, which is the value of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The limit was reached and there is no queue.
    Limit,
    /// The queue was full.
    QueueFull,
    /// The request waited for the timeout of the queue.
    QueueTimeout,
    /// The request waited, and a critical request displaced it.
    Displaced,
}

impl Reason {
    const ALL: [Self; 4] = [Self::Limit, Self::QueueFull, Self::QueueTimeout, Self::Displaced];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::Displaced => "displaced",
        }
    }
}

pub(crate) struct Series {
    pub(crate) waited: Histogram,
    shed: [Counter; 4],
}

impl Series {
    pub(crate) fn new(registry: &Registry) -> Result<Self, ConfigError> {
        let bounds =
            [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let waited = registry.histogram(
            "sre_kit_http_server_queue_wait_seconds",
            "How long requests waited in the queue, whether they got in or not.",
            &Buckets::seconds(bounds)?,
        )?;
        let shed = registry.counter_family(
            "sre_kit_http_server_shed_total",
            "Requests that were refused to protect the service.",
            &["reason"],
        )?;
        Ok(Self { waited, shed: Reason::ALL.map(|reason| shed.with(&[reason.as_str()])) })
    }

    pub(crate) fn shed(&self, reason: Reason) {
        self.shed[reason as usize].inc();
    }

    pub(crate) fn shed_total(&self) -> u64 {
        self.shed.iter().map(Counter::get).sum()
    }
}
